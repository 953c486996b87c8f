"""Confining a command to a few folders: what it may write, and what it may not."""

from pathlib import Path

import pytest

from aexp.adapters.executor import landlock
from aexp.adapters.executor.local import LocalExecutor

pytestmark = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock (5.19)")


def run(script: str, writable: list[str]) -> tuple[int, str]:
    """The shell script's exit status and output, confined to these folders."""
    executor = LocalExecutor({})
    execution = executor.spawn(
        ["/bin/sh", "-c", script], "/", {"PATH": "/usr/bin:/bin"}, "", writable
    )
    output = b""
    while (status := execution.poll()) is None:
        output += execution.read(65536)
    while data := execution.read(65536):
        output += data
    execution.close()
    return status, output.decode()


def test_inside_everything_works_that_git_does(tmp_path: Path) -> None:
    script = f"""set -e; cd {tmp_path}; mkdir -p a b; echo x > a/f; ln a/f a/g; mv a/f b/h; ln -s h b/l
        mv a c; : > b/h; rm -r c; echo quiet > /dev/null; git init -q r; git -C r status --short"""
    assert run(script, [str(tmp_path)]) == (0, "")


@pytest.mark.parametrize(
    "act",
    ["echo x > {out}/f", "mkdir {out}/d", "rm {out}/kept", ": > {out}/kept", "echo x >> {out}/kept",
     "ln -s x {out}/l", "mv {inside}/f {out}/f", "ln {inside}/f {out}/f", "mv {out}/kept {inside}/f"],
)  # fmt: skip
def test_outside_nothing_can_be_written_or_taken_away(tmp_path: Path, act: str) -> None:
    inside, out = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    out.mkdir()
    (inside / "f").write_text("x")
    (out / "kept").write_text("kept")
    status, _ = run(act.format(inside=inside, out=out), [str(inside)])
    assert status != 0
    assert [entry.name for entry in out.iterdir()] == ["kept"]
    assert (out / "kept").read_text() == "kept"


def test_a_link_leads_nowhere_else(tmp_path: Path) -> None:
    inside, out = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    out.mkdir()
    (inside / "link").symlink_to(out)
    assert run(f"echo x > {inside}/link/f", [str(inside)])[0] != 0
    assert [*out.iterdir()] == []


def test_a_single_file_may_be_named_and_what_is_missing_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("")
    (tmp_path / "two").write_text("")
    writable = [str(tmp_path / "one"), str(tmp_path / "none")]
    assert run(f"echo x > {tmp_path}/one", writable) == (0, "")
    assert run(f"echo x > {tmp_path}/two", writable)[0] != 0


def test_it_may_still_read_and_execute_everywhere(tmp_path: Path) -> None:
    assert run("cat /etc/hostname > /dev/null && ls / > /dev/null && git --version", [])[0] == 0
