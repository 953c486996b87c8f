"""The check-up of remotes: only what is remembered is contacted, and a failure says what to do."""

import pytest

from aexp.domain.checkup.remotes import MOST_ASKED, Reply
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayStartError, RelayValidationError
from aexp.domain.findings import Finding
from tests.surgery import ORIGIN, Surgery, told

ELSEWHERE = Destination("origin", "fetch", "https://ada:hunter2@elsewhere/x.git")


@pytest.fixture
def surgery() -> Surgery:
    return Surgery()


def remotes(surgery: Surgery) -> list[Finding]:
    return surgery.of("remote")


def test_a_remembered_remote_is_asked_once_for_both_directions(surgery: Surgery) -> None:
    (finding,) = remotes(surgery)
    assert told(finding) == ("ok", "origin (fetch and push) https://host/x.git answers (0.1 s)", "")
    assert len(surgery.hosts.asked) == 1


def test_the_first_use_of_a_working_copy_is_the_persons(surgery: Surgery) -> None:
    surgery.hosts.pins = ()
    (finding,) = remotes(surgery)
    assert finding.level == "warn"
    assert finding.what == (
        "origin (fetch and push) https://host/x.git is not remembered yet, and was not contacted"
    )
    assert finding.fix.endswith("aexp relay trust -C /home/ada/thesis")
    assert surgery.hosts.asked == []


def test_a_changed_url_is_named_and_not_contacted(surgery: Surgery) -> None:
    surgery.hosts.configured = (ELSEWHERE, ORIGIN[1])
    changed, same = remotes(surgery)
    assert changed.level == "warn"
    assert "https://ada:[redacted]@elsewhere/x.git leads elsewhere than before" in changed.what
    assert "before: https://host/x.git" in changed.what
    assert same.level == "ok"
    assert surgery.hosts.asked == [ORIGIN[1]]


def test_a_new_remote_is_not_contacted_beside_one_that_is_known(surgery: Surgery) -> None:
    surgery.hosts.configured = (*ORIGIN, Destination("two", "fetch", "https://two/x.git"))
    assert [finding.level for finding in remotes(surgery)] == ["warn", "ok"]
    assert {one.remote for one in surgery.hosts.asked} == {"origin"}


def test_where_large_files_would_go_elsewhere_nothing_is_asked(surgery: Surgery) -> None:
    url = ORIGIN[0].url
    surgery.hosts.configured = (Destination("origin", "fetch", url, "https://lfs.elsewhere/x"),)
    (finding,) = remotes(surgery)
    assert "LFS at https://lfs.elsewhere/x" in finding.what
    assert surgery.hosts.asked == []


def test_fetching_from_where_one_pushes_to_leads_nowhere_new(surgery: Surgery) -> None:
    surgery.hosts.pins = (ORIGIN[1],)
    assert [finding.level for finding in remotes(surgery)] == ["ok"]


@pytest.mark.parametrize(
    ("reply", "words", "fix"),
    [
        (Reply(128, b"ada@host: Permission denied (publickey).\nfatal: Could not read\n", 1.0),
         "authentication-failed (ada@host: Permission denied", "ssh-add"),
        (Reply(128, b"fatal: Authentication failed for 'https://ada:hunter2@host/'\n", 1.0),
         "authentication-failed (fatal: Authentication failed for 'https://ada:[redacted]", "renew"),
        (Reply(128, b"fatal: could not read Username for 'https://host': terminal prompts disabled\n", 1.0),
         "terminal-prompt-disabled", "credential helper"),
        (Reply(128, b"Host key verification failed.\n", 1.0), "host-key-unknown", "fingerprint"),
        (Reply(None, b"", 6.0), "did not answer within 6.0 s", "git ls-remote"),
        (Reply(3, b"x" * 9999, 1.0), "failed: " + "x" * 300, "git ls-remote"),
        (Reply(3, b"", 1.0), "failed: git ended with 3", "git ls-remote"),
        (Reply(3, b"\x1b[2Kodd\n", 1.0), "failed: \\x1b[2Kodd", "git ls-remote"),
    ],
)  # fmt: skip
def test_a_failure_is_explained(surgery: Surgery, reply: Reply, words: str, fix: str) -> None:
    surgery.hosts.replies = {ORIGIN[0].url: reply}
    (finding,) = remotes(surgery)
    assert finding.level == "fail"
    assert words in finding.what
    assert fix in finding.fix
    assert "{again}" not in finding.fix


def test_a_hint_leads_back_to_the_doctor(surgery: Surgery) -> None:
    surgery.hosts.replies = {ORIGIN[0].url: Reply(128, b"ssh: connect to host h\n", 1.0)}
    assert remotes(surgery)[0].fix.endswith("then `aexp relay doctor` again.")


def test_no_working_copy_is_a_line_and_a_failure_only_where_one_was_named(surgery: Surgery) -> None:
    surgery.hosts.is_copy = False
    (finding,) = remotes(surgery)
    assert told(finding)[:2] == (
        "ok",
        "/home/ada/thesis lies in no working copy: none to ask; name one with -C",
    )
    surgery.named = True
    assert remotes(surgery)[0].level == "fail"


def test_a_working_copy_that_the_relay_refuses_says_why(surgery: Surgery) -> None:
    surgery.hosts.refusal = RelayValidationError("cwd", "has 70 remotes", "at most 64")
    (finding,) = remotes(surgery)
    assert finding.level == "fail"
    assert "has 70 remotes" in finding.what
    assert "at most 64" in finding.fix


def test_a_node_that_could_not_serve_is_no_failure_until_one_serves(surgery: Surgery) -> None:
    surgery.hosts.refusal = RelayStartError("git is too old.", "Load a newer one.")
    assert told(remotes(surgery)[0]) == (
        "warn",
        "none can be asked: git is too old.",
        "Load a newer one.",
    )
    surgery.serve()
    assert remotes(surgery)[0].level == "fail"


def test_a_working_copy_without_a_remote_is_told(surgery: Surgery) -> None:
    surgery.hosts.configured = ()
    assert [finding.level for finding in remotes(surgery)] == ["warn"]


def test_no_more_are_asked_at_once_than_a_person_waits_for(surgery: Surgery) -> None:
    many = tuple(Destination(f"r{n}", "fetch", f"https://h/{n}") for n in range(MOST_ASKED + 2))
    surgery.hosts.configured = surgery.hosts.pins = many
    findings = remotes(surgery)
    assert len(surgery.hosts.asked) == MOST_ASKED
    assert [one.what.endswith("there are too many") for one in findings[-3:]] == [False, True, True]
