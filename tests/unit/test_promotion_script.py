"""From chosen cells to one script: imports, folders, copied code, options, names that are missing."""

import argparse
import ast
import enum
import heapq
import inspect
import pprint
import random
import shlex
import tempfile
import textwrap
import time
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.domain.errors import SandboxError
from aexp.domain.ipynb import Cell, Notebook
from aexp.domain.promotion.choosing import chosen
from aexp.domain.promotion.header import Provenance
from aexp.domain.promotion.parameters import parameter_in
from aexp.domain.promotion.places import places_code
from aexp.domain.promotion.script import Order, Script, script_of
from aexp.domain.sandbox_starter import SETUP
from aexp.domain.sandbox_texts import HELPERS

SANDBOX = "notebooks/_sandbox/2026-11-23_probe"


def book(*sources: str) -> Notebook:
    """Cells `c1`, `c2`, ...; one that begins with ``P:`` is the cell of parameters, with ``M:`` text."""
    kinds = {"P:": ("code", ("parameters",)), "M:": ("markdown", ())}
    return Notebook(
        tuple(
            Cell(f"c{number}", *_parts(source, kinds)) for number, source in enumerate(sources, 1)
        )
    )


def _parts(
    source: str, kinds: Mapping[str, tuple[str, tuple[str, ...]]]
) -> tuple[str, str, tuple[str, ...]]:
    kind, tags = kinds.get(source[:2], ("code", ()))
    return kind, source[2:] if source[:2] in kinds else source, tags


def make(
    *sources: str,
    cells: str = "1-",
    local: Mapping[str, str] | None = None,
    parameters: tuple[str, ...] | None = None,
) -> Script:
    notebook = book(*sources)
    picked = chosen(notebook, cells=cells)
    return script_of(Order(notebook, picked, SANDBOX, local or {}, parameters, "About"))


def lines(script: Script) -> list[str]:
    return [line for line in script.text.splitlines() if line.strip()]


def body(script: Script) -> list[str]:
    return [line for line in lines(script) if not line.startswith("# %%")]


def run(script: Script) -> dict[str, object]:
    """What the script binds, imported from a repository at /repo."""
    names: dict[str, object] = {"__name__": "promoted", "__file__": "/repo/scripts/x.py"}
    text = script.text.replace(places_code(SANDBOX), 'REPO_ROOT, SANDBOX_DIR = "root", "sandbox"')
    exec(compile(text, "x.py", "exec"), names)  # noqa: S102
    return names


def test_cells_stand_below_their_numbers_and_text_becomes_comments() -> None:
    script = make("x = 1\n", "M:# Title\n\nof *it*", "y = x\ny")

    assert script.text == (
        "# %% Cell 1 (c1)\nx = 1\n\n\n# %% [markdown] Cell 2 (c2)\n# # Title\n#\n# of *it*\n\n\n"
        "# %% Cell 3 (c3)\ny = x\ny\n"
    )
    assert (script.undefined, script.warnings, script.options) == ((), (), ())


def test_imports_go_to_the_top_once_and_in_their_order() -> None:
    script = make(
        "import math as m, json\nx = 1; import os",
        "from __future__ import annotations\nimport json\nimport math as m  # again\nm.pi",
    )

    assert body(script) == [
        "from __future__ import annotations",
        *("import math as m", "import json", "import os", "x = 1", "m.pi"),
    ]


@pytest.mark.parametrize(
    ("cell", "stays"),
    [
        ("import sys\nsys.path.insert(0, 'src')\nimport mine", "import mine"),
        ("import os\nos.environ['A'] = '1'\nimport torch", "import torch"),
        ("e = 5\nfrom math import e", "from math import e"),
        ("from math import e\nfrom cmath import e", "from cmath import e"),
        ("import a.b as c\nimport d as c", "import d as c"),
        ("from math import *", "from math import *"),
        (
            "try:\n    import torch\nexcept ImportError:\n    torch = None\nimport torch",
            "import torch",
        ),
        ("if 1:\n    import os", "    import os"),
        ("import json\njson.dumps(1)\ndel json\nimport json\njson.dumps(2)", "import json"),
        ("from os import environ\nenviron['A'] = '1'\nimport torch", "import torch"),
    ],
)
def test_an_import_that_would_mean_something_else_at_the_top_stays(cell: str, stays: str) -> None:
    script = make(cell)

    _, inside = script.text.split("# %% Cell 1 (c1)\n")
    assert stays in inside.splitlines()


def test_a_cell_of_imports_alone_leaves_nothing_behind() -> None:
    assert make("import os", "x = os.sep").text == "import os\n\n\n# %% Cell 2 (c2)\nx = os.sep\n"


def test_a_variable_may_be_called_like_a_future_feature() -> None:
    cells = "x = 1", "from __future__ import annotations\nannotations = [x]"
    script = make(*cells, "from mod import f", local={"mod": f"{cells[1][:34]}\ndef f(): pass"})

    assert script.text.startswith("from __future__ import annotations\n")
    assert run(script)["annotations"] == [1]


def test_two_imports_of_one_package_both_go_up() -> None:
    assert body(make("import os.path\nx = 1", "import os"))[:2] == ["import os.path", "import os"]


def test_what_a_cell_above_says_of_the_future_holds_for_the_cells_below() -> None:
    cells = "from __future__ import annotations", "def f(x: Later): pass", "class Later: pass"
    later = make(*cells, "from __future__ import generators", cells="2-3")

    assert later.undefined == ()
    assert later.text.startswith("from __future__ import annotations\n\n\n# %%")
    assert [one.name for one in make(*cells[1:], cells="1-2").undefined] == ["Later"]


def test_an_annotation_that_is_not_evaluated_brings_its_import_all_the_same() -> None:
    future = "from __future__ import annotations"
    cell = "async def f(*a: np.ndarray) -> np.ndarray:\n    b: np.ndarray = a"

    assert "import numpy as np" in body(make(f"{future}\nimport numpy as np", cell, cells="2"))


def test_an_import_of_another_cell_is_brought_when_it_is_needed() -> None:
    script = make("import math, json", "x = 0", "y = math.pi", "import math as wrong", cells="3")

    assert body(script) == ["import math", "y = math.pi"]


def test_the_nearest_cell_above_decides_what_a_name_is() -> None:
    script = make("import math", "math = 3", "y = math", cells="3")

    assert [one.name for one in script.undefined] == ["math"]
    assert str(script.undefined[0]) == (
        "`math` in cell 3 (c3) is not defined here; cell 1 (c1) and cell 2 (c2) define it"
    )


@pytest.mark.parametrize(
    ("sources", "cells", "told"),
    [
        (("x = 1", "y = x"), "2", "`x` in cell 2 (c2) is not defined here; cell 1 (c1) defines it"),
        (("y = x", "x = 1"), "1-2", "cell 2 (c2) defines it, further down"),
        (("a = 1", "y = x", "x = 1"), "1-3", "cell 3 (c3) defines it, further down"),
        (("def f(): return x", "x = 1"), "1", "cell 2 (c2) defines it, further down"),
        (("y = _",), "1", "no cell defines it"),
        (("x = !ls", "y = x"), "1-2", "no cell defines it"),
        (("df = df.dropna()",), "1", "`df` in cell 1 (c1)"),
        (("from numpy import *", "y = ones"), "1-2", "unless the `import *` in cell 1 (c1) does"),
    ],
)
def test_a_name_that_is_missing_is_told_with_the_cell_that_has_it(
    sources: tuple[str, ...], cells: str, told: str
) -> None:
    (missing,) = make(*sources, cells=cells).undefined

    assert told in str(missing)


def test_what_a_function_needs_may_be_defined_below_it() -> None:
    assert make("def f(): return x", "x = 1", "f()").undefined == ()


def test_display_is_stood_in_for() -> None:
    script = make("display([1], raw=True)")

    assert "def display(*objects, **_):" in script.text
    assert script.undefined == ()


@pytest.mark.parametrize("chosen_too", [True, False])
def test_an_import_of_display_is_none_of_ipython(chosen_too: bool) -> None:
    cells = "from IPython.display import display, HTML", "display([1])"
    script = make(*cells, cells="1-" if chosen_too else "2")

    assert "def display(*objects, **_):" in script.text
    assert "import display" not in script.text
    assert ("from IPython.display import HTML" in script.text) is chosen_too
    module = "from IPython.display import display\ndef show(x): display(x)\n"
    assert "IPython" not in make("from mod import show\nshow(1)", local={"mod": module}).text
    with pytest.raises(SandboxError, match="`display` is one thing in"):
        make(*cells, "from mod import display", local={"mod": "def display(x): pass"})


def test_the_set_up_cell_becomes_the_folders() -> None:
    script = make(SETUP, "at = paths['repo_root'], SANDBOX_DIR", local={"helpers": HELPERS})

    assert "setup_sandbox_notebook" not in script.text
    assert f'SANDBOX_DIR = REPO_ROOT / "{SANDBOX}"' in script.text
    assert run(script)["at"] == ("root", "sandbox")
    assert "helpers" not in script.text


def test_a_set_up_cell_that_was_not_chosen_gives_what_is_needed() -> None:
    script = make(
        SETUP, "at = paths['sandbox_dir'], REPO_ROOT", cells="2", local={"helpers": HELPERS}
    )

    assert run(script)["at"] == ("sandbox", "root")
    assert "pathlib" not in make(SETUP, "x = 1", cells="2", local={"helpers": HELPERS}).text


MODULE = '''\
"""Docs."""
import math
import json
from deep import base as b
from helpers import SANDBOX_DIR

# How much.
SCALE = 3
OTHER = 4


def used(x):
    return _inner(x) * SCALE + math.floor(b)


def _inner(x): return x


def unused():
    return json

print("loaded", SANDBOX_DIR)
'''


def test_what_cells_take_from_a_module_beside_them_is_copied_with_what_it_needs() -> None:
    local = {"mod": MODULE, "deep": "base = 2.5\n", "helpers": HELPERS}

    script = make("from mod import used as u\nx = u(2)", local=local)

    assert run(script)["x"] == 8
    for there in (
        "# How much.",
        "SCALE = 3",
        "def _inner",
        "import math",
        'print("loaded"',
        "base = 2.5",
    ):
        assert there in script.text
    for gone in ("OTHER", "unused", "json", "Docs", "from mod", "from deep", "from helpers"):
        assert gone not in script.text


def test_a_star_from_a_module_beside_brings_its_public_names() -> None:
    script = make(
        "from mod import *\nx = a + f()", local={"mod": "a = 1\n_b = 2\ndef f(): return _b\n"}
    )

    assert run(script)["x"] == 3


def test_a_name_that_a_module_imports_itself_can_be_taken_from_it() -> None:
    local = {"mod": "import math\nfrom deep import base\n", "deep": "base = 2"}

    assert run(make("from mod import math, base\nx = math.floor(base)", local=local))["x"] == 2


def test_a_module_stands_below_those_that_it_needs() -> None:
    local = {"a": "A = 1", "b": "from a import A\nB = A + 1", "c": "from b import B\nC = B + 1"}

    for cell in (
        "from a import A\nfrom c import C\nx = C",
        "from c import C\nfrom a import A\nx = C",
    ):
        assert run(make(cell, local=local))["x"] == 3


def test_modules_that_need_each_other_are_both_copied() -> None:
    local = {"a": "from b import g\ndef f(): return g", "b": "from a import f\ndef g(): return f"}

    assert {"f", "g"} <= {*run(make("from a import f", local=local))}


def test_what_a_module_puts_on_a_list_by_a_decorator_is_copied() -> None:
    module = (
        "import functools\nALL = []\ndef keep(f):\n    ALL.append(f.__name__)\n    return f\n"
        "@keep\ndef a(): pass\n@functools.cache\ndef b(): pass\n"
    )
    script = make("from mod import ALL", local={"mod": module})

    assert run(script)["ALL"] == ["a"]
    assert "def b" not in script.text


def test_what_a_module_does_to_imports_comes_before_those_behind_it() -> None:
    module = "import os\nos.environ['A_B'] = '1'\nimport string\nimport heapq\nS = string.digits\n"
    script = make(
        "import json\nfrom mod import S\nimport math", "math.pi, json", local={"mod": module}
    )

    assert lines(script) == [
        *("import json", "import os", "# %% From mod.py of the sandbox", "os.environ['A_B'] = '1'"),
        *("import string", "S = string.digits", "# %% Cell 1 (c1)", "import math"),
        *("# %% Cell 2 (c2)", "math.pi, json"),
    ]
    assert script.undefined == ()
    assert "import heapq" not in script.text


def test_a_value_that_a_cells_function_changes_is_missed_where_its_cell_was_not_chosen() -> None:
    notebook = ("n = 0", "def f():\n    global n\n    n += 1\nf()", "print(n)")

    assert [str(one) for one in make(*notebook, cells="2-3").undefined] == [
        "`n` in cell 2 (c2) is not defined here; cell 1 (c1) defines it"
    ]
    assert make(*notebook).undefined == ()


@pytest.mark.parametrize(
    ("cell", "module", "words"),
    [
        ("import mod", "a = 1", "takes a module out of the sandbox"),
        ("import mod.deep", "", "out of the package mod in the sandbox"),
        ("from mod import a", "", "out of the package mod in the sandbox"),
        ("from mod.deep import a", "", "Move mod out of the sandbox"),
        ("from mod.deep import a", "a = 1", "takes a module out of the sandbox"),
        ("from . import a", "a = 1", "takes a module out of the sandbox"),
        ("from mod import b", "a = 1", "mod.py of the sandbox has no 'b'"),
        ("def f():\n    from mod import a", "a = 1", r"in cell 1 \(c1\) stands inside a function"),
        ("from mod import a", "def a():\n    import mod", r"in mod\.py stands inside a function"),
        ("from mod import a", "a = Path(__file__)", "uses `__file__`"),
        (
            "from mod import a, b",
            "a = 1\ndef b():\n    global a\n    a = 2",
            "`a` of mod.py is given another",
        ),
        (
            "from mod import a, b",
            "from near import c as a\ndef b(): return a\n",
            "is given another value",
        ),
        ("from mod import a", "a = = 1", r"mod\.py, line 1 is not Python"),
        ("from mod import a\nb = 2", "a = 1\nb = 3\nprint(b)", "`b` is one thing in mod.py"),
        ("from mod import a\na = 2", "a = 1", "`a` is one thing in mod.py"),
        ("a = 2\nfrom mod import c as a", "c = 1", "`a` is one thing in"),
        ("from mod import a\nimport x.y as np", "import np\na = np", "`np` is one thing in mod.py"),
        ("from mod import _Path", "_Path = 1", "the script's own lines"),
    ],
)
def test_what_cannot_be_copied_faithfully_is_refused(cell: str, module: str, words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        make(cell, local={"mod": module, "near": "c = 1\ndef d():\n    global c\n    c = 2\nd()"})


def test_a_value_that_a_modules_function_changes_is_copied_when_nothing_else_asks_for_it() -> None:
    module = "a = 1\ndef b():\n    global a\n    a += 1\n    return a"

    function = make("from mod import b\nb()", local={"mod": module})
    value = make("from mod import a\na", local={"mod": module})

    assert lines(function)[1:3] == ["a = 1", "def b():"]
    read_only = make(
        "from mod import a, c\nc()", local={"mod": "a = 1\ndef c():\n    global a\n    return a"}
    )

    assert run(read_only)["a"] == 1
    assert lines(value)[1] == "a = 1"
    assert "global a" not in value.text


def test_parameters_become_options_and_keep_their_comments() -> None:
    script = make(
        "P:# What varies.\nlr = 0.1  # of 100%\nwarm_up: int = -3\nn, m = 1, 2\ntotal = warm_up * 2\n",
        "x = lr",
        cells="2",
    )

    assert script.options == ("--lr", "--warm-up")
    assert 'help="of 100%% (default: %(default)r)"' in script.text
    assert "lr = _options.lr  # of 100%" in script.text
    assert "warm_up: int = _options.warm_up" in script.text
    assert (run(script)["lr"], run(script)["total"]) == (0.1, -6)


@pytest.mark.parametrize(
    ("value", "typed", "read"),
    [
        ("1", "--a 2", 2),
        ("0.1", "--a 1", 1.0),
        ("'x'", "--a 5", "5"),
        ("True", "--no-a", False),
        ("False", "--a", True),
        ("None", "--a 3", 3),
        ("None", "--a three", "three"),
        ("None", "--a {b", "{b"),
        ("1.0", "--a -1e-3", -0.001),
        ("1.0", "--a -.5E2", -50.0),
        ("[0.5]", "--a -1e-3 2 -3e4", [-0.001, 2.0, -30000.0]),
        ("None", "--a -1e-3", -0.001),
        ("(1, 2)", "--a -1e-3", -0.001),
        ("None", "", None),
        ("[1, 2]", "--a 3 4 5", [3, 4, 5]),
        ("[1, 0.5]", "--a 3", [3.0]),
        ("['x']", "--a", []),
        ("[]", "--a [1]", [1]),
        ("[[1]]", "--a [[2]]", [[2]]),
        ("(1, 2)", "--a (3,)", (3,)),
        ("{'k': 1}", "--a {'k':2}", {"k": 2}),
        ("{'größe'}", "", {"größe"}),
        ("'a\"\\n%'", "", 'a"\n%'),
        ("-1", "--a -2", -2),
    ],
)
def test_options_are_read_as_the_literals_kind(
    value: str, typed: str, read: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = make(f"P:a = {value}", "b = a")
    monkeypatch.setattr("sys.argv", ["x.py", *typed.split()])

    assert run(script)["b"] == ast.literal_eval(value)
    as_program = script.text.replace("run = __name__", 'run = "__main__"')
    assert run(Script(as_program, (), (), ()))["b"] == read


@pytest.mark.parametrize("default", ["{'k': 1}", "(1, 2)", "[]", "[1, 'x']", "{1}"])
@pytest.mark.parametrize("typed", ["{b", "('a',", "name", "", "f()", "\x00"])
def test_what_is_no_value_is_an_error_where_the_default_is_one(
    default: str, typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["x.py", "--a", typed])
    as_program = make(f"P:a = {default}", "b = a").text.replace(
        "run = __name__", 'run = "__main__"'
    )

    with pytest.raises(SystemExit):
        run(Script(as_program, (), (), ()))
    told = capsys.readouterr().err
    assert f"argument --a: no value as Python writes it: {typed!r}\n" in told


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("2**5", 32), ("1 / 3", 1 / 3), ("10 * 1024", 10240), ("-(1 - 3)", 2), ("2 ** -1", 0.5)),
        *(
            ("1 << 20", 1 << 20),
            ("7 // 2 % 2", 1),
            ("[2**5, 1e3 * 2]", [32, 2000.0]),
            ("3 - 4", -1),
        ),
        *(("{'a': (2 + 3,)}", {"a": (5,)}), ("0.1 + 0.2", 0.1 + 0.2), ("--5", 5)),
    ],
)
def test_a_calculation_with_numbers_becomes_an_option_with_what_it_gives(
    written: str, value: object
) -> None:
    script = make(f"P:a = {written}", "b = a")

    assert (script.options, script.warnings) == (("--a",), ())
    assert f"default={value!r}" in script.text
    assert run(script)["b"] == value


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2 ** 10**9",
            "1 << 10**9",
            "9**9**9**9",
            "1e308 * 10",
            "1e999 - 1e999",
            "1 // 0",
            "(-1) ** 0.5",
        ),
        *("'a' * 10**9", "[0] * 10**9", "True + 1", "n + 1", "max(1, 2)"),
    ],
)
def test_what_is_no_calculation_of_a_common_size_is_left_as_it_is(written: str) -> None:
    begin = time.process_time()
    script = make("n = 1", f"P:a = {written}")

    assert time.process_time() - begin < 1
    assert script.options == ()
    assert f"a = {written}" in script.text
    (note,) = script.warnings
    assert note == (
        "cell 2 (c2), line 1 makes no option of `a`: only `name = value` with a plain value does"
    )


def test_what_of_the_parameters_becomes_no_option_is_told_unless_options_were_named() -> None:
    cells = "P:import os\nx, y = 1, 2\na = b = 3\nlr = 1\nlr = 2\nz: int\nos.sep"

    assert make(cells).warnings == (
        "cell 1 (c1), line 2 makes no option of `x`, `y`: only `name = value` with a plain value does",
        "cell 1 (c1), line 3 makes no option of `a`, `b`: only `name = value` with a plain value does",
        "cell 1 (c1) sets `lr` again, and --lr counts for nothing from there on",
    )
    assert "no option" not in "".join(make(cells, parameters=("lr",)).warnings)


@pytest.mark.parametrize(
    "call",
    [
        *("open('data/x.csv')", "Path('out')", "pathlib.Path('out') / 'a'", "pd.read_csv('x.csv')"),
        *("open(f'x-{n}.csv', 'w')", "df.to_parquet('x.parquet')"),
        *("np.load('a.npy')", "torch.save(n, 'model.pt')", "plt.savefig('a.png')"),
        *(
            "Image.open('a.png')",
            "os.makedirs('out')",
            "h5py.File('a.h5', 'r')",
            "pl.scan_csv('x.csv')",
        ),
    ],
)
def test_a_relative_path_is_told_with_its_line(call: str) -> None:
    (note,) = make(
        f"n = pathlib = pd = df = np = torch = plt = Image = os = h5py = pl = Path = 1\n{call}"
    ).warnings

    assert note.startswith("cell 1 (c1), line 2 has a relative path, ")
    assert note.endswith(": it counts from the folder in which the script is started")


@pytest.mark.parametrize(
    "call",
    [
        *(
            "open('/data/x.csv')",
            "Path('~/x')",
            "open(SANDBOX / 'x.csv')",
            "pd.read_csv('s3://b/x.csv')",
        ),
        *(
            "SANDBOX / Path('out')",
            "(SANDBOX / 'x').open('w')",
            "hub.load('pytorch/vision', 'resnet')",
        ),
        *(
            "x.to('cuda')",
            "json.load(f)",
            "Path()",
            "open(name)",
            "print('a.txt')",
            "f(f'{n}/x.csv')",
        ),
        *(
            "x.write_text('a.txt')",
            "x.read_text('utf-8')",
            "pd.read_sql('SELECT 1', n)",
            "x.open('rb')",
        ),
    ],
)
def test_what_is_no_relative_path_is_not_told(call: str) -> None:
    assert make(f"SANDBOX = Path = pd = hub = x = json = f = n = name = 1\n{call}").warnings == ()


def test_who_uses_the_folder_of_the_sandbox_is_told() -> None:
    module = f"{HELPERS}\ndef data(): return SANDBOX_DIR / 'x'\ndef root(): return REPO_ROOT\n"
    cells = (SETUP, "a = SANDBOX_DIR / 'a'", "b = paths['sandbox_dir']", "c = REPO_ROOT")
    use = "uses SANDBOX_DIR: what is read or written there is found only while the sandbox stays where it is"

    def told(*sources: str, chosen: str = "1-") -> tuple[str, ...]:
        return make(*sources, cells=chosen, local={"helpers": module}).warnings

    assert told(*cells) == (f"cell 2 (c2) {use}", f"cell 3 (c3) {use}")
    assert told(*cells, chosen="2") == (f"cell 2 (c2) {use}",)
    assert told("from helpers import data\ndata()") == (f"helpers.py {use}",)
    assert (
        told("from helpers import root\nroot()", SETUP, "d = paths['repo_root'], REPO_ROOT") == ()
    )
    assert told("SANDBOX_DIR = '/data'\nSANDBOX_DIR") == ()


@pytest.mark.parametrize(
    ("line", "typed", "read"),
    [
        ("a: float = 1", "--a 0.5", 0.5),
        ("a: 'float | None' = 1", "--a 0.5", 0.5),
        ("a: list[float] = [1, 2]", "--a 0.5", [0.5]),
        ("a: float = 1", "", 1),
    ],
)
def test_a_whole_number_that_is_said_to_be_a_float_takes_any_number(
    line: str, typed: str, read: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["x.py", *typed.split()])
    as_program = make(f"P:{line}", "b = a").text.replace("run = __name__", 'run = "__main__"')

    found = run(Script(as_program, (), (), ()))["b"]
    assert (found, type(found)) == (read, type(read))


def test_only_named_variables_become_options_and_they_may_stand_in_any_chosen_cell() -> None:
    script = make("P:lr = 0.1\nseed = 0", "steps = 10\nx = steps", parameters=("seed", "steps"))

    assert script.options == ("--seed", "--steps")
    assert "lr = 0.1" in script.text


@pytest.mark.parametrize("name", ["missing", "t"])
def test_a_named_variable_without_a_plain_value_is_refused_with_those_that_have_one(
    name: str,
) -> None:
    with pytest.raises(SandboxError, match="could be options: lr, seed"):
        make("P:lr = 0.1\nseed = 0\nt = lr * 2", parameters=(name,))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("help = 1", "the script's own help"),
        ("_a = 1\na = 2", "would be the option --a"),
        ("a_b = 1\na_b_ = 2", "would be the option --a-b"),
        ("x = True\nno_x = 1", "would be the option --no-x"),
        ("_ = 1", "no name at all"),
    ],
)
def test_options_that_get_in_each_others_way_are_refused(cell: str, words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        make(f"P:{cell}")


def test_an_option_whose_variable_is_set_again_is_warned_of() -> None:
    (warning,) = make("P:seed = 0", "seed = 1\nx = seed").warnings

    assert warning == "cell 2 (c2) sets `seed` again, and --seed counts for nothing from there on"


def test_a_variable_called_like_ours_keeps_its_name() -> None:
    script = make("P:_options = 1\nlr = 2", "x = _options, lr")

    assert run(script)["x"] == (1, 2)


def test_what_does_not_run_is_warned_of_with_its_line() -> None:
    script = make("x = 1\n!ls", "import sys\nsys.path.append('x')", "%time y = 1", cells="1,3")

    assert script.warnings == (
        "cell 1 (c1), line 2 does not run in the script: !ls",
        "cell 2 (c2) was not chosen, and changes how imports work: sys.path.append('x')",
    )


def test_what_other_cells_may_stand_on_is_told_first_and_what_is_only_taken_off_not_at_all() -> (
    None
):
    script = make("!ls", "%env A=1\n%cd /data", "%%time\nx = 1", "%%capture\ny = 2", "%time z = 3")

    assert script.warnings == (
        "cell 2 (c2), line 1 does not run in the script, and what comes below may give something else: "
        "%env A=1",
        "cell 2 (c2), line 2 does not run in the script, and what comes below may give something else: "
        "%cd /data",
        "cell 1 (c1), line 1 does not run in the script: !ls",
    )
    assert {"x", "y", "z"} <= {*run(script)}


def test_a_cell_that_cannot_be_read_matters_only_when_it_is_chosen() -> None:
    assert make("x = = 1", "y = 1", cells="2").undefined == ()
    with pytest.raises(SandboxError, match="Cell 1"):
        make("x = = 1", "y = 1")


@pytest.mark.parametrize(
    "module", [argparse, textwrap, tempfile, random, enum, heapq, shlex, pprint]
)
def test_every_statement_of_real_code_is_in_the_script_as_it_was(module: ModuleType) -> None:
    source = inspect.getsource(module)
    tree = ast.parse(source)
    starts = [0, *(_start(one) for one in tree.body[2::3]), None]
    lines = source.split("\n")
    cells = ["\n".join(lines[first:last]) for first, last in pairwise(starts)]

    script = make(*cells)

    assert without_imports(ast.parse(script.text)) == without_imports(tree)
    assert script.undefined == ()
    assert script.warnings == ()


def _start(statement: ast.stmt) -> int:
    marks: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(mark.lineno for mark in marks)]) - 1


def without_imports(tree: ast.Module) -> list[str]:
    return [ast.dump(one) for one in tree.body if not isinstance(one, ast.Import | ast.ImportFrom)]


def test_a_cell_whose_id_is_code_cannot_write_any() -> None:
    notebook = Notebook((Cell("a\nraise SystemExit", "code", "x = 1"),))

    script = script_of(Order(notebook, chosen(notebook, cells="1"), SANDBOX, {}, None, "About"))
    origin = Provenance("n", "0", "c", ("a\nraise SystemExit",), None, date(2026, 11, 25), "aexp")

    assert run(Script(origin.header() + script.text, (), (), ()))["x"] == 1


def test_the_same_cells_give_the_same_text() -> None:
    sources = (SETUP, "P:a = {'x', 'y', 'z'}", "from mod import used\nused(REPO_ROOT)\nq = _w")
    local = {"helpers": HELPERS, "mod": MODULE, "deep": "base = 1"}

    assert len({make(*sources, local=local).text for _ in range(3)}) == 1


def test_the_header_has_a_fact_a_line_and_nothing_acts_on_a_terminal() -> None:
    origin = Provenance(
        "a\x1b.ipynb", "00ff", "abc", ("c1", "2"), "E012", date(2026, 11, 25), "aexp 1"
    )

    assert origin.header() == (
        "# Promoted from a notebook of a sandbox.\n#\n# Notebook:   a\\x1b.ipynb\n# SHA-256:    00ff\n"
        "# Commit:     abc\n# Cells:      c1, 2\n# Experiment: E012\n# Date:       2026-11-25\n"
        "# Made by:    aexp 1\n\n"
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=2),
        max_leaves=5,
    )
)  # fmt: skip
def test_any_plain_value_is_the_default_of_its_option(value: object) -> None:
    script = make(f"P:a = {value!r}", "b = a")

    assert script.options == ("--a",)
    assert run(script)["b"] == value
    (statement,) = ast.parse(f"a = {value!r}").body
    assert parameter_in(statement)
