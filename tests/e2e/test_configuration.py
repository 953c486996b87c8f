"""Files of settings at work, and a daemon that a repository's cannot talk into anything."""

import json
from pathlib import Path

import pytest

from tests.site import Site


def own_file(site: Site, text: str) -> Path:
    file = site.home / ".config/aexp/config.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    for place, mode in (
        (file, 0o644),
        (file.parent, 0o755),
        (file.parents[1], 0o755),
        (site.home, 0o755),
    ):
        place.chmod(mode)
    return file


def repository_file(site: Site, text: str) -> Path:
    file = site.repo / ".aexp/config.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def refused_by_both(site: Site, file: Path, variable: dict[str, str], why: str) -> str:
    """What validate says of a file, which is gone then, and must say as well of the variable in its place."""
    by_file = site.aexp("config", "validate")
    file.unlink()
    by_environment = site.aexp("config", "validate", env=variable)
    for told in (by_file, by_environment):
        assert told.returncode == 78
        assert why in " ".join(told.stdout.split())
    return by_file.stdout


def test_a_daemon_takes_nothing_from_a_hostile_repository(site: Site) -> None:
    hostile = repository_file(
        site,
        "relay:\n  queue: ~/theirs\n  consent: file\n  notify_hook: /bin/false\n  strict: false\n",
    )

    site.serve(prefix=("env", "-C", str(site.repo)))
    shown = site.relay("pending")

    note, serves = site.said
    assert note == f"note: {hostile} does not count: a daemon takes nothing from a repository\n"
    assert f"aexp relay serves {site.queue} (pid" in serves
    assert "consent login" in serves
    assert not (site.home / "theirs").exists()
    assert shown.returncode == 0, shown.stderr


def test_a_daemon_reads_the_users_file_once_and_tells_what_it_says(site: Site) -> None:
    queue = site.home / "queue"
    file = own_file(site, "relay:\n  queue: ~/queue\n  strict: true\n  cwd_allowlist: [repo]\n")
    site.serve()

    assert site.said[0].startswith(f"from {file}: ")
    assert "relay.strict true" in site.said[0]
    assert f"settings file={file}" in (queue / "daemon.log").read_text()
    file.write_text("relay:\n  queue: ~/queue\n  strict: false\n")
    held = site.relay("pull", "--no-wait")
    assert held.returncode == 0, held.stderr
    told = (queue / "daemon.log").read_text()
    assert "relay.strict=true" in told
    site.until("it waits for a person", lambda: site.json("status")["pending"] == 1)
    elsewhere = site.aexp("relay", "pull", cwd=site.home)
    assert elsewhere.returncode == 65, elsewhere.stderr


def test_an_option_and_a_variable_win_over_the_users_file(site: Site) -> None:
    own_file(site, "relay:\n  consent: signed\n  trust_remotes: [/from/file.git]\n")

    environ = {"AEXP_RELAY_CONSENT": "file"}
    site.end(site.serve(env=environ))
    by_variable = "".join(site.said)
    site.serve("--consent", "login", env=environ)
    by_option = "".join(site.said)

    assert "consent file" in by_variable
    assert "consent login" in by_option
    assert "relay.consent" not in by_variable + by_option


def test_the_originals_default_for_consent_does_not_win_over_the_users_file(site: Site) -> None:
    original = ("aexp.airgapped", "daemon")
    site.end(site.serve(command=original))
    assert "consent file" in site.said[-1]
    own_file(site, "relay:\n  consent: login\n")

    site.serve(command=original)

    assert "consent login" in site.said[-1]


def test_a_file_that_others_can_write_says_nothing_on_the_login_node(site: Site) -> None:
    file = own_file(site, "relay:\n  default_timeout: 7\n")
    file.chmod(0o666)

    told = site.relay("serve", "--once")
    checked = site.aexp("config", "validate")
    shown = json.loads(site.aexp("config", "show", "--json").stdout)

    assert told.returncode == 78
    assert f"{file} can be written by others" in told.stderr
    assert "chmod go-w" in told.stderr
    assert checked.returncode == 0
    assert "warn  user" in checked.stdout
    [timeout] = [one for one in shown["settings"] if one["key"] == "relay.default_timeout"]
    assert timeout == {
        "key": "relay.default_timeout",
        "value": "7",
        "origin": str(file),
        "policy": False,
    }


def test_what_is_set_is_shown_checked_and_described(site: Site) -> None:
    file = repository_file(site, "sandbox:\n  parent_dir: nb\n  timezone: Mars/Phobos\n")

    shown = site.aexp("config", "show", "--origin", env={"AEXP_RELAY_TIMEOUT": "5"})
    rows = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines()}
    assert rows["relay.default_timeout"] == ["5", "AEXP_RELAY_TIMEOUT"]
    assert rows["sandbox.parent_dir"] == ["nb", str(file)]
    assert rows["relay.queue"] == ["~/.relay", "default"]
    assert f"repository's file: {file}" in shown.stderr
    assert "user's file: none, it would be" in shown.stderr

    wrong = site.aexp("config", "validate")
    assert wrong.returncode == 78
    assert f"{file}: sandbox.timezone is Mars/Phobos, which is no time zone" in wrong.stdout
    file.write_text("relay:\n  qeue: /x\nsandbox:\n  timezone: Mars/Phobos\n")
    assert site.aexp("config", "validate").stdout.count("\nfail  repository") == 2
    file.write_text("relay:\n  strict: true\n  qeue: /x\n")
    both = json.loads(site.aexp("config", "validate", "--json").stdout)
    told = [one["what"] for one in both["findings"] if one["level"] == "fail"]
    assert [text.split(": ", 1)[1] for text in told] == [
        "relay.strict is policy of the login node, which a repository's file cannot set.",
        "relay.qeue is no setting.",
    ]
    assert site.aexp("config", "show").returncode == 78
    schema = json.loads(site.aexp("config", "schema", "--repository").stdout)
    assert {*schema["properties"]["relay"]["properties"]} == {"queue", "default_timeout", "profile"}


def test_the_environment_is_checked_as_well(site: Site) -> None:
    wrong = {"AEXP_RELAY_TIMEOUT": "soon", "AEXP_SANDBOX_TIMEZONE": "Mars/Phobos"}
    misspelt = {"AEXP_SANDBOX_PARNT_DIR": "nb", "AEXP_RELAY_EVENTS": "off"}

    told = site.aexp("config", "validate", env={**wrong, **misspelt})

    assert told.returncode == 78
    words = " ".join(told.stdout.split())
    assert "The setting relay.default_timeout (AEXP_RELAY_TIMEOUT) cannot be 'soon'." in words
    assert "AEXP_SANDBOX_TIMEZONE is Mars/Phobos, which is no time zone" in words
    assert "AEXP_SANDBOX_PARNT_DIR is no variable of aexp, and sets nothing" in words
    assert "Did you mean AEXP_SANDBOX_PARENT_DIR?" in words
    assert "AEXP_RELAY_EVENTS" not in words


@pytest.mark.parametrize(
    ("queue", "why"),
    [
        ("s3://b/q", "An object store (s3://) cannot hold a queue"),
        ("fiel:///x", "has an unknown scheme, fiel"),
        ("file:///x?y=1", "a folder takes no options"),
        ("redis://host/0?nam=x", "unknown option, nam"),
    ],
)
def test_a_queue_that_no_command_takes_is_named_wherever_it_is_set(
    site: Site, queue: str, why: str
) -> None:
    own = own_file(site, f"relay:\n  queue: {queue}\n")

    variable = {"AEXP_RELAY_QUEUE": queue}
    assert site.relay("status", env=variable).returncode == 78
    assert "fail  user" in refused_by_both(site, own, variable, why)
    if queue.startswith("file:"):
        repository_file(site, f"relay:\n  queue: {queue}\n")
        assert "fail  repository" in site.aexp("config", "validate").stdout


def test_a_queue_that_can_be_is_no_finding_and_is_not_made(site: Site) -> None:
    for queue in (
        "~/made",
        f"file://{site.home}/made",
        "redis://127.0.0.1:1/0?name=x",
        "ssh://h/~/x",
    ):
        own_file(site, f"relay:\n  queue: {queue}\n")
        told = site.aexp("config", "validate", env={"AEXP_RELAY_QUEUE": queue})
        assert told.returncode == 0, told.stdout
    assert not (site.home / "made").exists()


@pytest.mark.parametrize(
    ("parent", "why"),
    [
        (".", "is the repository's root itself"),
        (".git/x", "lies in git's own folder"),
        ("~nobody-here/x", "cannot be found"),
    ],
)
def test_a_folder_that_can_hold_no_sandbox_is_named_with_what_has_set_it(
    site: Site, parent: str, why: str
) -> None:
    file = repository_file(site, f"sandbox:\n  parent_dir: {parent}\n")
    refused = site.aexp("sandbox", "ls")
    variable = {"AEXP_SANDBOX_PARENT_DIR": parent}
    refused_by_both(site, file, variable, why)
    assert why in refused.stderr
    assert "(set in .aexp/config.yaml)" in refused.stderr
    assert "(set by AEXP_SANDBOX_PARENT_DIR)" in site.aexp("sandbox", "ls", env=variable).stderr


@pytest.mark.parametrize("words", [("relay", "status"), ("sandbox", "ls"), ("relay", "push")])
def test_a_wrong_file_is_one_line_and_a_hint(site: Site, words: tuple[str, ...]) -> None:
    file = repository_file(site, "relay:\n  qeue: /x\n")

    told = site.aexp(*words)

    assert (told.returncode, told.stdout) == (78, "")
    first, second = told.stderr.splitlines()
    assert first == f"error: {file}: relay.qeue is no setting."
    assert second.startswith("  next: Did you mean relay.queue?")
