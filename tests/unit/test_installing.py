"""Installing into a repository: what is done to each file, in each state that it can be in."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.domain.errors import FilesystemError, InstallError
from aexp.domain.installation import (
    Ground,
    Known,
    Outcome,
    Step,
    Wanted,
    digest,
    install_plan,
    uninstall_plan,
)
from aexp.domain.installed_record import PLACE, Record, decode, encode
from aexp.domain.installed_texts import MARKERS, MCP, PARTS, SERVER, wanted_files
from aexp.domain.interpreters import Home, Interpreter, Project, doubts
from aexp.domain.managed_block import TORN, glue, put_in, split, taken_out
from aexp.domain.managed_entry import laid_out
from aexp.installing.applying import carry_out
from aexp.installing.ground import repository
from aexp.installing.planning import Plan, plan_install, plan_uninstall
from aexp.installing.pythons import conda_interpreter, has_package, interpreter, project_of

PATH, BLOCK_PATH, SKILL = "x/SKILL.md", "AGENTS.md", ".claude/skills/aexp-relay/SKILL.md"
BLOCK = MARKERS[BLOCK_PATH]
OLD, NOW, EDITED = "old\n", "now\n", "edited\n"
PYTHON = "/p/bin/python"


def recorded(*texts: str) -> Known:
    return Known(tuple(digest(text) for text in texts))


@pytest.mark.parametrize(
    ("there", "known", "outcome", "after"),
    [
        (None, None, Outcome.CREATED, NOW),
        (None, recorded(NOW), Outcome.RESTORED, NOW),
        (None, recorded(OLD), Outcome.RESTORED, NOW),
        (NOW, None, Outcome.IDENTICAL, NOW),
        (NOW, recorded(NOW), Outcome.IDENTICAL, NOW),
        (NOW, recorded(OLD), Outcome.IDENTICAL, NOW),
        ("now\r\n", recorded(NOW), Outcome.IDENTICAL, "now\r\n"),
        ("now", recorded(OLD), Outcome.IDENTICAL, "now"),
        (OLD, recorded(OLD), Outcome.REFRESHED, NOW),
        ("old\r\n", recorded(OLD), Outcome.REFRESHED, "now\r\n"),
        (OLD, recorded(NOW, OLD), Outcome.REFRESHED, NOW),
        (OLD, None, Outcome.PRESERVED, OLD),
        (OLD, recorded(NOW), Outcome.PRESERVED, OLD),
        (EDITED, recorded(NOW), Outcome.PRESERVED, EDITED),
        (EDITED, recorded(OLD), Outcome.PRESERVED, EDITED),
        ("", recorded(OLD), Outcome.PRESERVED, ""),
    ],
)  # fmt: skip
def test_a_file_in_each_state(
    there: str | None, known: Known | None, outcome: Outcome, after: str
) -> None:
    ground = Ground({} if there is None else {PATH: there}, {} if known is None else {PATH: known})

    [step] = install_plan([Wanted(PATH, NOW)], ground)

    assert (step.outcome, step.before, step.after) == (outcome, there, after)
    assert step.changes is (there != after)
    assert step.known == (known if outcome is Outcome.PRESERVED else recorded(NOW))


def block(text: str) -> str:
    return BLOCK.around(text)


@pytest.mark.parametrize(
    ("there", "known", "outcome", "after"),
    [
        (None, None, Outcome.CREATED, block(NOW)),
        (None, recorded(block(NOW)), Outcome.RESTORED, block(NOW)),
        ("mine", None, Outcome.CREATED, f"mine\n\n{block(NOW)}"),
        ("mine\n", None, Outcome.CREATED, f"mine\n\n{block(NOW)}"),
        ("mine\r\n", None, Outcome.CREATED, f"mine\n\n{block(NOW)}".replace("\n", "\r\n")),
        ("mine\n", recorded(block(NOW)), Outcome.RESTORED, f"mine\n\n{block(NOW)}"),
        (f"a\n{block(NOW)}b", None, Outcome.IDENTICAL, f"a\n{block(NOW)}b"),
        (f"a\n{block(OLD)}b", recorded(block(OLD)), Outcome.REFRESHED, f"a\n{block(NOW)}b"),
        (f"a\n{block(OLD)}b", None, Outcome.PRESERVED, f"a\n{block(OLD)}b"),
        (f"a\n{block(EDITED)}b", recorded(block(OLD)), Outcome.PRESERVED, f"a\n{block(EDITED)}b"),
        (block(OLD) * 2, recorded(block(OLD)), Outcome.PRESERVED, block(OLD) * 2),
        (f"{BLOCK.begin}\nx", recorded(block(OLD)), Outcome.PRESERVED, f"{BLOCK.begin}\nx"),
        (f"{BLOCK.end}\n{BLOCK.begin}", None, Outcome.PRESERVED, f"{BLOCK.end}\n{BLOCK.begin}"),
    ],
)  # fmt: skip
def test_a_block_in_each_state(
    there: str | None, known: Known | None, outcome: Outcome, after: str
) -> None:
    held, was = {} if there is None else {BLOCK_PATH: there}, {BLOCK_PATH: known} if known else {}

    [step] = install_plan([Wanted(BLOCK_PATH, block(NOW), BLOCK)], Ground(held, was))

    assert (step.outcome, step.after) == (outcome, after)


VALUE = {"command": "/p/bin/python", "args": ["-m", "aexp"]}
OURS = laid_out(VALUE)
OTHER = {"command": "x", "args": [], "env": {"ü": "1, 2: }"}}


@pytest.mark.parametrize("indent", [None, 2, 4, "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize(
    "document",
    [
        {}, {"mcpServers": {}}, {"mcpServers": {"other": OTHER}}, {"inputs": [{"mcpServers": {"aexp": 1}}]},
        {"mcpServers": {}, "more": None}, {"a": {"}": "{"}, "mcpServers": {"x": OTHER, "y": OTHER}, "b": 1.5},
    ],
)  # fmt: skip
def test_an_entry_is_put_in_and_taken_out_and_the_rest_stays_as_it_is_written(
    document: dict[str, Any], end: str, indent: int | str | None
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False).replace("\n", end or "\n") + end
    assert SERVER.held(text) is None

    filled = SERVER.put_in(text, OURS)

    whole = {**document, "mcpServers": {**document.get("mcpServers", {}), "aexp": VALUE}}
    assert json.loads(filled) == whole
    assert SERVER.held(filled) == OURS
    assert SERVER.put_in(filled, OURS) == filled
    assert filled.count("\n") == filled.count("\r\n") or end != "\r\n" or "\n" not in text[:-2]
    changed = SERVER.put_in(filled, laid_out({"command": "/q"}))
    assert json.loads(changed)["mcpServers"]["aexp"] == {"command": "/q"}
    for one in (filled, changed):
        assert SERVER.taken_out(one, SERVER.glue(text)) == text
    again = json.dumps(whole, indent=3)
    assert SERVER.held(again) == OURS
    assert json.loads(SERVER.taken_out(again, "")) == {"mcpServers": {}, **document}


def test_an_entry_looks_like_those_beside_it() -> None:
    text = '{\n    "mcpServers": {\n        "other": {}\n    }\n}\n'

    filled = SERVER.put_in(text, laid_out({"command": "x"}))

    assert filled.splitlines()[2:6] == [
        '        "other": {},',
        '        "aexp": {',
        '          "command": "x"',
        "        }",
    ]


@pytest.mark.parametrize(
    "text",
    ["[]", "1", "{", '{"mcpServers": []}', '{"mcpServers": {}, "mcpServers": {}}', "[" * 100_000,
     '{"mcpServers": {"aexp": 1, "aexp": 2}}', '// mine\n{"mcpServers": {}}', "\ufeff{}"],
)  # fmt: skip
def test_a_file_that_can_hold_no_entry_is_left_as_it_is(text: str) -> None:
    assert SERVER.held(text) is TORN

    [step] = install_plan([Wanted(MCP, OURS, SERVER)], Ground({MCP: text}))

    assert (step.outcome, step.after) == (Outcome.PRESERVED, text)
    assert step.why == "it is no JSON object that can hold mcpServers.aexp"
    [gone] = uninstall_plan(Ground({MCP: text}, {MCP: recorded(OURS)}), PARTS)
    assert (gone.outcome, gone.after) == (Outcome.PRESERVED, text)


LINES = st.lists(st.sampled_from(["mine", "", "  x", BLOCK.begin[:5], "ü", "\x0c"]), max_size=5)


@given(LINES, LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_taking_a_block_out_gives_the_file_that_was_there(
    before: list[str], after: list[str], end: str, ended: bool
) -> None:
    text = end.join(before) + (end if ended and before else "")
    filled = put_in(text, block(NOW), BLOCK)
    assert taken_out(filled, BLOCK, glue(text)) == text
    more = filled + end.join(after)
    parts = split(more, BLOCK)
    assert parts is not TORN
    assert digest(parts.block) == digest(block(NOW))
    below = end.join(after)
    joint = end if text and below and not text.endswith("\n") else ""
    assert digest(taken_out(more, BLOCK, glue(text))) == digest(text + joint + below)
    assert digest(put_in(more, block(NOW), BLOCK)) == digest(more)


@pytest.mark.parametrize("new", [None, OLD, NOW, EDITED])
def test_our_text_is_put_beside_an_edited_file_on_request(new: str | None) -> None:
    there = {PATH: EDITED} | ({} if new is None else {f"{PATH}.new": new})
    known = {PATH: recorded(OLD), f"{PATH}.new": recorded(OLD)}

    [kept, beside] = install_plan([Wanted(PATH, NOW)], Ground(there, known), beside=True)

    assert (kept.outcome, kept.after) == (Outcome.PRESERVED, EDITED)
    assert beside.path == f"{PATH}.new"
    assert beside.after == (EDITED if new == EDITED else NOW)


def test_what_was_put_beside_goes_when_it_is_not_needed_any_more() -> None:
    known = {PATH: recorded(OLD), f"{PATH}.new": recorded(NOW)}

    stays = install_plan([Wanted(PATH, NOW)], Ground({PATH: EDITED, f"{PATH}.new": NOW}, known))
    goes = install_plan([Wanted(PATH, NOW)], Ground({PATH: NOW, f"{PATH}.new": NOW}, known))
    edited = install_plan([Wanted(PATH, NOW)], Ground({PATH: NOW, f"{PATH}.new": EDITED}, known))

    assert [step.outcome for step in stays] == [Outcome.PRESERVED, Outcome.IDENTICAL]
    assert [step.outcome for step in goes] == [Outcome.IDENTICAL, Outcome.REMOVED]
    assert [step.outcome for step in edited] == [Outcome.IDENTICAL, Outcome.PRESERVED]


@pytest.mark.parametrize(
    ("there", "outcome", "after"),
    [(NOW, Outcome.REMOVED, None), ("now\r\n", Outcome.REMOVED, None), (EDITED, Outcome.PRESERVED, EDITED),
     (OLD, Outcome.PRESERVED, OLD), (None, Outcome.REMOVED, None)],
)  # fmt: skip
def test_uninstalling_removes_what_is_ours_and_unedited(
    there: str | None, outcome: Outcome, after: str | None
) -> None:
    held = {} if there is None else {PATH: there}

    [step] = uninstall_plan(Ground(held, {PATH: recorded(NOW)}), MARKERS)

    assert (step.outcome, step.before, step.after) == (outcome, there, after)


@pytest.fixture
def files() -> MemoryFilesystem:
    """A repository at /r, and an interpreter in a virtual environment at /p."""
    files = MemoryFilesystem()
    files.create_directory("/r/.git", {})
    files.create_file("/p/pyvenv.cfg", "")
    files.create_file(PYTHON, "")
    return files


def plan(files: MemoryFilesystem, python: str = PYTHON, *, beside: bool = False) -> Plan:
    return plan_install("/r", python, files, version="1", beside=beside)


def done(what: Plan, files: MemoryFilesystem) -> dict[str, Outcome]:
    return {step.path: step.outcome for step in carry_out(what, files)}


def repository_files(files: MemoryFilesystem) -> dict[str, str]:
    held = (path for path in files.everything() if path.startswith("/r/") and path[-1] != "/")
    return {path: files.read_text(path) for path in held}


def test_running_twice_changes_nothing(files: MemoryFilesystem) -> None:
    assert set(done(plan(files), files).values()) == {Outcome.CREATED}
    before = repository_files(files)

    again = plan(files)

    assert not again.changes
    assert not again.drift
    assert set(done(again, files).values()) == {Outcome.IDENTICAL}
    assert repository_files(files) == before


def test_another_interpreter_refreshes_the_skills_and_nothing_else(
    files: MemoryFilesystem,
) -> None:
    done(plan(files), files)

    told = done(plan(files, "/other dir/bin/python"), files)

    assert {path for path, outcome in told.items() if outcome is Outcome.REFRESHED} == {
        PLACE,
        *(path for path in told if path.endswith("SKILL.md")),
    }
    assert decode(files.read_text(f"/r/{PLACE}")).python_exe == "/other dir/bin/python"
    assert "'/other dir/bin/python' -P -m aexp relay" in files.read_text(f"/r/{SKILL}")


def test_installing_and_taking_away_leaves_what_was_there(files: MemoryFilesystem) -> None:
    files.create_file("/r/AGENTS.md", "mine\r\nand mine")
    files.create_file("/r/.claude/settings.json", "{}")
    before = files.everything(), repository_files(files)
    done(plan(files), files)

    told = done(plan_uninstall("/r", files), files)

    assert set(told.values()) == {Outcome.REMOVED}
    assert (files.everything(), repository_files(files)) == before
    assert plan_uninstall("/r", files).steps == ()


MCP_AT = f"/r/{MCP}"


def with_mcp(files: MemoryFilesystem, mcp: bool | None = True, python: str = PYTHON) -> Plan:
    return plan_install("/r", python, files, version="1", mcp=mcp)


def test_the_server_is_installed_on_request_alone_and_stays_until_it_is_taken_away(
    files: MemoryFilesystem,
) -> None:
    assert MCP not in done(plan(files), files)
    told = done(with_mcp(files), files)
    assert told[MCP] is Outcome.CREATED
    entry = {"command": PYTHON, "args": ["-P", "-m", "aexp", "mcp"]}
    assert json.loads(files.read_text(MCP_AT)) == {"mcpServers": {"aexp": entry}}
    # A file of our own names this machine's Python, and git passes over it.
    assert f"/{MCP}" in files.read_text("/r/.gitignore").splitlines()

    again = with_mcp(files, None)
    assert not again.drift
    assert again.serves_mcp
    assert not again.shares_mcp
    assert done(with_mcp(files, None, "/q/python"), files)[MCP] is Outcome.REFRESHED
    assert json.loads(files.read_text(MCP_AT))["mcpServers"]["aexp"]["command"] == "/q/python"

    assert done(with_mcp(files, False), files)[MCP] is Outcome.REMOVED
    assert files.kind(MCP_AT) is None
    assert f"/{MCP}" not in files.read_text("/r/.gitignore").splitlines()
    assert not with_mcp(files, None).serves_mcp


def test_a_file_that_is_the_users_keeps_what_is_in_it_and_git_sees_it(
    files: MemoryFilesystem,
) -> None:
    own = '{"mcpServers":{"other":{"command":"x"}}}\n'
    files.create_file(MCP_AT, own)

    made = with_mcp(files)
    done(made, files)

    assert made.shares_mcp
    assert {*json.loads(files.read_text(MCP_AT))["mcpServers"]} == {"other", "aexp"}
    assert f"/{MCP}" not in files.read_text("/r/.gitignore").splitlines()
    assert not with_mcp(files, None).drift
    done(plan_uninstall("/r", files), files)
    assert files.read_text(MCP_AT) == own


def test_a_server_that_somebody_adds_to_our_file_is_seen_by_git_and_outlives_ours(
    files: MemoryFilesystem,
) -> None:
    done(with_mcp(files), files)
    more = json.loads(files.read_text(MCP_AT))
    more["mcpServers"]["theirs"] = {"command": "y"}
    files.write(MCP_AT, json.dumps(more))

    told = done(with_mcp(files, None), files)

    assert (told[MCP], told[".gitignore"]) == (Outcome.IDENTICAL, Outcome.REFRESHED)
    assert f"/{MCP}" not in files.read_text("/r/.gitignore").splitlines()
    done(plan_uninstall("/r", files), files)
    assert json.loads(files.read_text(MCP_AT)) == {"mcpServers": {"theirs": {"command": "y"}}}


def test_an_entry_that_was_edited_is_kept_by_everything(files: MemoryFilesystem) -> None:
    done(with_mcp(files), files)
    edited = files.read_text(MCP_AT).replace('"mcp"', '"mcp", "--queue", "/lab"')
    files.write(MCP_AT, edited)

    for step in (
        *with_mcp(files, None, "/q/python").steps,
        *with_mcp(files, False).steps,
        *plan_uninstall("/r", files).steps,
    ):
        if step.path == MCP:
            assert (step.outcome, step.after, step.why) == (Outcome.PRESERVED, edited, "edited")
    beside = plan_install("/r", PYTHON, files, version="1", mcp=True, beside=True)
    done(beside, files)
    assert json.loads(files.read_text(f"{MCP_AT}.new"))["mcpServers"]["aexp"]["command"] == PYTHON


def test_an_entry_of_the_same_name_that_is_not_ours_is_kept(files: MemoryFilesystem) -> None:
    own = '{"mcpServers": {"aexp": {"command": "my-own"}}}'
    files.create_file(MCP_AT, own)

    told = done(with_mcp(files), files)

    assert told[MCP] is Outcome.PRESERVED
    assert files.read_text(MCP_AT) == own
    done(plan_uninstall("/r", files), files)
    assert files.read_text(MCP_AT) == own


class Stopped(MemoryFilesystem):
    """Fails at the write with this number."""

    writes_left = 10**6

    def _one(self) -> None:
        if self.writes_left == 0:
            raise FilesystemError("no space is left", "free some")
        self.writes_left -= 1

    def create_file(self, path: str, text: str) -> bool:
        self._one()
        return super().create_file(path, text)

    def replace_file(self, path: str, before: str, text: str) -> bool:
        self._one()
        return super().replace_file(path, before, text)


@pytest.mark.parametrize("stop_after", range(5))
def test_a_run_that_was_stopped_anywhere_never_makes_an_edit_of_what_is_ours(
    stop_after: int,
) -> None:
    files = Stopped()
    files.create_directory("/r/.git", {})
    done(plan(files), files)
    files.writes_left = stop_after
    interrupted = plan(files, "/second/python")

    with pytest.raises(FilesystemError):
        done(interrupted, files)

    files.writes_left = 10**6
    told = done(plan(files, "/third/python"), files)
    assert Outcome.PRESERVED not in told.values()
    assert "/third/python" in files.read_text(f"/r/{SKILL}")
    assert not plan(files, "/third/python").drift


def test_an_edit_made_while_it_runs_is_left_as_it_is(files: MemoryFilesystem) -> None:
    done(plan(files), files)
    steps = carry_out(plan(files, "/other/python"), files)
    first = next(steps)
    files.write(f"/r/{SKILL}", "edited meanwhile")

    with pytest.raises(InstallError, match=r"aexp-relay/SKILL\.md was changed while this ran"):
        list(steps)

    assert first.outcome is Outcome.REFRESHED
    assert files.read_text(f"/r/{SKILL}") == "edited meanwhile"
    told = done(plan(files, "/other/python"), files)
    assert told[SKILL] is Outcome.PRESERVED


HASH = "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 0}, {"schema": "2"}, {"files": []}, {"python_exe": "a\nb"},
        {"files": {"../x": {"sha256": [HASH]}}},
        {"files": {"src/main.py": {"sha256": [HASH]}}}, {"files": {SKILL: {"sha256": ["x"]}}},
        {"files": {SKILL: {"sha256": [HASH], "glued": "mine"}}}, {"folders": ["src"]}, {"folders": None},
        {"files": {".claude/skills/aexp-/../../../x/SKILL.md": {"sha256": [HASH]}}}, {"version": 1},
    ],
)  # fmt: skip
def test_a_record_that_names_what_is_not_ours_is_refused(change: dict[str, object]) -> None:
    whole = json.loads(encode(Record(PYTHON, "1", {SKILL: Known((HASH,))}, (".aexp",))))
    assert decode(json.dumps(whole)).files == {SKILL: Known((HASH,))}

    with pytest.raises(InstallError, match="is no record") as caught:
        decode(json.dumps({**whole, **change}))
    assert "Move it away" in caught.value.hint


def test_a_record_of_a_newer_version_is_left_to_that_version() -> None:
    with pytest.raises(InstallError, match="was written by a newer aexp") as caught:
        decode('{"schema": 2, "commands": []}')
    assert "Move it away" not in caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 60_000, " " * 70_000])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(InstallError, match="is no record"):
        decode(text)


def front_matter(text: str) -> dict[str, object]:
    _, head, _ = text.split("---\n", 2)
    found: dict[str, object] = yaml.safe_load(head)
    return found


def skills(python: str) -> Iterator[tuple[str, dict[str, object], str]]:
    for one in wanted_files(python):
        if one.path.endswith("/SKILL.md"):
            yield one.path.split("/")[2], front_matter(one.text), one.text


@pytest.mark.parametrize("python", [PYTHON, "/with space/bin/python", "/q'\"):*/python"])
def test_the_skills_are_what_claude_code_reads_and_call_that_interpreter(python: str) -> None:
    import shlex

    told = {name: head for name, head, _ in skills(python)}
    assert {*told} == {"aexp-new-sandbox", "aexp-promote", "aexp-relay"}
    for name, head, text in skills(python):
        assert head["name"] == name
        assert 20 < len(str(head["description"])) < 1024
        assert {*head} <= {
            *("name", "description", "argument-hint", "disable-model-invocation", "allowed-tools")
        }
        assert "{aexp}" not in text
        assert f"    {shlex.quote(python)} -P -m aexp " in text
        assert "\r" not in text
        assert text.endswith(".\n")
    assert told["aexp-relay"]["disable-model-invocation"] is True


def test_no_skill_may_approve_or_send_anything_unasked() -> None:
    harmless = {"sandbox new", "sandbox ls", "sandbox check", "relay status", "relay ls"}
    for _, head, _ in skills(PYTHON):
        allowed = head["allowed-tools"]
        assert isinstance(allowed, list)
        for one in allowed:
            match = re.fullmatch(rf"Bash\({PYTHON} -P -m aexp (.+):\*\)", one)
            assert match, one
            assert match[1] in harmless
    # A path that could end the pattern early gets no allowance at all.
    for python in ("/a b/python", "/a:*)/python", "/a,Bash(x)/python"):
        assert all("allowed-tools" not in head for _, head, _ in skills(python))


def test_what_git_takes_names_no_interpreter() -> None:
    for one in wanted_files("/very/own/python"):
        if one.part is not None:
            assert "/very/own" not in one.text


def test_the_interpreter_is_known_by_its_files(files: MemoryFilesystem) -> None:
    for path in ("/conda/conda-meta/h", "/conda/condabin/conda", "/conda/bin/python", "/usr/bin/python3",
                 "/conda/envs/lab/conda-meta/h", "/conda/envs/lab/bin/python",
                 "/conda/envs/lab/lib/python3.12/site-packages/numpy/x",
                 "/p/lib/python3.12/site-packages/aexp-0.1.0.dist-info/RECORD"):  # fmt: skip
        files.create_file(path, "")

    told = {
        path: (found.home, found.has_aexp)
        for path in ("/p/bin/python", "/conda/bin/python", "/conda/envs/lab/bin/python", "/usr/bin/python3")
        for found in [interpreter(path, files)]
    }  # fmt: skip

    assert told == {
        "/p/bin/python": (Home.VENV, True),
        "/conda/bin/python": (Home.CONDA_BASE, None),
        "/conda/envs/lab/bin/python": (Home.CONDA, False),
        "/usr/bin/python3": (Home.BARE, None),
    }
    environ = {"CONDA_EXE": "/conda/bin/conda"}
    assert conda_interpreter("lab", environ, files) == "/conda/envs/lab/bin/python"
    assert conda_interpreter("/conda/envs/lab", {}, files) == "/conda/envs/lab/bin/python"
    assert conda_interpreter("base", environ, files) == "/conda/bin/python"
    with pytest.raises(InstallError, match="no conda environment nope") as caught:
        conda_interpreter("nope", environ, files)
    assert "Known: base, lab." in caught.value.hint
    files.create_file("/r/bin/pythonic.md", "")
    for wrong in ("/nowhere/python", "/p", "python", "/a\nb", "/r/bin/pythonic.md"):
        with pytest.raises(InstallError):
            interpreter(wrong, files)


VENV = Interpreter("/r/.venv/bin/python", "/r/.venv", Home.VENV, True)
LAB = Interpreter("/c/envs/lab/bin/python", "/c/envs/lab", Home.CONDA, True)


@pytest.mark.parametrize(
    ("found", "project", "told"),
    [
        (VENV, Project("/r", venv="/r/.venv", around="/r"), []),
        (LAB, Project("/r"), []),
        (LAB, Project("/r", conda_name="lab"), []),
        (LAB, Project("/r", conda_name="other"), ["environment.yml names other"]),
        (LAB, Project("/r", venv="/r/.venv", venv_has_aexp=True),
         ["to use that one: --python-exe /r/.venv/bin/python"]),
        (LAB, Project("/r", venv="/r/.venv", venv_has_aexp=False),
         ["to use that one: /r/.venv/bin/python -m pip install SRC, then --python-exe /r/.venv/bin/python"]),
        (Interpreter("/a b/bin/python", "/a b", Home.VENV, True), Project("/r"), ["agent asks each time"]),
        (Interpreter("/a b/bin/python", "/a b", Home.VENV, False), Project("/r", venv="/a c/.venv"),
         ["'/a c/.venv/bin/python' -m pip install SRC, then --python-exe '/a c/.venv/bin/python'",
          ": '/a b/bin/python' -m pip install SRC", "agent asks each time"]),
        (VENV, Project("/s", around="/r"), ["it lies in the repository /r"]),
        (Interpreter("/c/bin/python", "/c", Home.CONDA_BASE, None), Project("/r"), ["conda's base"]),
        (Interpreter("/usr/bin/p", "/usr", Home.BARE, False), Project("/r"),
         ["no virtual environment", "not installed in /usr: /usr/bin/p -m pip install SRC"]),
    ],
)  # fmt: skip
def test_doubts_about_an_interpreter(found: Interpreter, project: Project, told: list[str]) -> None:
    said = doubts(found, project, "SRC")

    assert len(said) == len(told)
    assert all(part in line for part, line in zip(told, said, strict=True))


def test_whose_an_interpreter_is_is_not_said_again_once_it_is_recorded() -> None:
    other = Project("/r", venv="/r/.venv")
    assert doubts(LAB, other, "SRC") != []
    assert doubts(LAB, other, "SRC", is_settled=True) == []


@pytest.mark.parametrize(
    ("config", "held", "told"),
    [
        ("", [], False),
        ("", ["numpy"], False),
        ("", ["aexp-1.dist-info"], True),
        ("include-system-site-packages = true\n", ["numpy"], None),
        ("include-system-site-packages = false\n", ["numpy"], False),
    ],
)
def test_whether_aexp_is_installed_is_told_where_it_can_be(
    tmp_path: Path, config: str, held: list[str], told: bool | None
) -> None:
    site = tmp_path / "lib/python3.12/site-packages"
    site.mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").write_text(config)
    for name in held:
        (site / name).mkdir()
    assert has_package("aexp", str(tmp_path), LocalFilesystem()) is told


def test_a_file_that_came_with_git_and_holds_our_part_alone_goes_with_it(repo: Path) -> None:
    """As after a fresh clone: AGENTS.md was committed, the record was not."""
    files = LocalFilesystem()
    install_into(repo)
    agents = (repo / "AGENTS.md").read_text()
    [*carry_out(plan_uninstall(str(repo), files), files)]
    (repo / "AGENTS.md").write_text(agents)
    install_into(repo)
    [*carry_out(plan_uninstall(str(repo), files), files)]
    assert not (repo / "AGENTS.md").exists()


def install_into(repo: Path) -> None:
    files = LocalFilesystem()
    [*carry_out(plan_install(str(repo), PYTHON, files, version="1"), files)]


def test_a_project_says_which_python_is_its_own(files: MemoryFilesystem) -> None:
    files.create_file("/r/environment.yml", "channels: [x]\nname: lab\n")
    assert project_of("/r", "/p", files) == Project("/r", conda_name="lab")
    files.create_file("/r/.venv/pyvenv.cfg", "")
    assert project_of("/r", "/r/.venv", files).venv == "/r/.venv"
    assert project_of("/r", "/r/.venv", files).around == "/r"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo/.git").mkdir(parents=True)
    return tmp_path / "repo"


@pytest.mark.parametrize("path", [".claude", ".claude/skills", "AGENTS.md", ".aexp", ".gitignore"])
@pytest.mark.parametrize("target", ["outside", "repo/.git"])
def test_nothing_is_written_through_a_link_that_leads_out(
    repo: Path, path: str, target: str
) -> None:
    (repo.parent / "outside").mkdir()
    place = repo / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(repo.parent / target / ("file" if "." in place.name[1:] else ""))

    with pytest.raises(InstallError, match="leads out of the repository"):
        plan_install(str(repo), PYTHON, LocalFilesystem(), version="1")
    assert [*(repo.parent / "outside").iterdir()] == []


def test_a_link_within_the_repository_is_followed_and_stays(repo: Path) -> None:
    (repo / "CLAUDE.md").write_text("ours\n")
    (repo / "AGENTS.md").symlink_to("CLAUDE.md")
    files = LocalFilesystem()

    list(carry_out(plan_install(str(repo), PYTHON, files, version="1"), files))

    assert (repo / "AGENTS.md").is_symlink()
    assert "aexp:begin" in (repo / "CLAUDE.md").read_text()
    list(carry_out(plan_uninstall(str(repo), files), files))
    assert (repo / "CLAUDE.md").read_text() == "ours\n"
    assert sorted(one.name for one in repo.iterdir()) == [".git", "AGENTS.md", "CLAUDE.md"]


def test_a_folder_that_became_a_link_since_the_plan_is_not_followed(repo: Path) -> None:
    files = LocalFilesystem()
    made = plan_install(str(repo), PYTHON, files, version="1")
    (repo.parent / "outside").mkdir()
    (repo / ".claude").symlink_to(repo.parent / "outside")

    with pytest.raises(InstallError, match="leads out of the repository"):
        list(carry_out(made, files))
    assert [*(repo.parent / "outside").iterdir()] == []


def test_without_a_repository_there_is_nothing_to_install_into(files: MemoryFilesystem) -> None:
    assert repository(files, "/r/deep/er") == "/r"
    with pytest.raises(InstallError, match="There is no git repository in /p"):
        repository(files, "/p")


def test_a_file_that_cannot_be_ours_stops_before_anything_is_written(repo: Path) -> None:
    files = LocalFilesystem()
    for spoil in (b"\xff\xfe", b"x" * (5 << 20)):
        (repo / "AGENTS.md").write_bytes(spoil)
        with pytest.raises((InstallError, FilesystemError), match=r"AGENTS\.md"):
            plan_install(str(repo), PYTHON, files, version="1")
    (repo / "AGENTS.md").unlink()
    (repo / "AGENTS.md").mkdir()
    with pytest.raises(InstallError, match=r"AGENTS\.md is no file"):
        plan_install(str(repo), PYTHON, files, version="1")
    assert sorted(one.name for one in repo.iterdir()) == [".git", "AGENTS.md"]


@pytest.mark.parametrize("path", [".claude", ".claude/skills", ".aexp"])
def test_a_file_where_a_folder_is_needed_stops_before_anything_is_written(
    repo: Path, path: str
) -> None:
    (repo / path).parent.mkdir(exist_ok=True)
    (repo / path).write_text("mine")

    with pytest.raises(InstallError, match=rf"{re.escape(path)} is no folder"):
        plan_install(str(repo), PYTHON, LocalFilesystem(), version="1")

    assert (repo / path).read_text() == "mine"
    assert [one for one in repo.rglob("*") if one.name == "installed.json"] == []


def test_what_was_installed_can_be_taken_away_around_a_file_of_the_users(repo: Path) -> None:
    files = LocalFilesystem()
    list(carry_out(plan_install(str(repo), PYTHON, files, version="1"), files))
    shutil.rmtree(repo / ".claude")
    (repo / ".claude").write_text("mine")

    list(carry_out(plan_uninstall(str(repo), files), files))
    assert sorted(one.name for one in repo.iterdir()) == [".claude", ".git"]


def test_a_step_says_whether_it_changes_anything() -> None:
    assert not Step(PATH, Outcome.IDENTICAL, NOW, NOW).changes
    assert Step(PATH, Outcome.REMOVED, NOW, None).changes
