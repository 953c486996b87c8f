"""The closed list's judgement: what is let through, and that every refusal says what, where and why."""

from pathlib import Path
from typing import Any

import pytest

from aexp.airgapped import ALLOWED, RelayValidationError, validate_request
from aexp.airgapped.defaults import cwd_policy, local_filesystem
from aexp.domain.validation import working_copy


@pytest.fixture
def repo(home: Path) -> Path:
    folder = home / "repo"
    (folder / "src/pkg").mkdir(parents=True)
    (folder / ".git/hooks").mkdir(parents=True)
    return folder


def payload(repo: Path, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"op": "git_status", "args": [], "cwd": str(repo)}
    body.update(changes)
    return {key: value for key, value in body.items() if value is not ...}


def refused(body: object) -> RelayValidationError:
    with pytest.raises(RelayValidationError) as caught:
        validate_request(body)
    return caught.value


def test_a_good_request_comes_back_as_op_args_and_cwd(repo: Path) -> None:
    op, args, cwd = validate_request(payload(repo, op="git_push", args=["origin", "HEAD"]))
    assert (op, args, cwd) == ("git_push", ["origin", "HEAD"], repo.resolve())


@pytest.mark.parametrize("op", [op for op in ALLOWED if op not in ("git_push", "wandb_sync")])
def test_every_other_operation_takes_no_arguments(repo: Path, op: str) -> None:
    assert validate_request(payload(repo, op=op)).args == []
    assert "takes no arguments" not in refused(payload(repo, op=op, args=["origin"])).hint
    assert refused(payload(repo, op=op, args=["origin"])).field == "args"


def test_wandb_sync_takes_any_number_of_runs(repo: Path) -> None:
    runs = ["wandb/offline-run-1", "exp/wandb/offline-run-20260102_030405-ab12cd34"]
    assert validate_request(payload(repo, op="wandb_sync", args=[])).args == []
    assert validate_request(payload(repo, op="wandb_sync", args=runs)).args == runs


@pytest.mark.parametrize(
    "run", ["../x", "/etc", "a/../b", "a//b", "./a", "--entity", "", "a b", "a\n"]
)
def test_a_run_is_a_plain_path_below_the_folder(repo: Path, run: str) -> None:
    assert refused(payload(repo, op="wandb_sync", args=[run])).field.startswith("args[0]")


@pytest.mark.parametrize(
    "branch",
    ["HEAD", "main", "feature/x-1", "release_1.2", "a@b", "v1.0", "x" * 256, "dependabot/npm/@t/x"],
)
def test_a_plain_branch_can_be_pushed(repo: Path, branch: str) -> None:
    assert validate_request(payload(repo, op="git_push", args=["origin", branch])).args[1] == branch


@pytest.mark.parametrize(
    "branch",
    [
        "", "-main", "--all", "+main", "HEAD:x", ":main", "main^", "HEAD~1", "@", "a@{1}", "a b", "a\n",
        "a\0", "a..b", "a.", "a/", "/a", "a//b", "a/.b", ".a", "a.lock", "a.lock/b", "refs/heads/x",
        "refs/notes/commits", "a?", "a*", "a[b", "a\\b", "x" * 257, "ma\u0456n", "main\u202e",
    ],
)  # fmt: skip
def test_what_is_not_a_plain_branch_is_refused(repo: Path, branch: str) -> None:
    assert refused(payload(repo, op="git_push", args=["origin", branch])).field.startswith("args")


@pytest.mark.parametrize(
    "remote",
    [
        "", "-o", "--receive-pack=id", "/abs/dst.git", "../dst.git", "..", ".", "~/dst.git", "a/b",
        "https://evil.example/x", "ssh://evil.example/x", "git@evil.example:x", "ext::sh -c id",
        "origin\n", "origin\0", "origin main", "\u043erigin", "file:///x", ".hidden",
    ],
)  # fmt: skip
def test_what_is_not_a_remotes_name_is_refused(repo: Path, remote: str) -> None:
    error = refused(payload(repo, op="git_push", args=[remote, "main"]))
    assert error.field.startswith("args[0]")


@pytest.mark.parametrize(
    "args",
    [["origin"], [], ["origin", "main", "--force"], ["main", "origin", "x"], ["HEAD"]],
)
def test_push_takes_exactly_a_remote_and_a_branch(repo: Path, args: list[str]) -> None:
    assert (
        "<remote>, <branch>" in str(refused(payload(repo, op="git_push", args=args)))
        or args[-1][0] == "-"
    )


@pytest.mark.parametrize(
    "op",
    [
        "", "git_clone", "GIT_PULL", "git_pull ", "git_pull\n", "git-pull", "../git_pull", "git_pull;id",
        "__class__", "g\u0456t_pull", None, 1, True, ["git_pull"], {"git_pull": 1}, "A" * 100_000,
    ],
)  # fmt: skip
def test_an_unknown_operation_is_refused_with_the_list(repo: Path, op: object) -> None:
    error = refused(payload(repo, op=op))
    assert error.field == "op"
    assert all(known in error.allowed for known in ALLOWED)
    assert len(str(error)) < 400


def test_a_near_miss_is_told_what_was_meant(repo: Path) -> None:
    assert "did you mean git_push?" in str(refused(payload(repo, op="git_psuh")))


def test_the_home_itself_is_told_apart(home: Path, repo: Path) -> None:
    assert "is the home itself" in str(refused(payload(repo, cwd=str(home))))


@pytest.mark.parametrize("args", ["origin", {"0": "origin"}, 1, None, True])
def test_arguments_that_are_not_a_list_are_refused(repo: Path, args: object) -> None:
    assert refused(payload(repo, op="git_push", args=args)).field == "args"


@pytest.mark.parametrize("item", [1, None, True, ["origin"], {"a": 1}])
def test_arguments_that_are_not_text_are_refused(repo: Path, item: object) -> None:
    assert refused(payload(repo, op="git_push", args=["origin", item])).field == "args[1]"


def test_too_many_and_too_long_arguments_are_refused(repo: Path) -> None:
    assert "at most 32" in str(refused(payload(repo, op="git_push", args=["a"] * 33)))
    assert "at most 256" in str(refused(payload(repo, op="git_push", args=["a", "b" * 257])))


@pytest.mark.parametrize("body", [None, [], "git_pull", 7, True, [{"op": "git_pull"}]])
def test_a_payload_that_is_no_object_is_refused(home: Path, body: object) -> None:
    assert refused(body).field == "payload"


@pytest.mark.parametrize("key", ["env", "argv", "shell", "stdin", "approved", "consent", "\x1b[2K"])
def test_an_unknown_key_is_refused_by_name_and_harmlessly(repo: Path, key: str) -> None:
    error = refused(payload(repo, **{key: "x"}))
    assert error.field == "payload"
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("when", [None, 1.5, 7, "2026-11-23T12:00:00+00:00"])
def test_the_original_clients_date_is_accepted(repo: Path, when: object) -> None:
    assert validate_request(payload(repo, submitted_at=when)).op == "git_status"


@pytest.mark.parametrize(
    ("key", "value"),
    [("submitted_at", []), ("submitted_at", True), ("submitted_at", "x" * 65), ("client", ""),
     ("client", 7), ("client", "x" * 121), ("ttl_s", 0), ("ttl_s", "1"), ("ttl_s", True), ("ttl_s", 1e9)],
)  # fmt: skip
def test_our_own_keys_are_checked_as_well(repo: Path, key: str, value: object) -> None:
    assert refused(payload(repo, **{key: value})).field == key


@pytest.mark.parametrize(
    "cwd", ["{repo}", "{repo}/src/pkg", "{repo}/", "~/repo", "{home}/new", "{repo}/../repo"]
)
def test_a_folder_below_the_home_is_accepted(home: Path, repo: Path, cwd: str) -> None:
    body = payload(repo, cwd=cwd.format(repo=repo, home=home))
    assert validate_request(body).cwd.is_relative_to(home.resolve())


def test_a_path_in_other_letters_and_with_spaces_is_accepted(home: Path, repo: Path) -> None:
    folder = home / "données/実験 1"
    folder.mkdir(parents=True)
    assert validate_request(payload(repo, cwd=str(folder))).cwd == folder.resolve()


@pytest.mark.parametrize(
    "cwd",
    [
        ..., None, 7, [], {}, "", " ", ".", "..", "repo", "/", "/etc", "/tmp", "~", "~/", "~/..", "~/../..",
        "{home}", "{home}/..", "{home}x/repo", "~nosuchuser-zz/repo", "file://{repo}", "/proc/self/cwd",
        "{repo}/.git", "{repo}/.git/hooks", "{home}/.relay", "{home}/.relay/inbox", "{repo}\0/x", "{repo}\n",
        "{repo}/\u202etxt", "{repo}/\x9b2K", "{repo}\rx", "`id`", "{repo}/\ud800", "/{long}",
    ],
)  # fmt: skip
def test_any_other_folder_is_refused_with_its_name_made_visible(
    home: Path, repo: Path, cwd: object
) -> None:
    if isinstance(cwd, str):
        cwd = cwd.format(repo=repo, home=home, long="x" * 5000)
    error = refused(payload(repo, cwd=cwd))
    assert error.field == "cwd"
    assert error.hint.startswith(("Allowed: ", "cd into your repository, or give -C DIR."))
    assert str(error).isprintable()


def test_a_link_out_of_the_home_is_followed_and_refused(home: Path, repo: Path) -> None:
    (repo / "out").symlink_to("/etc")
    assert "below the home" in str(refused(payload(repo, cwd=f"{repo}/out")))


def test_a_link_inside_the_home_is_followed_and_resolved(home: Path, repo: Path) -> None:
    (home / "short").symlink_to(repo)
    assert validate_request(payload(repo, cwd=f"{home}/short")).cwd == repo.resolve()


def test_a_loop_of_links_is_refused(home: Path, repo: Path) -> None:
    (home / "a").symlink_to(home / "b")
    (home / "b").symlink_to(home / "a")
    assert refused(payload(repo, cwd=f"{home}/a/x")).field == "cwd"


def test_a_file_is_not_a_folder(home: Path, repo: Path) -> None:
    (repo / "file").write_text("")
    assert "not a folder" in str(refused(payload(repo, cwd=f"{repo}/file")))


def test_the_open_names_narrow_the_home(
    home: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "other").mkdir()
    monkeypatch.setenv("AEXP_RELAY_CWD_NAMES", "repo, projects")
    assert validate_request(payload(repo)).cwd == repo.resolve()
    error = refused(payload(repo, cwd=str(home / "other")))
    assert "~/projects" in error.allowed
    assert "~/repo" in error.allowed


def test_a_home_that_is_a_link_is_resolved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real/repo").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "real")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    valid = validate_request({"op": "git_pull", "args": [], "cwd": str(tmp_path / "home/repo")})
    assert valid.cwd == tmp_path / "real/repo"


def test_a_working_copy_is_found_upwards_but_not_above_the_home(home: Path, repo: Path) -> None:
    exists = cwd_policy(local_filesystem(), None).kind
    assert working_copy(repo / "src/pkg", home, lambda p: exists(p) is not None) == repo
    (home / ".git").mkdir()
    (home / "loose").mkdir()
    assert working_copy(home / "loose", home, lambda p: exists(p) is not None) == home / "loose"
