"""Which settings of a repository are taken over, refused, dropped; and how they are written again."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.domain.git_config import Fate, fate, is_personal
from aexp.domain.git_setting import Setting, parse, serialise

KEPT = {
    "core.filemode": "true",
    "core.repositoryformatversion": "1",
    "core.autocrlf": "input",
    "core.sparsecheckout": "true",
    "extensions.objectformat": "sha256",
    "extensions.partialclone": "origin",
    "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
    "remote.origin.promisor": "true",
    "remote.origin.partialclonefilter": "blob:none",
    "branch.main.remote": "origin",
    "branch.main.merge": "refs/heads/main",
    "user.email": "ada@example.org",
    "http.postbuffer": "524288000",
    "http.version": "HTTP/1.1",
    "remote.origin.tagopt": "--no-tags",
}
REFUSED = {
    "core.sshcommand": "touch x",
    "core.fsmonitor": "/home/ada/evil",
    "core.gitproxy": "evil",
    "core.askpass": "evil",
    "core.worktree": "/tmp/x",
    "core.alternaterefscommand": "evil",
    "include.path": "../evil",
    "includeif.gitdir:/.path": "evil",
    "url.ext::evil.insteadof": "https://",
    "url.https://evil/.pushinsteadof": "https://",
    "credential.helper": "!evil",
    "credential.https://x.helper": "evil",
    "http.proxy": "http://evil",
    "http.https://x/.sslverify": "false",
    "http.cookiefile": "/tmp/x",
    "protocol.ext.allow": "always",
    "filter.evil.clean": "evil",
    "filter.lfs.smudge": "evil %f",
    "merge.evil.driver": "evil",
    "remote.origin.uploadpack": "evil",
    "remote.origin.receivepack": "evil",
    "remote.origin.vcs": "evil",
    "remote.origin.proxy": "http://evil",
    "remote.origin.fetch": "+refs/heads/*:refs/heads/*",
    "branch.main.remote": "ext::sh -c evil",
    "branch.main.merge": "refs/heads/../x",
    "gpg.program": "evil",
    "gpg.ssh.program": "evil",
    "submodule.sub.update": "!evil",
    "hook.evil.command": "evil",
    "extensions.unheardof": "true",
    "extensions.refstorage": "reftable",
    "pull.twohead": "evil",
    "branch.main.mergeoptions": "-s evil",
    "lfs.customtransfer.evil.path": "evil",
    "lfs.extension.evil.clean": "evil",
    "lfs.standalonetransferagent": "evil",
}
DROPPED = {
    "core.filemode": "evil",
    "core.untrackedcache": "keep",
    "core.logallrefupdates": "always",
    "core.hookspath": ".husky",
    "branch.topic.remote": ".",
    "my.own": "x",
}
IGNORED = {
    "core.bare": "false",
    "core.editor": "vim",
    "alias.st": "!evil",
    "diff.ipynb.textconv": "evil",
    "filter.lfs.process": "git-lfs filter-process",
    "core.fsmonitor": "true",
    "extensions.worktreeconfig": "true",
    "commit.gpgsign": "true",
    "trace2.eventtarget": "/tmp/x",
    "checkout.workers": "1500",
    "remote.origin.url": "https://x/y",
}


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [(KEPT, Fate.KEEP), (REFUSED, Fate.REFUSE), (DROPPED, Fate.DROP), (IGNORED, Fate.IGNORE)],
    ids=["kept", "refused", "dropped", "ignored"],
)
def test_each_setting_has_its_fate(settings: dict[str, str], verdict: Fate) -> None:
    found = {key: fate(Setting(key, value)) for key, value in settings.items()}
    assert found == dict.fromkeys(settings, verdict)


def test_of_the_users_own_settings_those_that_run_programs_in_a_working_copy_stay_behind() -> None:
    along = ["user.name", "credential.helper", "http.proxy", "core.sshcommand", "url.x.insteadof"]
    assert all(is_personal(Setting(key, "x")) for key in along)
    assert is_personal(Setting("filter.lfs.process", "git-lfs filter-process"))
    behind = ["filter.nbstripout.clean", "core.hookspath", "core.fsmonitor", "merge.x.driver",
              "diff.external", "alias.x", "include.path", "core.editor", "core.attributesfile"]  # fmt: skip
    assert not any(is_personal(Setting(key, "x")) for key in behind)


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(NAMES, TEXT.filter(lambda text: "\n" not in text), NAMES, TEXT)
def test_what_is_written_is_read_by_git_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, section: str, subsection: str, name: str, value: str
) -> None:
    key = ".".join(part for part in (section, subsection, name) if part)
    setting = Setting(key, value.replace("\r", ""))
    done = subprocess.run(
        ["git", "config", "--file", "-", "--no-includes", "--list", "-z"],
        input=serialise([setting]),
        capture_output=True,
        check=True,
        cwd=tmp_path_factory.getbasetemp(),
    )
    assert parse(done.stdout) == [setting]


def test_a_key_without_a_value_means_true() -> None:
    (setting,) = parse(b"remote.origin.promisor\0")
    assert setting == Setting("remote.origin.promisor", None)
    assert b'promisor = "true"' in serialise([setting])


def test_the_parts_of_a_key() -> None:
    setting = Setting("url.https://a.b/.insteadof", "x")
    assert (setting.section, setting.subsection, setting.name) == (
        "url",
        "https://a.b/",
        "insteadof",
    )
    assert Path(setting.shape).name == "url.*.insteadof"
