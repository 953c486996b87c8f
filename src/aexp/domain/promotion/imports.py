"""The imports of cells: which of them move to the top of the script, and which have to stay."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.names import names_of

FUTURE = "__future__"
SETUP_CALL = "setup_sandbox_notebook"
_DISPLAYS = frozenset({"IPython.display", "IPython.core.display", "IPython.core.display_functions"})

# What changes how an import that follows works, or what it does.
_MOVERS = frozenset(
    {
        *("sys.path", "sys.modules", "sys.meta_path", "os.environ", "os.putenv", "os.chdir"),
        *("site.addsitedir", "importlib.reload", "matplotlib.use", "mpl.use", "warnings.filterwarnings"),
        *("warnings.simplefilter", "multiprocessing.set_start_method", "dotenv.load_dotenv"),
    }
)  # fmt: skip
# The same, where they were imported by name; each means nothing else in practice.
_MOVERS_BY_NAME = frozenset(
    {
        *("environ", "putenv", "chdir", "addsitedir", "filterwarnings", "simplefilter"),
        *("set_start_method", "load_dotenv"),
    }
)


@dataclass(frozen=True)
class Imported:
    """One name that an import binds.

    Attributes:
        bound: the name.
        module: where from; with dots in front when it is relative.
        name: what of the module; None for the module itself.
        text: an import of this name alone.
    """

    bound: str
    module: str
    name: str | None
    text: str

    @property
    def origin(self) -> tuple[str, str | None]:
        """The same for two imports that bind the same thing."""
        whole = self.name is None and not self.text.endswith(f" as {self.bound}")
        return (self.bound, None) if whole else (self.module, self.name)


def imported_by(statement: ast.AST) -> tuple[Imported, ...]:
    """What an import binds; empty for any other statement, ``*`` for a star."""
    if isinstance(statement, ast.Import):
        return tuple(
            Imported(
                one.asname or one.name.split(".")[0],
                one.name,
                None,
                ast.unparse(ast.Import([one])),
            )
            for one in statement.names
        )
    if isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        return tuple(
            Imported(
                one.asname or one.name,
                module,
                one.name,
                ast.unparse(ast.ImportFrom(statement.module, [one], statement.level)),
            )
            for one in statement.names
        )
    return ()


def moves_imports(statement: ast.stmt) -> bool:
    """Whether imports behind this statement may mean something else than before it."""
    for one in ast.walk(statement):
        match one:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if (
                f"{module}.{name}" in _MOVERS
            ):
                return True
            case ast.Name(id=name) if name in _MOVERS_BY_NAME:
                return True
    return False


def hoistable(trees: list[ast.Module]) -> frozenset[str]:
    """The names whose imports may all move to the top, because nothing else ever binds or deletes them."""
    origins: dict[str, set[object]] = {}
    for tree in trees:
        for statement in tree.body:
            for one in imported_by(statement):
                origins.setdefault(one.bound, set()).add(one.origin)
        others = [statement for statement in tree.body if not imported_by(statement)]
        for name in names_of(ast.Module(others, [])).bound | _deleted(others):
            origins.setdefault(name, set()).add(object())
    return frozenset(name for name, found in origins.items() if len(found) == 1) - {"*"}


def _deleted(statements: list[ast.stmt]) -> frozenset[str]:
    return frozenset(
        one.id
        for statement in statements
        for one in ast.walk(statement)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Del)
    )


def local_ones(found: tuple[Imported, ...], local: Mapping[str, str]) -> Iterator[Imported]:
    """Those that come from a module beside the notebook.

    Raises:
        SandboxError: a module is imported as a whole, or a module of a package beside the notebook is.
    """
    for one in found:
        head = one.module.split(".")[0]
        if head not in local and not one.module.startswith("."):
            continue
        if head in local and not local[head]:
            raise SandboxError(
                f"`{one.text}` takes a module out of the package {head} in the sandbox, and a script "
                "outside cannot.",
                f"Move {head} out of the sandbox into a package that is installed, or what is needed of it "
                "into a file beside the notebook: the code of such a file is copied.",
            )
        if one.name is None or one.module != head:
            raise SandboxError(
                f"`{one.text}` takes a module out of the sandbox, and a script outside cannot.",
                f"Write `from {head or 'MODULE'} import NAME` for a file {head or 'MODULE'}.py of the "
                "sandbox, whose code is then copied; or move the module into the package.",
            )
        yield one


def check_nested(tree: ast.Module, local: Mapping[str, str], where: str) -> None:
    """Pass statements that import nothing from beside the notebook while they run.

    Args:
        tree: statements without imports of the top level that do.
        local: modules beside the notebook, name to text.
        where: what the tree is called in the error.

    Raises:
        SandboxError: a function or a block imports such a module.
    """
    for node in ast.walk(tree):
        for one in imported_by(node):
            if one.module.split(".")[0] in local:
                raise SandboxError(
                    f"`{one.text}` in {where} stands inside a function or a block, and a script outside "
                    "the sandbox cannot import from it.",
                    "Put it on the top level of a cell, as `from MODULE import NAME`.",
                )


def is_setup(one: Imported) -> bool:
    """Whether it is the call that sets a notebook up, which a script does without."""
    return one.name == SETUP_CALL and one.module.split(".")[0] == "aexp"


def is_display(one: Imported) -> bool:
    """Whether it is the `display` of notebooks, which a script stands in for."""
    return one.bound == one.name == "display" and one.module in _DISPLAYS
