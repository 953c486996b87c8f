"""What installing into a repository would do, worked out before anything is written."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from posixpath import dirname

from aexp.domain.errors import InstallError
from aexp.domain.installation import (
    NEW,
    Ground,
    Outcome,
    Step,
    install_plan,
    uninstall_plan,
)
from aexp.domain.installed_record import PLACE, Record, encode
from aexp.domain.installed_texts import MCP, PARTS, SERVER, wanted_files
from aexp.domain.managed_block import Torn
from aexp.domain.managed_entry import WHOLE
from aexp.installing.ground import record_in, text_at, texts
from aexp.ports.filesystem import Filesystem


@dataclass(frozen=True)
class Plan:
    """What is to be done in a repository.

    Attributes:
        root: the repository.
        steps: one for each file, that of the record last.
        before: the record as it is.
        after: the record as it will be; None when it goes.
    """

    root: str
    steps: tuple[Step, ...]
    before: Record
    after: Record | None

    @property
    def changes(self) -> bool:
        """Whether anything is written or removed."""
        return any(step.changes for step in self.steps)

    @property
    def serves_mcp(self) -> bool:
        """Whether an agent's client will find the MCP server."""
        return any(step.path == MCP and step.known and step.after for step in self.steps)

    @property
    def shares_mcp(self) -> bool:
        """Whether the file that says so holds other things, so that git does not pass over it."""
        ignored = next((one.after for one in self.steps if one.path == ".gitignore"), None) or ""
        return self.serves_mcp and f"/{MCP}" not in ignored.splitlines()

    @property
    def drift(self) -> bool:
        """Whether anything differs from what would be installed, also where it is kept as it is."""
        return any(step.outcome is not Outcome.IDENTICAL for step in self.steps)


def plan_install(
    root: str,
    python: str,
    files: Filesystem,
    *,
    version: str,
    beside: bool = False,
    mcp: bool | None = None,
) -> Plan:
    """What installing the commands does.

    Args:
        root: the repository, resolved.
        python: the interpreter that the commands call.
        version: that of aexp, for the record.
        beside: whether to put our text beside a file that is kept, as ``<name>.new``.
        mcp: whether an agent's client is to find the MCP server; None for as it was.

    Raises:
        InstallError: a file leads out of the repository or is no file, or the record is none.
        FilesystemError: a file cannot be read.
    """
    text, record = record_in(root, files)
    mcp = MCP in record.files if mcp is None else mcp
    alone = mcp and _is_alone(text_at(MCP, root, files), record)
    wanted = wanted_files(python, mcp=mcp, mcp_alone=alone)
    paths = [path for one in wanted for path in (one.path, one.path + NEW)]
    ground = Ground(texts({*paths, *record.files}, root, files), record.files)
    steps = install_plan(wanted, ground, PARTS, beside=beside)
    known = {step.path: step.known for step in steps if step.known}
    made = {*record.folders, *_missing(steps, root, files)}
    after = Record(python, version, known, tuple(sorted(made)))
    if replace(after, version=record.version) == record:
        after = record
    return Plan(root, (*steps, _of_record(text, encode(after))), record, after)


def plan_uninstall(root: str, files: Filesystem) -> Plan:
    """What taking the commands away does; raises as :func:`plan_install`."""
    text, record = record_in(root, files)
    ground = Ground(texts(record.files, root, files), record.files)
    steps = uninstall_plan(ground, PARTS)
    last = () if text is None else (Step(PLACE, Outcome.REMOVED, text, None),)
    return Plan(root, (*steps, *last), record, None)


def _is_alone(there: str | None, record: Record) -> bool:
    """Whether the file for the MCP server has been made for our entry alone, or will be."""
    if there is None:
        return True
    known = record.files.get(MCP)
    whole = known is not None and known.made and not isinstance(SERVER.held(there), Torn)
    return whole and SERVER.taken_out(there, WHOLE) == ""


def _of_record(before: str | None, after: str) -> Step:
    outcome = Outcome.CREATED if before is None else Outcome.REFRESHED
    return Step(PLACE, Outcome.IDENTICAL if before == after else outcome, before, after)


def _missing(steps: Iterable[Step], root: str, files: Filesystem) -> set[str]:
    """The folders that have to be made for these files, and for the record.

    Raises:
        InstallError: something that is no folder stands in the place of one.
    """
    missing = set()
    for path in [PLACE, *(step.path for step in steps if step.before is None)]:
        folder = dirname(path)
        while folder and files.kind(f"{root}/{folder}") is None:
            missing.add(folder)
            folder = dirname(folder)
        if folder and files.kind(f"{root}/{folder}") != "directory":
            raise InstallError(
                f"{folder} is no folder, and one is needed for {path}.",
                "Move it away; nothing was changed.",
            )
    return missing
