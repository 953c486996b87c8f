"""Where sandboxes are looked for, in words: the folder, what has set it, and where others are."""

from aexp.domain.errors import SandboxError
from aexp.domain.sandbox import shown_path
from aexp.domain.text import visible
from aexp.sandbox.grounds import Grounds, told_by
from aexp.sandbox.places import DEFAULT_PARENT, sandboxes_in


def no_sandbox(ground: Grounds) -> SandboxError:
    """That there is none: says where that was looked for, what has set it, and what to do."""
    shown = visible(shown_path(ground.parent, ground.root), limit=500)
    return SandboxError(
        f"There is no sandbox in {shown}{told_by(ground.set_by, ground.root)}.",
        put_away(ground) or _elsewhere(ground) or f"Make one: aexp sandbox new SLUG{ground.flag()}",
    )


def put_away(ground: Grounds) -> str:
    """How many are in the archive, and how to see them; empty when none is."""
    count = len(ground.archived())
    return f"{count} archived: aexp sandbox ls --archived{ground.flag()}" if count else ""


def _elsewhere(ground: Grounds) -> str:
    """Those that stayed where sandboxes are kept by default, which a change of the setting leaves behind."""
    usual = f"{ground.root}/{DEFAULT_PARENT}"
    count = len(sandboxes_in(usual, ground.files)) if ground.root else 0
    if not count or ground.set_by == "keyword" or usual == ground.parent:
        return ""
    verb = "is" if count == 1 else "are"
    return f"{count} {verb} in {DEFAULT_PARENT}: move them with git mv, or --parent-dir {DEFAULT_PARENT}"
