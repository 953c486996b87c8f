"""What a script needs besides its cells: imports at the top, folders, and code of modules nearby."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aexp.domain.promotion.imports import FUTURE, Imported, is_display, is_setup, local_ones
from aexp.domain.promotion.modules import Copied, copied, moves, spread
from aexp.domain.promotion.places import IMPORT, PATHS, PLACES, places_code

OURS = frozenset({"_command_line", "_literal", "_value", "_Path"})
"""Names that the script has for itself."""

DISPLAY = '''\
def display(*objects, **_):
    """Stands in for the one of notebooks."""
    for one in objects:
        print(repr(one))'''


@dataclass
class Supply:
    """What is gathered while the cells are read.

    Attributes:
        local: modules beside the notebook, name to text; empty text for packages.
        imports: what goes to the top, in the order in which it was met.
        beside: what is taken out of modules beside the notebook.
        paths: variables that take the folders.
        places: whether the folders are used.
        display: whether ``display`` is used.
        moved: whether a module beside the notebook changes how imports behind it work.
    """

    local: Mapping[str, str]
    imports: dict[str, Imported] = field(default_factory=dict)
    beside: dict[Imported, None] = field(default_factory=dict)
    paths: dict[str, None] = field(default_factory=dict)
    places: bool = False
    display: bool = False
    moved: bool = False

    def take(self, found: tuple[Imported, ...]) -> None:
        """Have these imports at the top, whatever they come from."""
        rest = self.take_local(found)
        self.display = self.display or any(map(is_display, rest))
        self.imports.update({one.text: one for one in rest if not is_display(one)})

    def take_local(self, found: tuple[Imported, ...]) -> tuple[Imported, ...]:
        """Have those that cannot be imported from outside the sandbox; returns the others."""
        near = tuple(local_ones(found, self.local))
        self.beside.update(dict.fromkeys(spread(near, self.local)))
        self.moved = self.moved or any(moves(one.module, self.local) for one in near)
        return tuple(one for one in found if one not in near and not is_setup(one))

    def modules(self) -> list[Copied]:
        """The modules to copy from, each after those that it needs itself."""
        made: dict[str, Copied] = {}
        wanted: dict[str, set[str]] = {}
        waiting = [*self.beside]
        while waiting:
            one = waiting.pop(0)
            names = wanted.setdefault(one.module, set())
            if one.name and one.name not in names:
                names.add(one.name)
                part = copied(one.module, frozenset(names), self.local)
                made[one.module] = part
                waiting += part.local
        return _in_order(made)

    def bound(self, modules: list[Copied]) -> frozenset[str]:
        """The names that stand above the cells."""
        names = {one.bound for one in self.imports.values() if one.module != FUTURE}
        names |= {one.bound for one in self.beside}
        names |= {*self.paths} | {*(["display"] if self.display else [])}
        for module in modules:
            names |= module.bound | {one.bound for one in (*module.imports, *module.local)}
            names |= module.places
        return frozenset(names | (PLACES if self.places else set()))

    def code(self, modules: list[Copied], sandbox: str) -> list[str]:
        """The pieces of the script above the cells, in their order."""
        places = bool(self.paths) or self.places or any(module.places for module in modules)
        copied_too = [one for part in modules for one in part.imports]
        everything = [*self.imports.values(), *(one for one in copied_too if not is_display(one))]
        lines = dict.fromkeys([*([IMPORT] if places else []), *(one.text for one in everything)])
        future = [line for line in lines if line.startswith(f"from {FUTURE} ")]
        pieces = ["\n".join(future), "\n".join(line for line in lines if line not in future)]
        pieces += [places_code(sandbox)] if places else []
        pieces += [f"{name} = {PATHS}" for name in self.paths]
        pieces += [DISPLAY] if self.display or any(map(is_display, copied_too)) else []
        for part in modules:
            pieces.append(
                f"# %% From {part.module}.py of the sandbox\n{part.text}" if part.text else ""
            )
            pieces.append(_aliases(part.local))
        return [piece for piece in (*pieces, _aliases(tuple(self.beside))) if piece]


def _in_order(made: dict[str, Copied]) -> list[Copied]:
    ordered: dict[str, Copied] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        for one in made[name].local:
            if one.module not in (*above, name):
                add(one.module, (*above, name))
        ordered.setdefault(name, made[name])

    for name in made:
        add(name, ())
    return [*ordered.values()]


def _aliases(found: tuple[Imported, ...]) -> str:
    lines = (f"{one.bound} = {one.name}" for one in found if one.bound != one.name)
    return "\n".join(dict.fromkeys(lines))
