"""What each way in may import, and that a client's commands are read alike with click and without.

A start is measured by the benchmarks. Here nothing is timed: what a start costs is what it imports.
"""

import importlib.util
import io
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rich_click as click

import aexp
from aexp.cli import relay, terminal
from aexp.cli.quick import VERBS, read
from aexp.domain.errors import RelayDownError
from tests.site import Site
from tests.world import executable

CLICK = {"click", "rich_click", "rich"}
LIBRARIES = {
    *CLICK,
    *(
        "dependency_injector",
        "fsspec",
        "pydantic",
        "pydantic_core",
        "redis",
        "tenacity",
        "textual",
        "yaml",
    ),
}
SLOW = {
    *(
        "asyncio",
        "ctypes",
        "datetime",
        "difflib",
        "email",
        "hashlib",
        "importlib.metadata",
        "logging",
    ),
    *("random", "shutil", "socket", "ssl", "subprocess", "unittest", "uuid"),
}
DAEMON = {
    "aexp.container",
    "aexp.airgapped.daemon",
    "aexp.airgapped.jobs",
    "aexp.domain.failures",
    "aexp.domain.failure_rules",
    "aexp.adapters.workshop",
}
REQUESTER = {"aexp.airgapped.client", "aexp.airgapped.handle", "aexp.domain.operations", "pathlib"}
MOST = 138
"""Modules that a command of the client may load beside those of an interpreter that does nothing; on a cold
home each costs a dozen calls."""

TELL = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
COMMAND = "from aexp.cli.main import main; main()"


def modules_after(code: str, *words: str, cwd: Path, env: dict[str, str] | None = None) -> set[str]:
    """The modules that a fresh interpreter has loaded when it has run the code to its end."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{TELL}\n{code}", *words],
        cwd=cwd,
        env=env or {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stderr.splitlines()[-1].split())


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.split(".")[0] == "aexp"}


def test_importing_aexp_loads_nothing_else(tmp_path: Path) -> None:
    loaded = modules_after("import aexp", cwd=tmp_path)
    assert ours(loaded) == {"aexp"}
    assert loaded - {"aexp"} == modules_after("pass", cwd=tmp_path)


def test_importing_a_surface_loads_nothing_before_it_is_used(tmp_path: Path) -> None:
    loaded = modules_after("import aexp.airgapped, aexp.sandbox", cwd=tmp_path)
    assert ours(loaded) == {"aexp", "aexp.airgapped", "aexp.sandbox"}
    assert not loaded & LIBRARIES


def test_the_version_needs_nothing_but_the_entry_point(tmp_path: Path) -> None:
    loaded = modules_after(COMMAND, "--version", cwd=tmp_path)
    assert ours(loaded) == {"aexp", "aexp.cli", "aexp.cli.main"}
    assert not loaded & {*LIBRARIES, *SLOW, "re", "typing"}


def test_a_client_needs_no_library_and_nothing_of_the_daemon(tmp_path: Path) -> None:
    code = "from aexp.airgapped import RelayClient; RelayClient()"
    loaded = modules_after(code, cwd=tmp_path)
    assert not loaded & {*LIBRARIES, *SLOW, *DAEMON}
    assert not any(name.startswith("aexp.cli") for name in loaded)


def test_looking_for_files_of_settings_takes_a_few_calls_and_yaml_waits_for_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "repo/.git").mkdir(parents=True)
    deep = tmp_path / "repo/a/b"
    deep.mkdir(parents=True)
    looks = (
        "import os, sys; seen = []; real = os.lstat\n"
        "from aexp.adapters.configuration.files import LocalConfigurationFiles as Files\n"
        "from aexp.settings import files_around\n"
        "os.lstat = lambda path: (seen.append(path), real(path))[1]\n"
        "files_around(); print(len(seen), file=sys.stderr)\n"
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-P", "-c", looks]
    told = subprocess.run(command, cwd=deep, env=env, capture_output=True, text=True, check=True)
    # Each folder on the way up to the root, as `realpath` and as a repository; then one for each file.
    assert int(told.stderr) <= 2 * len(deep.parts) + 2
    client = "from aexp.airgapped import RelayClient; RelayClient()"
    assert "yaml" not in modules_after(client, cwd=deep)
    (tmp_path / "repo/.aexp").mkdir()
    (tmp_path / "repo/.aexp/config.yaml").write_text("relay:\n  default_timeout: 5\n")
    assert "yaml" in modules_after(client, cwd=deep)


def test_a_gate_that_was_only_greeted_has_loaded_no_library(tmp_path: Path) -> None:
    loaded = modules_after(COMMAND, "relay", "exec", cwd=tmp_path)
    assert "aexp.airgapped.gate" in loaded
    assert not loaded & {*LIBRARIES, *DAEMON, "subprocess", "asyncio", "hashlib", "logging"}


def test_a_client_of_a_gate_loads_little(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    executable(tmp_path / "bin/ssh", "#!/bin/sh\nexit 255\n")
    env = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path)}
    words = ("relay", "status", "--queue", "ssh://login/~/repo")
    loaded = modules_after(COMMAND, *words, cwd=tmp_path, env=env)
    assert "aexp.adapters.storage.ssh.link" in loaded
    assert not loaded & {*LIBRARIES, *DAEMON, "asyncio", "hashlib", "logging", "ssl"}


@pytest.mark.parametrize("verb", ["status", "push", "git-status"])
def test_a_clients_command_without_a_daemon_loads_little(tmp_path: Path, verb: str) -> None:
    loaded = modules_after(COMMAND, "relay", verb, cwd=tmp_path)
    assert not loaded & {*LIBRARIES, *SLOW, *DAEMON}
    assert len(loaded - modules_after("pass", cwd=tmp_path)) <= MOST
    assert verb != "status" or not loaded & REQUESTER


def test_help_loads_what_shows_it_and_no_use_case(tmp_path: Path) -> None:
    loaded = modules_after(COMMAND, "relay", "push", "--help", cwd=tmp_path)
    assert {"rich_click", "aexp.cli.operations"} <= loaded
    assert not loaded & {"pydantic", "fsspec", "dependency_injector", "textual", *DAEMON}
    assert not any(name.startswith("aexp.airgapped") for name in loaded)


@pytest.mark.parametrize(
    "words", [["approve", "ab"], ["approve", "-i"], ["pending"], ["console", "--help"], ["--help"]]
)
def test_nothing_but_the_console_itself_loads_textual(tmp_path: Path, words: list[str]) -> None:
    loaded = modules_after(COMMAND, "relay", *words, cwd=tmp_path)
    assert "aexp.cli.root" in loaded
    assert "textual" not in loaded


@pytest.mark.parametrize("words", [["mcp", "--help"], ["--help"]])
def test_nothing_but_the_server_itself_loads_the_sdk_of_mcp(
    tmp_path: Path, words: list[str]
) -> None:
    loaded = modules_after(COMMAND, *words, cwd=tmp_path)
    assert "aexp.cli.root" in loaded
    assert not loaded & {"mcp.server", "mcp_types", "anyio"}


@pytest.mark.e2e
def test_a_daemon_keeps_neither_click_nor_fsspec_in_memory(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    state = {"AEXP_RELAY_STATE": str(tmp_path / "node"), "HOME": str(home)}
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **state}
    loaded = modules_after(COMMAND, "relay", "serve", "--once", cwd=home, env=env)
    assert "aexp.airgapped.daemon" in loaded
    assert not loaded & {*CLICK, "fsspec", "redis", "tenacity"}
    # What dependency-injector would load where it is installed.
    assert importlib.util.find_spec("starlette") is not None
    assert not loaded & {"ssl", "starlette", "yaml"}


@pytest.mark.e2e
def test_a_clients_command_loads_little_until_it_has_its_answer(tmp_path: Path) -> None:
    site = Site(tmp_path / "home")
    try:
        site.serve()
        bare = modules_after("pass", cwd=site.repo, env=site.env)
        for verb in ("status", "push"):
            loaded = modules_after(COMMAND, "relay", verb, cwd=site.repo, env=site.env)
            assert "aexp.adapters.storage.shared_home" in loaded
            # Waiting takes file events and dice.
            assert not loaded & {*LIBRARIES, *SLOW, *DAEMON} - {"ctypes", "random"}
            assert len(loaded - bare) <= MOST
    finally:
        site.close()


def spellings() -> Iterator[list[str]]:
    """Command lines of the plain kind, and others."""
    values = [
        ["--queue", "/q"], ["--queue", ""], ["--queue=/q"], ["--json"], ["--no-wait"], ["-C", "a b"],
        ["-q"], ["--quiet"], ["-v"], ["--verbose"], ["-qv"],
        ["--cwd", "../x"], ["-Cx"], ["--timeout", "5"], ["--timeout", "0.5"], ["--timeout", "-1"],
        ["--timeout", "1e3"], ["--timeout", "x"], ["--timeout", "²"], ["--timeout", "."],
        ["--branch", "main"], ["-b", "x"], ["-bx"], ["--branch", "-x"], ["--remote", "up"], ["--remote"],
        ["--log", "x"], ["--once"], ["--standby"], ["--strict"], ["--consent", "file"],
        ["--notify", "none"], ["--notify-hook", "/bin/tell x"], ["--notify-hook", "-x"],
        ["--help"], ["--"], ["extra"], ["origin", "main"], ["--nothing"], ["--bran", "x"],
    ]  # fmt: skip
    for verb in [*VERBS, "ls", "nothing"]:
        yield [verb]
        for one, two in itertools.product(values, repeat=2):
            yield [verb, *one]
            yield [verb, *one, *two]


def test_what_is_read_without_click_is_what_click_reads() -> None:
    context = click.Context(relay.relay)
    read_alike = 0
    for words in spellings():
        found = read(words)
        if found is None:
            continue
        command = relay.relay.get_command(context, words[0])
        assert command is not None
        wanted = dict(command.make_context(words[0], words[1:]).params)
        placed = {name: wanted.pop(f"placed_{name}", None) for name in ("remote", "branch")}
        wanted |= {name: word for name, word in placed.items() if word is not None}
        left_out = [wanted.pop(name) for name in [*wanted] if name not in found]
        assert found == wanted, words
        assert set(left_out) <= {None, ()}, words
        read_alike += 1
    assert read_alike > 500


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "serve"])
def test_every_option_of_a_clients_command_is_known_without_click(verb: str) -> None:
    command = relay.relay.get_command(click.Context(relay.relay), verb)
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option):
            for spelt in option.opts:
                words = [verb, spelt] if option.is_flag else [verb, spelt, "7"]
                assert read(words) is not None, spelt


@pytest.mark.parametrize(
    "words",
    [[], ["relay"], ["push", "--help"], ["push", "--json", "--json"], ["push", "a", "b", "c"],
     ["push", "origin", "--remote", "x"], ["pull", "origin"], ["push", "--queue"],
     ["push", "-q", "-v"], ["push", "--verbose", "--quiet"], ["push", "-qv"],
     ["push", "-b", "-x"], ["push", "--timeout", "soon"], ["status", "--no-wait"], ["pull", "--branch", "x"]],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_click(words: list[str]) -> None:
    assert read(words) is None


@pytest.mark.parametrize("words", [["--version"], ["relay", "status"]])
def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path, words: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "aexp", *words],
        stdout=write_end,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        text=True,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, "")


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "text", ["plain", "\x1b[1mgit's own\x1b[0m colours\n", "", "ü\x1b[38;5;1m!\x1b[m"]
)
@pytest.mark.parametrize("screen", [io.StringIO, _Screen])
def test_text_is_written_as_click_writes_it(
    monkeypatch: pytest.MonkeyPatch, screen: type[io.StringIO], text: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    styled = [
        (terminal.style(text, "red", bold=True), click.style(text, fg="red", bold=True)),
        (terminal.style(text, "cyan"), click.style(text, fg="cyan")),
        (text, text),
    ]
    for mine, theirs in styled:
        written = []
        for echo, told in ((terminal.echo, mine), (click.echo, theirs)):
            monkeypatch.setattr(sys, "stdout", screen())
            echo(told)
            echo(told, nl=False)
            written.append(sys.stdout.getvalue())  # type: ignore[attr-defined]
        assert written[0] == written[1]


def test_no_colour_is_written_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _Screen())
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.show_error(RelayDownError("down", "up"))
    assert sys.stderr.getvalue() == "error: down\n  next: up\n"  # type: ignore[attr-defined]


def test_a_stream_for_ascii_is_written_to_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    terminal.echo("naïve")
    assert raw.getvalue() == "naïve\n".encode()


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    from aexp.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["aexp", "--version"])
        main.main()
    assert capsys.readouterr().out == f"aexp {aexp.__version__}\n"
