"""That one URL chooses the transport: ours by the table, those of other packages by their entry points."""

import json
import os
import re
import threading
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.clock.system import SystemClock
from aexp.adapters.own_source import own_source
from aexp.airgapped import RelayClient, transports
from aexp.airgapped.defaults import open_queue
from aexp.airgapped.transport_list import transport_views
from aexp.airgapped.transports import OBJECT_STORES, TRANSPORTS, BuiltIn
from aexp.cli.main import main
from aexp.domain.errors import RelayDownError, SettingsError
from aexp.ports.storage import QueueStorage

MODULE = """
from aexp.adapters.storage.memory import Memory, MemoryStorage

SEEN = []

def open_queue(location, options):
    SEEN.append((location, options))
    return MemoryStorage(options.clock, Memory(), location)

NO_FUNCTION = 7
"""


def install(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    entries: str,
    name: str = "lab-queue",
    code: str = MODULE,
) -> str:
    """A package that is found on the path, with its metadata; returns its module's name."""
    module = name.replace("-", "_")
    metadata = folder / f"{module}-1.2.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(
        f"[aexp.transports]\n{entries.format(module=module)}\n"
    )
    (folder / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    return module


def opened(url: str) -> QueueStorage:
    return open_queue(url, ManualClock(), "posix")


def test_storages_of_one_memory_url_are_one_queue_and_others_are_not() -> None:
    first, second = opened("memory://one"), opened("MEMORY://one")
    assert first.url == second.url == "memory://one"
    assert first.put_new("inbox/a", b"of the first")
    assert second.read("inbox/a") == b"of the first"
    assert second.put_new("inbox/a", b"of the second") is False
    assert opened("memory://two").list("inbox") == []
    assert opened("memory://").list("inbox") == []
    assert opened("memory://").url == "memory://"


def test_a_name_of_a_memory_queue_can_be_printed() -> None:
    with pytest.raises(SettingsError, match=r"not printable.*memory://name"):
        opened("memory://a\x1b[2J")


def test_waiting_in_memory_ends_when_a_descriptor_is_readable() -> None:
    read_end, write_end = os.pipe()
    try:
        writer = threading.Thread(target=os.write, args=(write_end, b"x"))
        writer.start()
        before = SystemClock().monotonic()
        open_queue("memory://waited", SystemClock()).wait(("inbox",), 60.0, (read_end,))
        assert SystemClock().monotonic() - before < 30
        writer.join()
    finally:
        os.close(read_end)
        os.close(write_end)


def test_the_same_url_counts_for_a_client_its_environment_and_a_file_of_settings(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RelayClient(queue="memory://given").queue.storage.url == "memory://given"
    settings = home / ".config/aexp/config.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("relay:\n  queue: memory://of-the-file\n")
    assert RelayClient().queue.storage.url == "memory://of-the-file"
    monkeypatch.setenv("AEXP_RELAY_QUEUE", "memory://of-the-environment")
    assert RelayClient().queue.storage.url == "memory://of-the-environment"


def test_an_unknown_scheme_names_the_known_ones_and_keeps_a_password() -> None:
    with pytest.raises(SettingsError) as error:
        opened("carrier-pigeon://me:hunter22@roof/q")
    assert "unknown scheme, carrier-pigeon" in error.value.what
    for scheme in TRANSPORTS:
        assert f"{scheme}://" in error.value.hint
    assert "aexp relay transports" in error.value.hint
    assert "hunter22" not in str(error.value)


def test_an_unknown_scheme_names_the_extra_that_a_known_one_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "pip install" not in unknown("pigeon://roof")
    for scheme in ("redis", "rediss"):
        row = BuiltIn("a test", "aexp.adapters.nothing:open", "redis", "no_such_module_of_redis")
        monkeypatch.setitem(TRANSPORTS, scheme, row)
    assert re.search(r"For redis://, rediss://: pip install .*\[redis\]", unknown("pigeon://roof"))


def unknown(url: str) -> str:
    with pytest.raises(SettingsError, match="unknown scheme") as caught:
        opened(url)
    return caught.value.hint


def test_what_no_scheme_may_be_called_was_meant_for_one_and_is_no_folder() -> None:
    assert "Did you mean redis://?" in unknown("redi_s://host/0")
    assert "Known: file://" in unknown("ä://host/0")
    assert opened("./redi_s://host").folder == f"{Path.cwd()}/redi_s:/host"


def test_a_url_of_a_file_says_what_it_lacks() -> None:
    for url, lacking in (("file://", "no folder"), ("file://host/x", "a host")):
        with pytest.raises(SettingsError, match=f"names {lacking}"):
            opened(url)


def test_an_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = BuiltIn("a test", "aexp.adapters.nothing:open", "redis", "no_such_module_of_redis")
    monkeypatch.setitem(TRANSPORTS, "redis", row)
    with pytest.raises(SettingsError, match=r"pip install .*\[redis\]"):
        opened("redis://host/0")


def test_a_transport_of_ours_that_is_broken_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSPORTS, "redis", BuiltIn("a test", "aexp.no_such:open", "redis", "sys"))
    with pytest.raises(SettingsError, match=r"redis:// of aexp could not be loaded .*\[redis\]"):
        opened("redis://host/0")


def test_a_package_adds_a_scheme_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = install(tmp_path, monkeypatch, "Lab = {module}:open_queue")
    clock = ManualClock()
    storage = open_queue("lab://host/deep?name=x", clock, "lustre")
    location, options = __import__(module).SEEN[-1]
    assert storage.url == "memory://host/deep?name=x"
    assert location == "host/deep?name=x"
    assert (options.url, options.profile) == ("lab://host/deep?name=x", "lustre")
    assert (options.clock, options.events, options.durable) == (clock, True, True)
    with pytest.raises(SettingsError, match="lab://"):
        opened("laboratory://x")


def test_an_entry_point_does_not_take_the_place_of_a_scheme_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "memory = {module}:NOTHING\nlab = {module}:open_queue")
    assert opened("memory://x").url == "memory://x"
    views = {(view.scheme, view.origin): view for view in transport_views()}
    assert views["lab", "lab-queue 1.2"].usable
    assert views["memory", "aexp"].usable
    assert not views["memory", "lab-queue 1.2"].usable
    assert "is built in" in views["memory", "lab-queue 1.2"].remedy


@pytest.mark.parametrize(
    ("name", "entry", "code", "told"),
    [
        ("lab-lacking", "{module}:open_queue", "import no_such_module_at_all", "No module named"),
        ("lab-broken", "{module}:open_queue", "1 / 0", "ZeroDivisionError"),
        ("lab-empty", "{module}:nothing", MODULE, "AttributeError"),
        ("lab-number", "{module}:NO_FUNCTION", MODULE, "is no function"),
    ],
)
def test_an_entry_point_that_fails_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, entry: str, code: str, told: str
) -> None:
    install(tmp_path, monkeypatch, f"broken = {entry}", name, code)
    with pytest.raises(SettingsError, match=f"broken:// of {name} 1.2 .*{told}.*uninstall {name}"):
        opened("broken://x")
    view = next(view for view in transport_views() if view.scheme == "broken")
    assert (view.usable, view.origin) == (False, f"{name} 1.2")
    assert told in view.remedy


def test_a_scheme_that_two_packages_offer_is_refused_with_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lab-one", "lab-two"):
        install(tmp_path / name, monkeypatch, "twice = {module}:open_queue", name)
    with pytest.raises(SettingsError, match=r"lab-one 1\.2, lab-two 1\.2"):
        opened("twice://x")
    told = [view.remedy for view in transport_views() if view.scheme == "twice"]
    assert told == ["2 packages offer twice://: uninstall all but one of them"] * 2


def test_entry_points_are_read_for_an_unknown_scheme_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> None:
        raise AssertionError("entry points were read")

    monkeypatch.setattr(transports, "third_party", read)
    opened("memory://x")
    opened("file:///nowhere/q")
    opened("~/q")
    with pytest.raises(AssertionError, match="were read"):
        opened("other://x")


def test_the_command_line_takes_the_same_urls(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.argv", ["aexp", "relay", "status", "--queue", "memory://of-the-cli"])
    with pytest.raises(SystemExit):
        main()
    assert "memory://of-the-cli" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["aexp", "relay", "serve", "--once", "--queue", "nothing://x"])
    with pytest.raises(SystemExit):
        main()
    assert "unknown scheme, nothing" in capsys.readouterr().err


def test_object_stores_are_refused_with_the_reason_and_what_to_use() -> None:
    for scheme in OBJECT_STORES:
        with pytest.raises(SettingsError, match=r"copies and deletes .*redis://") as error:
            opened(f"{scheme}://bucket/queue")
        assert f"{scheme}://" in error.value.what


def test_a_program_that_is_lacking_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(SettingsError, match=r"ssh:// needs ssh, .*install a program ssh"):
        opened("ssh://login/~/proj")


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["aexp", "relay", "transports", *options])
        with pytest.raises(SystemExit) as end:
            main()
    assert not end.value.code
    told = capsys.readouterr()
    return told.out, told.err


def test_the_transports_are_listed_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, monkeypatch, "lab = {module}:open_queue")
    row = BuiltIn("a test", "aexp.adapters.nothing:open", "redis", "no_such_module_of_redis")
    monkeypatch.setitem(TRANSPORTS, "redis", row)
    out, err = listed(capsys)
    lines = {line.split("://")[0]: line for line in out.splitlines()[1:]}
    assert [*lines] == [*TRANSPORTS, "lab"]
    assert "lab-queue 1.2" in lines["lab"]
    assert lines["lab"].endswith("yes")
    assert lines["redis"].endswith("no")
    assert f"redis://: pip install {own_source('redis')}" in err


def test_the_list_of_transports_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = listed(capsys, "--json")
    body = json.loads(out)
    found = {one["scheme"]: one for one in body["transports"]}
    assert body["schema"] == 1
    assert found["file"] == {
        "scheme": "file",
        "purpose": "a folder in a home that the nodes share",
        "origin": "aexp",
        "usable": True,
        "remedy": "",
    }
    assert err == ""


@pytest.mark.parametrize(
    ("record", "plain", "with_extra"),
    [
        (None, "aexp", "'aexp[redis]'"),
        ({"url": "file:///a%20b/aexp", "dir_info": {}}, "'/a b/aexp'", "'/a b/aexp[redis]'"),
        (
            {"url": "file:///a/aexp", "dir_info": {"editable": True}},
            "/a/aexp",
            "-e '/a/aexp[redis]'",
        ),
        (
            {"url": "https://x.example/aexp", "vcs_info": {"vcs": "git"}},
            "git+https://x.example/aexp",
            "'aexp[redis] @ git+https://x.example/aexp'",
        ),
    ],
)
def test_what_brings_an_extra_is_where_this_aexp_came_from(
    record: dict[str, object] | None, plain: str, with_extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, _: str) -> str | None:
            return None if record is None else json.dumps(record)

    monkeypatch.setattr("importlib.metadata.distribution", lambda _: Installed())
    assert (own_source(), own_source("redis")) == (plain, with_extra)


def test_a_url_that_lacks_a_slash_is_no_folder() -> None:
    for url in ("redis:/host/0", "rediss:/user:secret@host/0", "redis+unix:/x", "memory:/x"):
        with pytest.raises(SettingsError, match="lacks a slash") as caught:
            opened(url)
        assert "secret" not in str(caught.value)
        assert url.partition(":")[0] + "://" in caught.value.hint


def test_a_url_without_any_slash_is_no_folder_and_a_misspelt_one_is_told_what_was_meant() -> None:
    for url in (
        "redis:host/0",
        "file:~/.relay",
        "FILE:x",
        "ssh:user:secret@login",
        "memory:",
        "memory:x",
    ):
        with pytest.raises(SettingsError, match="lacks its slashes") as caught:
            opened(url)
        assert "secret" not in f"{caught.value}{caught.value.hint}"
        assert url.partition(":")[0] + "://" in caught.value.hint
    assert opened("./file:x").folder == f"{Path.cwd()}/file:x"
    for url, meant in (("redsi://h/0", "redis"), ("shh://h/~/x", "ssh"), ("fiel:///x", "file")):
        with pytest.raises(SettingsError, match="unknown scheme") as caught:
            opened(url)
        assert caught.value.hint.startswith(f"Did you mean {meant}://? Known: ")


def test_a_path_that_was_made_of_a_url_is_refused() -> None:
    for url in ("redis://host/0", "memory://x", "file:///a/b"):
        with pytest.raises(SettingsError, match="has lost a slash"):
            RelayClient(queue=Path(url))
    assert RelayClient(queue=Path("/redis:/x")).queue.storage.folder == "/redis:/x"


def test_nobody_is_sent_to_the_login_node_for_a_queue_in_memory(home: Path) -> None:
    (home / "repo/.git").mkdir(parents=True)
    client = RelayClient(queue="memory://alone", cwd=home / "repo")
    with pytest.raises(RelayDownError, match="Only this process sees that queue"):
        client.pull()


@pytest.mark.parametrize(
    "words", [("up",), ("restart",), ("serve",), ("serve", "--once"), ("service", "print")]
)
def test_no_process_is_started_for_a_queue_that_it_alone_would_see(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.argv", ["aexp", "relay", *words, "--queue", "MEMORY://alone"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 78
    told = capsys.readouterr()
    assert "memory://alone is seen by one process alone" in told.err.replace("MEMORY", "memory")
    assert "next: Name a folder or a server" in told.err
    assert "aexp relay up" not in told.out + told.err


def test_the_status_of_a_queue_in_memory_sends_nobody_in_a_circle(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.argv", ["aexp", "relay", "status", "--queue", "memory://alone"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    assert "next: Only this process sees that queue" in told.err
    assert "aexp relay up" not in told.out + told.err


def test_the_page_on_transports_has_a_program_that_serves_a_queue_in_memory(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs/transports.md").read_text(encoding="utf-8")
    program = page.split("## A queue in memory")[1].split("```python\n")[1].split("```")[0]
    exec(compile(program, "transports.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == "True\n"
    assert (home / "trial/repo").is_dir()
