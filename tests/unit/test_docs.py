"""The documentation says what the code does."""

import dataclasses
import re
from pathlib import Path

import pytest
import rich_click as click

import aexp.airgapped
import aexp.sandbox
from aexp.airgapped.approval import Waiting
from aexp.airgapped.defaults import DURABLE_VARIABLE, EVENTS_VARIABLE
from aexp.airgapped.inspection import DaemonView, RequestView
from aexp.airgapped.transport_list import TransportView
from aexp.cli import audit, config, exits, original, relay, root, sandbox, service
from aexp.cli.groups import LazyGroup
from aexp.domain import errors
from aexp.domain.configuration import KEYS
from aexp.domain.consent import State
from aexp.domain.errors import AexpError
from aexp.domain.findings import Finding
from aexp.domain.grant_offers import GrantLine
from aexp.domain.operations import ALLOWED, OpSpec
from aexp.domain.requests import STATUS, RelayResult
from aexp.domain.sandbox import SandboxScaffoldResult
from aexp.domain.sandbox_promoted import Promotion
from aexp.domain.sandbox_templates import SLOTS
from aexp.sandbox.archiving import SandboxMove
from aexp.sandbox.checking import SandboxCheck
from aexp.sandbox.looking import LargeFile, SandboxView
from aexp.sandbox.promoting import PromotedScript
from aexp.settings import _ENVIRONMENT

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GROUPS = {
    "aexp": root.root,
    "aexp relay": relay.relay,
    "aexp relay audit": audit.audit,
    "aexp sandbox": sandbox.sandbox,
    "aexp relay service": service.service,
    "aexp config": config.config,
    "python -m aexp.airgapped": original.original,
}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(page: str, after: str) -> list[list[str]]:
    """The cells of the first table after some words of a page, without its heading."""
    table = f"{page}\n".split(after, 1)[1].split("\n|", 1)[1].split("\n\n", 1)[0]
    lines = [re.split(r"(?<!\\)\|", line.strip("|")) for line in table.splitlines()]
    return [[cell.strip() for cell in cells] for cells in lines[2:]]


def every_command() -> list[tuple[str, click.Command]]:
    found = []
    for path, group in GROUPS.items():
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            found.append((f"{path} {name}", command))
    return found


def error_classes() -> list[type[AexpError]]:
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, AexpError)
    ]


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    told = {
        name: int(code)
        for code, _, named, _ in rows(text("docs/cli.md"), "\n## Exit codes")
        for name in re.findall(r"`(\w+)`", named)
    }

    codes = {kind.__name__: exits.exit_code(kind.__new__(kind)) for kind in error_classes()}
    assert told == codes


def test_every_named_exit_code_has_its_line() -> None:
    told = {
        named.strip("`"): int(code)
        for code, named, _, _ in rows(text("docs/cli.md"), "\n## Exit codes")
        if named
    }

    constants = {name: value for name, value in vars(exits).items() if name.isupper()}
    assert told == {name: value for name, value in constants.items() if isinstance(value, int)}


@pytest.mark.parametrize(("path", "command"), every_command(), ids=str)
def test_every_command_and_option_is_in_the_page_on_the_command_line(
    path: str, command: click.Command
) -> None:
    page = text("docs/cli.md")

    if not isinstance(command, LazyGroup):
        assert f"`{path}" in page or f"\n{path} " in page
    for parameter in command.params:
        for spelling in parameter.opts if isinstance(parameter, click.Option) else ():
            assert re.search(rf"[`\[ ]{spelling}[`\] ]", page), spelling


RELAY = [RelayResult, DaemonView, RequestView, Waiting, Finding, GrantLine, TransportView]
SANDBOX = [SandboxScaffoldResult, SandboxView, LargeFile, Promotion, SandboxCheck, SandboxMove]
SANDBOX += [PromotedScript]


@pytest.mark.parametrize("shape", [*RELAY, *SANDBOX])
def test_every_key_of_the_json_shapes_is_explained(shape: type) -> None:
    page = text("docs/cli.md")

    for field in dataclasses.fields(shape):
        assert re.search(rf"[`\"]{field.name}[`\"]", page), field.name


def test_every_variable_of_the_environment_is_explained() -> None:
    told = {cells[0].strip("`") for cells in rows(text("docs/cli.md"), "\n## Environment")}

    assert told == {*_ENVIRONMENT.values(), EVENTS_VARIABLE, DURABLE_VARIABLE}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("docs/airgapped.md", aexp.airgapped.__all__),
        ("docs/sandbox.md", aexp.sandbox.__all__),
    ],
)
def test_every_public_name_is_in_its_page(page: str, names: list[str]) -> None:
    assert [name for name in names if not re.search(rf"\b{name}\b", text(page))] == []


def test_every_key_of_a_file_of_settings_is_explained_in_the_same_words() -> None:
    told = [
        (key.strip("`"), variable.strip("`"), meaning)
        for key, variable, _, meaning in rows(text("docs/configuration.md"), "\n## Settings")
    ]

    assert told == [
        (key.name, key.variable, f"{key.meaning}{' (**policy**)' if key.policy else ''}")
        for key in KEYS
    ]


def test_every_placeholder_of_templates_is_explained_in_the_same_words() -> None:
    told = dict(rows(text("docs/sandbox.md"), "\n## Templates of your own"))

    assert told == {f"`{{{{sandbox.{name}}}}}`": meaning for name, meaning in SLOTS.items()}


def test_the_closed_list_is_that_of_the_code() -> None:
    units = {"min": 60.0, "h": 3600.0}
    for name, runs, arguments, consent, limit in rows(
        text("docs/airgapped.md"), "\n## The closed list"
    ):
        spec = ALLOWED[name.strip("`")]
        number, unit = limit.split()
        argv = iter(spec.argv(("REMOTE", "BRANCH")))
        assert all(word in argv for word in runs.strip("`").split())
        assert arguments == _arguments(spec)
        assert (consent == "**yes**") == spec.needs_consent
        assert int(number) * units[unit] == spec.time_limit_s
    assert len(rows(text("docs/airgapped.md"), "\n## The closed list")) == len(ALLOWED)


def _arguments(spec: OpSpec) -> str:
    named = [one.name for one in spec.parameters]
    named += [f"any number of: {spec.more.name}"] if spec.more else []
    return ", ".join(named) or "none"


def test_the_states_and_the_original_words_for_them_are_those_of_the_code() -> None:
    told = {
        state: status.strip("`")
        for status, states in rows(text("docs/airgapped.md"), "`state` is exact:")
        for state in re.findall(r"`([\w-]+)`", states)
    }

    assert told == {str(state): word for state, word in STATUS.items()}
    assert [state for state in State if f"`{state}`" not in text("docs/cli.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file), target


def anchors(file: Path) -> set[str]:
    """As the common renderers make them from headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-").strip() for heading in headings
    }


def test_the_readme_names_every_page() -> None:
    readme = text("README.md")

    assert [page.name for page in PAGES[1:] if page.name not in readme] == []


def test_something_that_runs_stands_early_in_the_readme() -> None:
    assert any("make demo" in line for line in text("README.md").splitlines()[:39])


def test_the_makefile_has_the_targets_that_the_pages_name() -> None:
    targets = set(re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE))

    for page in PAGES:
        named = re.findall(r"(?:`|\$ )make (\w+)", page.read_text(encoding="utf-8"))
        assert set(named) <= targets, page.name


def test_files_that_the_pages_name_exist() -> None:
    for page in PAGES:
        for name in re.findall(
            r"`((?:adapters|airgapped|domain|ports|cli)/[\w/]+\.py)`", page.read_text("utf-8")
        ):
            assert (ROOT / "src" / "aexp" / name).is_file(), f"{page.name}: {name}"


def test_the_page_of_vectors_is_that_of_the_tests() -> None:
    from tests.vectors.__main__ import table

    assert text("docs/vectors.md") == table()


def test_every_test_that_the_pages_on_promises_name_is_there() -> None:
    page = text("docs/reliability.md") + text("docs/security.md")
    written = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    for name in re.findall(r"`(test_\w+)`", page):
        assert f"def {name}(" in written, name
    for path in re.findall(r"`(tests/[\w/.]+)`", page):
        assert (ROOT / path).exists(), path


def test_the_matrix_in_the_page_on_transports_counts_the_promises_that_there_are() -> None:
    from aexp.testing import QueueContract

    page = text("docs/transports.md").split("= promises of the storage, by transport =")[1]
    block = page.split("```")[0].splitlines()
    promises = {name[5:].replace("_", " ") for name in dir(QueueContract) if name[:5] == "test_"}

    for line in block[1:4]:
        told = [int(number) for number in re.findall(r"(\d+) (?:kept|skipped)", line)]
        assert sum(told) == len(promises), line
    assert {line[:56].strip() for line in block[5:] if line} <= promises


def test_what_the_page_on_transports_has_one_type_is_there_to_be_typed() -> None:
    page = text("docs/transports.md")
    lines = page.split("Install it, look, and run them:")[1].split("```")[1].splitlines()
    (tests,) = [line.split()[2] for line in lines if line.startswith("$ pytest ")]

    assert "$ pip install ./aexp_sqlite pytest" in "\n".join(lines)
    assert (ROOT / "tests/samples" / tests).is_file()
    # From a clone, which is how aexp is had, its name alone is nobody's package.
    assert "`pip install '.[redis]'` in a clone" in page
    assert "pip install 'aexp[redis]'" not in page


def test_what_waits_for_consent_is_shown_in_the_lines_that_are_printed() -> None:
    page = text("docs/quickstart.md")
    shown = [line for line in page.splitlines() if "waits for consent (" in line]

    assert len(shown) > 1
    assert {line.partition(").")[2] for line in shown} == {""}
    assert "(over a socket" not in text("docs/several-daemons.md")
    assert "standard input is no terminal, it does not ask" in page
    assert "wandb aexp relay restart`" in page
