"""The check-up of what a daemon needs besides the queue, where one runs or could."""

import pytest

from aexp.domain.checkup.agent import Agent
from aexp.domain.checkup.git import OwnGit, judge_own_git
from aexp.domain.checkup.log_out import LogOut, Place, judge_log_out
from aexp.domain.checkup.wandb import Wandb
from aexp.domain.errors import RelayBusyError, RelayStartError, RelayStorageError
from aexp.domain.findings import Level
from aexp.domain.git_setting import Setting
from aexp.domain.identity import ProcessId
from aexp.ports.post import Posted
from tests.surgery import FolderStorage, Surgery, told

ON_THE_LOGIN_NODE = {"git", "git-config", "git-lfs", "ssh-agent", "log-out", "wandb", "remote"}


@pytest.fixture
def surgery() -> Surgery:
    return Surgery()


def test_what_a_daemon_needs_is_looked_at_where_one_runs_or_could() -> None:
    elsewhere = Surgery(host="gpu7")
    elsewhere.serve()
    assert not ON_THE_LOGIN_NODE & set(elsewhere.findings())
    nowhere = Surgery(host="gpu7")
    assert set(nowhere.findings()) >= ON_THE_LOGIN_NODE
    nowhere.login.found_git = False
    assert not ON_THE_LOGIN_NODE & set(nowhere.findings())


def test_a_git_that_will_not_do_fails_where_the_daemon_runs(surgery: Surgery) -> None:
    surgery.login.version = RelayStartError("git is too old.", "Load a newer module.")
    finding = surgery.findings()["git"]
    assert told(finding) == (
        "warn",
        "not fit for a daemon on this node: git is too old.",
        "Load a newer module.",
    )
    surgery.serve()
    assert told(surgery.findings()["git"]) == ("fail", "git is too old.", "Load a newer module.")


class _Unreadable(FolderStorage):
    def list(self, folder: str) -> list[str]:
        raise RelayStorageError("it could not be listed.", "Check the mount.")


def test_a_queue_that_cannot_be_read_is_no_fault_of_git(surgery: Surgery) -> None:
    surgery.storage = _Unreadable(surgery.clock)
    found = surgery.findings()
    assert told(found["queue"]) == ("fail", "it could not be listed.", "Check the mount.")
    assert found["daemon"].level is Level.FAIL
    assert found["git"].level is Level.OK


@pytest.mark.parametrize("found_lfs", [None, "/usr/bin/git-lfs"])
def test_git_lfs_is_told_and_never_missed(surgery: Surgery, found_lfs: str | None) -> None:
    surgery.login.found_lfs = found_lfs
    finding = surgery.findings()["git-lfs"]
    assert finding.level is Level.OK
    assert finding.what.startswith(found_lfs or "not there")


def test_from_elsewhere_one_line_says_where_to_look() -> None:
    elsewhere = Surgery(host="gpu7")
    elsewhere.serve()
    finding = elsewhere.findings()["login-node"]
    assert told(finding)[0] == "ok"
    assert finding.what.endswith("run `aexp relay doctor` where the daemon runs, on login1")
    nowhere = Surgery(host="gpu7")
    nowhere.login.found_git = False
    assert nowhere.findings()["login-node"].what.endswith("on the login node")
    assert "login-node" not in Surgery().findings()


def test_a_daemon_of_this_node_is_looked_at_and_not_the_shell(surgery: Surgery) -> None:
    surgery.findings()
    assert surgery.login.pid is None
    surgery.serve()
    surgery.findings()
    assert surgery.login.pid == 7


@pytest.mark.parametrize("at_post", [None, 8])
def test_the_post_says_whose_environment_counts_and_no_beat(
    surgery: Surgery, at_post: int | None
) -> None:
    surgery.serve()
    other = ProcessId.new("login1", 8, 1)
    surgery.standing.posted = Posted(other, environ={"PATH": "/bin"}) if at_post else None
    surgery.findings()
    assert surgery.login.pid == at_post


def test_a_daemon_whose_environment_cannot_be_read_leaves_that_of_the_shell(
    surgery: Surgery,
) -> None:
    daemon = surgery.serve()
    surgery.standing.posted = Posted(daemon.me)
    surgery.findings()
    assert surgery.login.pid is None


def test_a_post_that_cannot_be_seen_is_told_and_the_shell_is_looked_at(
    surgery: Surgery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen() -> None:
        raise RelayBusyError("It cannot be seen from here.", "Look from there.")

    surgery.serve()
    monkeypatch.setattr(surgery.post, "who", unseen)
    found = surgery.findings()
    what = "what follows is of this shell, not of a daemon: It cannot be seen from here."
    assert told(found["login-node"]) == ("warn", what, "Look from there.")
    assert surgery.login.pid is None
    assert found["git"].level is Level.OK


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (None, "none is named in this shell"),
        (Agent("/run/gone", trouble="is no socket (any more)"), "names /run/gone, which is no"),
        (Agent("/run/agent", keys=0), "holds no key"),
        (Agent("/tmp/ssh-X/agent.5", keys=2, forwarded=True), "2 keys) is forwarded by a log-in"),
    ],
)
def test_an_agent_that_cannot_be_used_for_long_is_a_warning(
    surgery: Surgery, agent: Agent | None, words: str
) -> None:
    surgery.login.socket = agent
    finding = surgery.findings()["ssh-agent"]
    assert finding.level is Level.WARN
    assert words in finding.what
    assert "ssh-add" in finding.fix


def test_the_fix_of_an_agent_can_be_pasted(surgery: Surgery) -> None:
    surgery.login.socket = Agent("/run/a; rm", keys=0)
    assert surgery.findings()["ssh-agent"].fix == "Type: SSH_AUTH_SOCK='/run/a; rm' ssh-add"


SESSION, SERVICE = Place.SESSION, Place.SERVICE


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (LogOut(), "ok", "not known"),
        (LogOut(kills=False), "ok", "tmux or screen goes on"),
        (LogOut(kills=True, lingers=True), "warn", "Type: aexp relay service install"),
        (LogOut(kills=True, lingers=False), "warn", "enable-linger; then: aexp relay service"),
        (LogOut(kills=True), "warn", "loginctl enable-linger"),
        (
            LogOut(kills=True, place=SESSION, screen="tmux", is_daemon=True),
            "warn",
            "service install",
        ),
        (LogOut(kills=False, place=SESSION, screen="tmux", is_daemon=True), "ok", "runs in tmux"),
        (LogOut(kills=False, place=SESSION, is_daemon=True), "warn", "aexp relay up"),
        (LogOut(place=SESSION, is_daemon=True), "warn", "aexp relay up"),
        (LogOut(kills=True, lingers=True, place=SERVICE, is_daemon=True), "ok", "service of yours"),
        (LogOut(kills=True, lingers=False, place=SERVICE, is_daemon=True), "warn", "enable-linger"),
        (LogOut(place=SERVICE, is_daemon=True), "ok", "is not known"),
        (LogOut(kills=True, is_daemon=True), "ok", "belongs to no log-in"),
    ],
)
def test_log_out(found: LogOut, level: str, words: str) -> None:
    finding = judge_log_out("log-out", found)
    assert finding.level == level
    assert words in (finding.fix or finding.what)


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (Wandb(), "ok", "not there"),
        (
            Wandb(untrusted="/home/ada/v/bin/wandb"),
            "warn",
            "AEXP_RELAY_WANDB=/home/ada/v/bin/wandb",
        ),
        (Wandb("/w", "", "version 0.31", "api.wandb.ai", True), "ok", "a key for api.wandb.ai"),
        (Wandb("/w", "", "version 0.31", "wandb.site", False), "warn", "wandb login"),
        (Wandb("/w", "", "", "wandb.site", True), "warn", "/w --version"),
    ],
)
def test_wandb(surgery: Surgery, found: Wandb, level: str, words: str) -> None:
    surgery.login.found_wandb = found
    (finding,) = surgery.of("wandb")
    assert finding.level == level
    assert words in (finding.fix or finding.what)


HOME = "/home/ada"
ME = Setting("user.email", "ada@example.org")


def own(*settings: Setting, **environ: str) -> list[tuple[str, str, str]]:
    return [told(one) for one in judge_own_git("x", OwnGit(settings, environ, HOME))]


def test_an_own_configuration_without_anything_of_note_is_one_line() -> None:
    assert own(ME) == [("ok", "nothing in yours matters here", "")]


def test_what_is_used_and_what_is_not_is_named_without_a_value() -> None:
    ((level, what, _),) = own(
        ME,
        Setting("credential.https://ada:hunter2@host.helper", "store"),
        Setting("http.proxy", "http://ada:hunter2@proxy"),
        Setting("url.https://ada:hunter2@host/.insteadof", "short:"),
        Setting("commit.gpgsign", "true"),
        Setting("core.hookspath", "/home/ada/hooks"),
        Setting("filter.x.clean", "x"),
        Setting("safe.directory", "*"),
    )
    assert level == "ok"
    assert "hunter2" not in what
    assert "used: credential.*.helper, http.proxy, url.*.insteadof, safe.directory" in what
    assert "not used: commit.gpgsign (commits that a relayed rebase makes anew" in what
    assert "core.hookspath, filter.x.clean" in what


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting("credential.helper", "/home/ada/bin/helper"), "runs a program in your home"),
        (Setting("core.sshcommand", "~/bin/ssh"), "runs a program in your home"),
        (Setting("credential.helper", "libsecret"), "a desktop's keyring"),
        (Setting("credential.helper", "/usr/lib/git-credential-manager"), "a desktop's keyring"),
        (Setting("http.https://host.sslverify", "false"), "http.sslVerify is off"),
        (Setting("includeif.gitdir:~/x/.path", "~/.x"), "includeIf"),
    ],
)
def test_what_is_doubtful_in_it_is_a_warning_with_a_fix(setting: Setting, words: str) -> None:
    _, (level, what, fix) = own(ME, setting)
    assert level == "warn"
    assert words in what
    assert fix.endswith(".")


def test_what_is_not_doubtful_is_no_warning() -> None:
    stored = Setting("credential.credentialstore", "plaintext")
    assert len(own(ME, Setting("credential.helper", "manager"), stored)) == 1
    assert len(own(ME, Setting("credential.helper", "store"), Setting("http.sslverify", None))) == 1


def test_variables_that_are_not_used_and_a_missing_identity_are_told() -> None:
    findings = own(GIT_SSH_COMMAND="ssh -i x", GIT_CONFIG_GLOBAL="/x")
    assert [what.split()[0] for _, what, _ in findings[1:]] == [
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_GLOBAL",
        "no",
    ]
    assert "git config --global user.email" in findings[-1][2]
    assert len(own(GIT_COMMITTER_EMAIL="ada@example.org")) == 1


def test_a_configuration_that_git_cannot_read_fails_where_the_daemon_runs(surgery: Surgery) -> None:
    surgery.login.settings = RelayStartError("bad config line 1.", "Mend the configuration.")
    assert surgery.of("git-config")[0].level is Level.WARN
    surgery.serve()
    assert told(surgery.of("git-config")[0]) == (
        "fail", "cannot be read: bad config line 1.", "Mend the configuration.",
    )  # fmt: skip
