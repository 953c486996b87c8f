"""The repository's own templates for sandboxes."""

from aexp.domain.sandbox_starter import STARTER
from aexp.domain.sandbox_templates import (
    MAX_TEMPLATE_BYTES,
    TEMPLATES,
    TEMPLATES_DIR,
    bad_template,
    no_template,
)
from aexp.ports.filesystem import Filesystem

_HAVE_BUILT_IN = "Put a file there, or remove it to have the built-in one."


def own_templates(root: str | None, files: Filesystem) -> dict[str, str]:
    """The texts of the templates in the repository's ``.aexp/templates/sandbox``, by name.

    Raises:
        SandboxScaffoldError: what lies there is no template, or one that may not be used.
        FilesystemError: a template cannot be read.
    """
    folder = f"{root}/{TEMPLATES_DIR}"
    if root is None or files.kind(folder) is None:
        return {}
    names = [entry.name for entry in files.entries(folder) if not entry.name.startswith(".")]
    for name in names:
        if name not in TEMPLATES:
            raise no_template(name)
    return {name: _read(name, folder, root, files) for name in names}


def _read(name: str, folder: str, root: str, files: Filesystem) -> str:
    place = files.resolve(f"{folder}/{name}")
    if not place.startswith(f"{root}/"):
        # A clone must not be able to have a stranger's file copied into what will be pushed.
        raise bad_template(name, f"leads out of the repository, to {place}", _HAVE_BUILT_IN)
    if files.kind(place) != "file":
        raise bad_template(name, "is not a file", _HAVE_BUILT_IN)
    parent, _, last = place.rpartition("/")
    size = next((entry.size for entry in files.entries(parent) if entry.name == last), 0)
    if size > MAX_TEMPLATE_BYTES:
        limit = f"{MAX_TEMPLATE_BYTES >> 20} MB"
        hint = "Clear the outputs of its cells." if name == STARTER else "Keep it short."
        raise bad_template(name, f"is larger than {limit}", hint)
    return files.read_text(place)
