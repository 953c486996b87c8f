"""Settings from files: what they may hold, which of them counts, and what a hostile one can do (nothing)."""

import json
import os
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from aexp.adapters.configuration.files import LocalConfigurationFiles
from aexp.adapters.configuration.memory import MemoryConfigurationFiles
from aexp.airgapped import RelayClient
from aexp.airgapped.defaults import open_queue, system_clock
from aexp.cli.keepup import _options_of
from aexp.domain.configuration import BY_SETTING, KEYS, shown_value
from aexp.domain.errors import SettingsError
from aexp.domain.setting_file import read_file
from aexp.domain.setting_schema import schema
from aexp.domain.unit import environment
from aexp.sandbox.days import today_of, zone_of
from aexp.sandbox.places import configured_parent
from aexp.settings import (
    Settings,
    configured,
    files_around,
    load_settings,
    origin_of,
    policy_file,
    settings_of,
    stacked,
)

EXAMPLES: dict[str, list[Any]] = {
    "relay.queue": ["/q", "~/q", "file:///q", "~", "/ä 🙂"],
    "relay.default_timeout": [0, 7, 0.5, 86400],
    "relay.profile": ["auto", "nfs"],
    "relay.cwd_allowlist": [["projects"], ["a", "b c"]],
    "relay.most_at_once": [1, 64, 4.0],
    "relay.consent": ["login", "file", "signed"],
    "relay.allowed_signers": ["~/.ssh/signers"],
    "relay.strict": [True, False],
    "relay.trust_remotes": [["/srv/a.git", "/srv/b.git"]],
    "relay.notify": ["none", "no-bell", ["log", "bell"], ["none"], "Log , bell", "ALL"],
    "relay.notify_hook": ["/bin/tell me"],
    "sandbox.parent_dir": ["nb", "/abs"],
    "sandbox.timezone": ["local", "UTC", "Europe/Berlin"],
}
BAD: dict[str, list[Any]] = {
    "relay.queue": ["rel/q", "", 5, None, ["/q"], "/q\n", "a b://x", "1x://a", "/\u202e"],
    "relay.default_timeout": [-1, 86401, "7", True, None, [], {}, 16**400],
    "relay.profile": ["floppy", 1, None],
    "relay.cwd_allowlist": ["projects", [], ["a/b"], ["a,b"], [1], [""], [" "], None],
    "relay.most_at_once": [0, 65, 1.5, True, "4"],
    "relay.consent": ["none", True],
    "relay.allowed_signers": ["signers"],
    "relay.strict": ["yes", 1, None],
    "relay.trust_remotes": ["/srv/a.git", ["/a:/b"], [], [" "]],
    "relay.notify": ["bells", [], "", 3, ["none", "bell"], "none,none", ["log,bell"], " ", ["x"]],
    "relay.notify_hook": [["a"], "", "a\tb"],
    "sandbox.parent_dir": ["", 1, " ", "a\nb", "a\x7f", "\u00a0"],
    "sandbox.timezone": [0, "", "UTC\n"],
}


def nested(name: str, value: object) -> dict[str, object]:
    section, _, key = name.partition(".")
    return {section: {key: value}}


def test_every_setting_has_a_key_and_examples() -> None:
    assert {field.name for field in fields(Settings)} == {*BY_SETTING}
    assert {key.name for key in KEYS} == {*EXAMPLES} == {*BAD}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_file_and_its_schema_take_the_same_values(name: str) -> None:
    validator = jsonschema.Draft202012Validator(schema())

    for value in EXAMPLES[name]:
        values, problems = read_file(nested(name, value), of_repository=False)
        assert (len(values), problems) == (1, []), value
        assert validator.is_valid(nested(name, value)), value
    for value in BAD[name]:
        values, [problem] = read_file(nested(name, value), of_repository=False)
        assert values == {}, value
        assert name in problem.what
        assert "llowed" in problem.hint
        assert not validator.is_valid(nested(name, value)), value


@pytest.mark.parametrize("value", [float("nan"), 16**5000], ids=["nan", "huge"])
def test_a_number_that_json_has_not_is_refused_like_any_other(value: float) -> None:
    values, [problem] = read_file(nested("relay.default_timeout", value), of_repository=False)
    assert values == {}
    assert "relay.default_timeout cannot be" in problem.what


def test_the_schema_is_one_and_knows_no_other_key() -> None:
    for whose in (True, False):
        jsonschema.Draft202012Validator.check_schema(schema(of_repository=whose))
    repository = jsonschema.Draft202012Validator(schema(of_repository=True))
    for key in KEYS:
        body = nested(key.name, EXAMPLES[key.name][0])
        assert repository.is_valid(body) is not key.policy
        assert not repository.is_valid(nested(f"{key.name}x", 1))


def test_text_that_is_shown_can_stand_in_the_environment() -> None:
    for key in KEYS:
        for value in EXAMPLES[key.name]:
            read = key.kind.of_file(value)
            again = load_settings({key.variable: shown_value(read)})
            shown = shown_value(getattr(again, key.setting))
            assert shown == shown_value(read), key.name


@pytest.mark.parametrize(
    ("body", "told", "near"),
    [
        ({"relay": {"qeue": "/q"}}, "relay.qeue is no setting", "Did you mean relay.queue?"),
        ({"sandbox": {"queue": "/q"}}, "sandbox.queue is no setting", "relay.queue"),
        ({"default_timeout": 5}, "default_timeout is no setting", "relay.default_timeout"),
        ({"rely": {}}, "rely is no setting", "Did you mean relay?"),
        ({"relay": {"\x1b[2J": 1}}, r"relay.\x1b[2J is no setting", "config show"),
        ({"zzzzzz": 1}, "zzzzzz is no setting", "`aexp config show` lists"),
        ({1: 2}, "1 is no setting", "config show"),
        ({16**5000: 2}, "a number of that many digits is no setting", "config show"),
        ({"relay": {16**5000: 2}}, "relay.a number of that many digits is no", "config show"),
        ({"relay": 5}, "relay is 5, and no section", "default_timeout: 120"),
        ([1], "It holds no settings", "default_timeout: 120"),
        ("text", "It holds no settings", "default_timeout: 120"),
    ],
)  # fmt: skip
def test_what_is_no_setting_is_told_with_the_nearest_one(
    body: object, told: str, near: str
) -> None:
    values, [problem] = read_file(body, of_repository=False)

    assert values == {}
    assert told in problem.what
    assert near in problem.hint


@pytest.mark.parametrize(
    ("value", "told", "hint"),
    [
        (None, "relay.default_timeout cannot be empty.", "Allowed: a number"),
        (True, "cannot be true (which is what YAML reads in yes and on).", "Allowed: a number"),
        ("120", "cannot be '120'.", "Write it without quotes. Allowed: a number"),
        ("soon", "cannot be 'soon'.", "Allowed: a number"),
    ],
)
def test_a_value_that_cannot_be_is_told_in_the_words_of_the_file(
    value: object, told: str, hint: str
) -> None:
    _, [problem] = read_file(nested("relay.default_timeout", value), of_repository=False)
    assert told in problem.what
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize("body", [None, {}, {"relay": None}, {"relay": {}, "sandbox": None}])
def test_an_empty_file_sets_nothing(body: object) -> None:
    assert read_file(body, of_repository=True) == ({}, [])


@pytest.mark.parametrize(
    "queue", ["redis://h/0", "ssh://h/~/x", "lab://x", "FILE://x", "ssh://-oProxyCommand=x/y"]
)
def test_a_repositorys_file_names_no_server(queue: str) -> None:
    validator = jsonschema.Draft202012Validator(schema(of_repository=True))
    values, [problem] = read_file(nested("relay.queue", queue), of_repository=True)
    assert values == {}
    assert "cannot name a server" in problem.hint
    assert not validator.is_valid(nested("relay.queue", queue))
    for local in ("/q", "~/.relay", "file:///q"):
        assert read_file(nested("relay.queue", local), of_repository=True) == ({"queue": local}, [])
        assert validator.is_valid(nested("relay.queue", local))


@pytest.mark.parametrize("key", [key for key in KEYS if key.policy], ids=lambda key: key.name)
def test_a_repositorys_file_sets_no_policy(key: Any) -> None:
    values, [problem] = read_file(nested(key.name, EXAMPLES[key.name][0]), of_repository=True)

    assert values == {}
    assert "policy of the login node" in problem.what
    assert "your own file" in problem.hint


def test_keyword_environment_repository_user_default_count_in_this_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AEXP_RELAY_TIMEOUT", raising=False)
    user = {"relay": {"default_timeout": 4}, "sandbox": {"parent_dir": "user"}}
    files = MemoryConfigurationFiles(user, {"/r": {"relay": {"default_timeout": 3}}})
    layers = {"all": files_around("/r", files), "user": files_around("/other", files), "none": []}
    environ = {"AEXP_RELAY_TIMEOUT": "2"}

    told = [
        (settings_of(stack).default_timeout, origin_of("default_timeout", stack))
        for stack in (
            stacked(environ, layers["all"], default_timeout=1),
            stacked(environ, layers["all"], default_timeout=None),
            stacked({}, layers["all"]),
            stacked({}, layers["user"]),
            stacked({}, layers["none"]),
        )
    ]

    assert told == [
        (1.0, "keyword"),
        (2.0, "AEXP_RELAY_TIMEOUT"),
        (3.0, "/r/.aexp/config.yaml"),
        (4.0, "/home/config.yaml"),
        (60.0, "default"),
    ]
    assert settings_of(stacked({}, layers["all"])).sandbox_parent_dir == "user"


def test_policy_is_read_from_the_users_file_alone_and_only_when_it_is_theirs() -> None:
    strict = {"relay": {"strict": True}}

    [layer] = policy_file({}, MemoryConfigurationFiles(strict, {"/": {"relay": {"queue": "/x"}}}))
    assert layer.values == {"strict": True}
    assert policy_file({}, MemoryConfigurationFiles()) == []
    with pytest.raises(SettingsError, match="can be written by others, so /home"):
        policy_file({}, MemoryConfigurationFiles(strict, loose="/home can be written by others"))


@pytest.fixture
def repo(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in the home, with a folder for settings; the current folder lies in it."""
    folder = home / "repo"
    for path in (folder / ".git", folder / ".aexp", folder / "deep"):
        path.mkdir(parents=True)
    monkeypatch.chdir(folder / "deep")
    return folder


def test_the_client_and_the_sandboxes_read_both_files(home: Path, repo: Path) -> None:
    own = home / ".config/aexp/config.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("relay:\n  queue: ~/own\n  default_timeout: 9\n  cwd_allowlist: [repo]\n")
    (repo / ".aexp/config.yaml").write_text(
        "relay:\n  default_timeout: 8\nsandbox:\n  parent_dir: nb\n"
    )

    client = RelayClient()
    assert client.queue.storage.folder == f"{home}/own"
    assert client.default_timeout == 8.0
    assert client._judge._policy.names == {"repo"}
    assert RelayClient(cwd=home).default_timeout == 9.0
    assert RelayClient(queue=home / "given", default_timeout=1).default_timeout == 1.0
    assert open_queue(None, system_clock()).folder == f"{home}/own"
    assert configured_parent()[0] == "nb"
    assert configured_parent("given") == ("given", "keyword")
    assert configured(str(home)).sandbox_parent_dir == "notebooks/_sandbox"


def test_a_client_says_which_file_is_wrong(repo: Path) -> None:
    (repo / ".aexp/config.yaml").write_text("relay:\n  qeue: /x\n  strict: true\n")

    with pytest.raises(SettingsError) as caught:
        RelayClient()
    assert caught.value.what == f"{repo}/.aexp/config.yaml: relay.qeue is no setting."
    assert "and 1 more: aexp config validate" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("relay: {queue: /a, queue: /b}", "line 1, column 20: queue is there twice"),
        ("relay: {}\nrelay: {}\n", "line 2, column 1: relay is there twice"),
        ("a: &x 1\nb: *x\n", "settings have no aliases"),
        (f"a: {'[' * 5000}", "nested too deep"),
        ("relay: !!python/object/apply:os.system ['false']", "settings have no tags"),
        ("relay: [", "line 1"),
        ("relay: !!bool maybe", "line 1, column 8: settings have no tags"),
        ("relay: {queue: !!int ''}", "settings have no tags"),
        ("relay: !!map [a]", "settings have no tags"),
        ("relay: {<<: {queue: /a}, queue: /b}", "line 1, column 9: settings have no merges"),
        ("relay: 9999-99-99", "month must be in 1..12"),
        (f"relay: {'9' * 6000}", "cannot be read"),
        ("a: \x07", "cannot be read"),
        ("#" * 70_000, "has more than 65536 bytes"),
        (b"\xff\xfe\x00", "is not UTF-8, from its byte 1 on"),
        ("a: 1\n---\nb: 2\n", "cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_plain_yaml_is_refused_by_name(
    repo: Path, text: str | bytes, told: str
) -> None:
    file = repo / ".aexp/config.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)

    with pytest.raises(SettingsError, match=r"config\.yaml") as caught:
        configured()
    assert told in caught.value.what
    assert caught.value.hint
    assert len(caught.value.what) < 800


@pytest.mark.parametrize("kind", ["link", "folder link", "fifo", "folder", "dangling"])
def test_no_link_and_nothing_but_a_file_is_read_in_a_repository(
    home: Path, repo: Path, kind: str
) -> None:
    stranger = home / "elsewhere"
    stranger.mkdir()
    (stranger / "config.yaml").write_text("relay:\n  default_timeout: 1\n")
    place = repo / ".aexp/config.yaml"
    if kind == "link":
        place.symlink_to(stranger / "config.yaml")
    elif kind == "dangling":
        place.symlink_to(home / "nowhere")
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.parent.rmdir()
        place.parent.symlink_to(stranger)

    with pytest.raises(SettingsError, match=r"\.aexp/config\.yaml cannot be read"):
        configured()


def test_a_users_file_may_be_a_link_and_is_loose_where_others_can_write(home: Path) -> None:
    real = home / "dotfiles/aexp.yaml"
    real.parent.mkdir(mode=0o700)
    real.write_text("relay:\n  strict: true\n")
    (home / ".config/aexp").mkdir(parents=True)
    (home / ".config/aexp/config.yaml").symlink_to(real)
    environ = {"HOME": str(home)}
    real.chmod(0o644)
    home.chmod(0o755)

    [layer] = policy_file(environ)
    assert layer.values == {"strict": True}

    for place, mode in ((real, 0o664), (real.parent, 0o777), (home, 0o775)):
        before = place.stat().st_mode
        place.chmod(mode)
        with pytest.raises(SettingsError, match="can be written by others"):
            policy_file(environ)
        place.chmod(before)
    assert policy_file({"HOME": str(home), "XDG_CONFIG_HOME": "relative"}) == [layer]
    assert LocalConfigurationFiles().user_path({"XDG_CONFIG_HOME": "/x"}) == "/x/aexp/config.yaml"


def test_settings_are_there_when_the_current_folder_is_gone(home: Path, repo: Path) -> None:
    (repo / "deep").rmdir()

    assert configured().default_timeout == 60.0


def test_a_sandboxs_day_is_that_of_the_zone_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    days = set()
    for zone in ("Etc/GMT-14", "Etc/GMT+12"):  # 26 hours apart: never the same day.
        monkeypatch.setenv("AEXP_SANDBOX_TIMEZONE", zone)
        days.add(today_of("/"))
    assert len(days) == 2
    for wrong in ("Mars/Phobos", "../../etc/passwd", "", "Europe"):
        with pytest.raises(SettingsError, match=r"sandbox\.timezone"):
            zone_of(wrong)


def test_the_schema_can_be_printed() -> None:
    assert json.loads(json.dumps(schema())) == schema()


def test_a_unit_finds_the_same_file_as_the_shell() -> None:
    kept = environment({"XDG_CONFIG_HOME": "/x", "OTHER": "y"}, "/run/user/1")

    assert kept == {"XDG_CONFIG_HOME": "/x"}


def test_a_restart_gives_the_original_no_consent_by_file_where_the_users_file_says_what_counts(
    home: Path,
) -> None:
    words = ("python", "-m", "aexp.airgapped", "daemon")
    posted = SimpleNamespace(words=words, environ={"HOME": str(home)})
    assert _options_of(posted) == ("--consent", "file")  # type: ignore[arg-type]
    own = home / ".config/aexp/config.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("relay:\n  consent: login\n")
    for place in (own, *[*own.parents][:3]):
        place.chmod(0o700)

    assert _options_of(posted) == ()  # type: ignore[arg-type]
