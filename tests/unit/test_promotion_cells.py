"""From single cells to Python: which ones, what IPython alone understands, and which names they need."""

import ast

import pytest

from aexp.domain.errors import SandboxError
from aexp.domain.ipynb import Cell, Notebook
from aexp.domain.promotion.cells import code_of
from aexp.domain.promotion.choosing import Picked, chosen, without_mark
from aexp.domain.promotion.experiments import check_experiment, experiments_in, script_name
from aexp.domain.promotion.magics import plain_python
from aexp.domain.promotion.names import _of_comprehensions, names_of
from aexp.domain.promotion.parsing import parse, rewritten

BOOK = Notebook(
    (
        Cell("setup", "code", "import os"),
        Cell("title", "markdown", "# Title"),
        Cell("params", "code", "seed = 0", ("parameters",)),
        Cell("data", "code", "# a comment\n#| export\nx = 1", ("promote", "slow")),
        Cell("7", "code", "y = 2", ("promote",)),
        Cell("4-5", "code", "z = 3"),
        Cell("raw", "raw", "not code", ("promote",)),
        Cell(None, "code", "   "),
    )
)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ("4", [3, 4]),
        ("2-4", [2, 3, 4]),
        ("6,4", [3, 4, 6]),
        ("data", [3, 4]),
        (" data , 5 ", [3, 4, 5]),
        ("4-5", [3, 6]),
        ("5-", [3, 5, 6, 8]),
        ("1", [1, 3]),
        ("6-7", [3, 6]),
    ],
)
def test_cells_are_chosen_by_number_range_and_id(cells: str, numbers: list[int]) -> None:
    assert [one.number for one in chosen(BOOK, cells=cells)] == numbers


def test_cells_are_chosen_by_tag_and_by_the_comment_that_exports_them() -> None:
    assert [one.number for one in chosen(BOOK, tag="promote")] == [3, 4, 5]
    assert [one.number for one in chosen(BOOK)] == [3, 4]


@pytest.mark.parametrize("mark", ["#| export", "#|export", "# | export ", "#| exporti"])
def test_the_mark_for_export_is_taken_out(mark: str) -> None:
    assert without_mark(f"{mark}\nx = 1") == "x = 1"
    assert without_mark(f"# a\n{mark}\nx = '''\n{mark}\n'''") == f"# a\nx = '''\n{mark}\n'''"
    assert chosen(Notebook((Cell("a", "code", f"{mark}\nx = 1"),)))


def test_the_mark_counts_only_above_the_code() -> None:
    with pytest.raises(SandboxError, match="No cell begins"):
        chosen(Notebook((Cell("a", "code", "x = 1\n#| export"),)))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("9", "the notebook has 8, counted from 1"),
        ("0", "counted from 1"),
        ("5-4", "smaller number first"),
        ("nowhere", "no cell 'nowhere'"),
        ("9" * 5000, "no cell '999"),
        ("a\x1b", r"a\\x1b"),
        ("2", "No cell of code is among"),
        ("", "No cell of code is among"),
        ("7", "No cell of code is among"),
    ],
)
def test_cells_that_are_not_there_are_refused(cells: str, words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        chosen(BOOK, cells=cells)


def test_a_tag_that_no_cell_has_is_refused_with_the_cells_there_are() -> None:
    with pytest.raises(SandboxError, match=r"cell 4 \(data\)"):
        chosen(BOOK, tag="missing")


@pytest.mark.parametrize(
    ("cell", "python", "gone"),
    [
        ("x = 1", "x = 1", 0),
        ("%matplotlib inline\nx", "# %matplotlib inline\nx", 1),
        ("!pip install x", "# !pip install x", 1),
        ("!ls \\\n  -l\nx", "# !ls \\\n#   -l\nx", 2),
        ("files = !ls", "# files = !ls", 1),
        ("a, b = %sql x", "# a, b = %sql x", 1),
        ("d['k'][0] = !ls", "# d['k'][0] = !ls", 1),
        ("d['a=%s'] = 1", "d['a=%s'] = 1", 0),
        ("x = %time f()", "x = f()  # %time", 0),
        ("\n  x = 1\n  if x:\n    !ls", "\nx = 1\nif x:\n  pass  # !ls", 1),
        ("x?", "# x?", 1),
        ("?np.mean", "# ?np.mean", 1),
        ("np.mean??", "# np.mean??", 1),
        ("/f 1", "# /f 1", 1),
        ("if a:\n    !ls\nb", "if a:\n    pass  # !ls\nb", 1),
        ("%time x = f()", "x = f()  # %time", 0),
        ("%%time\nx = f()", "# %%time\nx = f()", 0),
        ("%%bash\nls\n\nx", "# %%bash\n# ls\n#\n# x", 1),
        ("\n%%timeit\nx = 1", "#\n# %%timeit\n# x = 1", 1),
        ("x = (a\n% b)", "x = (a\n% b)", 0),
        ("x = a \\\n% b", "x = a \\\n% b", 0),
        ('x = """\n%no\n!no\n"""\n!yes', 'x = """\n%no\n!no\n"""\n# !yes', 1),
        ("x = '''it's\n!no'''\n!yes", "x = '''it's\n!no'''\n# !yes", 1),
        ("x = 'it\\'s (' # don't (\n!yes", "x = 'it\\'s (' # don't (\n# !yes", 1),
        ("print('a=%s' % a)", "print('a=%s' % a)", 0),
        ("a = b if c else d  # why?", "a = b if c else d  # why?", 0),
        ("x = 1\r\n!ls\r\n", "x = 1\n# !ls\n", 1),
    ],
)
def test_what_only_ipython_understands_is_commented_out(cell: str, python: str, gone: int) -> None:
    text, told = plain_python(cell)

    assert (text, len(told)) == (python, gone)


def test_what_asks_ipython_is_commented_out_as_well() -> None:
    cell = "shell = get_ipython()\nif 1:\n    get_ipython().run_line_magic('a', 'b')\nx = 1  # one"

    code = code_of(Picked(2, Cell("a", "code", cell)))

    assert code.text == (
        "# shell = get_ipython()\n# if 1:\n#     get_ipython().run_line_magic('a', 'b')\nx = 1  # one"
    )
    assert [(one.line, one.text) for one in code.commented_out] == [
        (1, "shell = get_ipython()"),
        (2, "if 1:"),
    ]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("x = 1\nx = = 2", r"Cell 2 \(a\), line 2 is not Python"),
        ("return 1", "is not Python"),
        ("await f()", "`await` outside of a function"),
        ("async with f():\n    pass", "outside of a function"),
        ("x = '\0'", "cannot be read as Python|is not Python"),
        ("x = '\ud800'", "cannot be read as Python"),
        ("(" * 5000 + ")" * 5000, "not Python|cannot be read"),
    ],
)
def test_a_cell_that_is_not_python_is_refused_with_its_place(cell: str, words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        code_of(Picked(2, Cell("a", "code", cell)))


@pytest.mark.parametrize(
    ("text", "bound", "now", "later"),
    [
        ("x = 1", "x", "", ""),
        ("df = df.dropna()", "df", "df", ""),
        ("x = 1\ny = x", "x y", "", ""),
        ("y = x\nx = 1", "x y", "x", ""),
        ("n += 1", "n", "n", ""),
        ("def f(a, b=c):\n    return a + d", "f", "c", "d"),
        ("def f():\n    return f()", "f", "", ""),
        ("def f():\n    return g()\ndef g(): pass", "f g", "", ""),
        ("def f():\n    global n\n    n = 1", "f n", "", ""),
        ("z = [a for a in b]", "z", "b", ""),
        ("z = [[a for a in b] for b in c if d]", "z", "c d", ""),
        ("z = [a for a in a] + [(c, d) for c in e for d in c]", "z", "a e", ""),
        ("def top(a):\n    global n\n    n = b = a + c", "top n", "", "c"),
        ("def f():\n    global n\n    n += 1", "f n", "", "n"),
        ("def f():\n    global n\n    n = n + 1", "f n", "", "n"),
        ("def f():\n    global n\n    if n is None:\n        n = 1\n    return n", "f n", "", "n"),
        ("def f():\n    global n\n    n = 1\n    return n", "f n", "", ""),
        ("def f():\n    global n\n    return n\nprint(f)", "f", "", "n"),
        ("def f():\n    global n\n    for n in range(n): pass", "f n", "", "n"),
        ("n = 0\ndef f():\n    global n\n    n += 1\nprint(n)", "f n", "", ""),
        ("def f():\n    global n\n    n += 1\nprint(n)", "f n", "n", "n"),
        ("def f():\n    global n\n    n += 1\ndef g():\n    global n\n    n = 0", "f g n", "", ""),
        ("def f():\n    def g():\n        global n\n        n += 1\n    n = 2", "f n", "", "n"),
        ("z = lambda a: a + b", "z", "", "b"),
        ("class A(B):\n    c = d\n    def m(self): return e", "A", "B d", "e"),
        ("for i in r:\n    t = i\nelse:\n    u = 1", "i t u", "r", ""),
        ("with o() as (f, g):\n    f(h)", "f g", "o h", ""),
        ("if a:\n    b = b + 1", "b", "a b", ""),
        ("try:\n    import t\nexcept E as e:\n    t = None", "t e", "E", ""),
        ("import a.b, c as d\nfrom e import f as g", "a d g", "", ""),
        ("try:\n    m\nexcept NameError:\n    m = f()", "m", "f", ""),
        ("if (n := f()):\n    print(n)", "n", "f", ""),
        ("match v:\n    case [p, *q] if p > r:\n        s = p", "p q s", "v r", ""),
        ("x: T = 1", "x", "T", ""),
        ("del x", "", "x", ""),
        ("print(len([]), __name__, _)", "", "_", ""),
        ("größe = 1; ﬁ = größe", "größe fi", "", ""),
    ],
)
def test_names_are_told_in_the_order_of_the_lines(
    text: str, bound: str, now: str, later: str
) -> None:
    names = names_of(ast.parse(text))

    assert names.bound == {*bound.split()}
    assert (names.now, names.later) == ({*now.split()}, {*later.split()})


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("z = [a for a in b]", "a"),
        ("z = [a for a in b] + [a]", ""),
        ("z = [a for a in a]", ""),
        ("z = {k: [v for v in w] for k, w in m}", "k v w"),
        ("a = (a for a in b)", ""),
    ],
)
def test_variables_of_comprehensions_are_told_from_those_of_the_module(
    text: str, hidden: str
) -> None:
    assert _of_comprehensions(ast.parse(text).body[0]) == {*hidden.split()}


def test_statements_are_written_again_with_their_comments_and_the_rest_to_the_letter() -> None:
    text = (
        "ä = 'größe'  # ä\nimport a  # gone\nb = 1; import c; d = 2  # kept\n\n\n@e\ndef f(): pass"
    )
    tree = parse(text, "it")

    def edit(one: ast.stmt) -> str | None:
        return "" if isinstance(one, ast.Import) else "ä = 2" if one is tree.body[0] else None

    assert rewritten(text, tree, edit) == (
        "ä = 2  # ä\nb = 1\nd = 2  # kept\n\n\n@e\ndef f(): pass"
    )


@pytest.mark.parametrize(
    ("wanted", "experiment", "name"),
    [
        ("a.py", None, "a.py"),
        ("a.py", "E012", "E012_a.py"),
        ("E012_a.py", "E012", "E012_a.py"),
        ("E012-a.py", "E012", "E012-a.py"),
        ("E012.py", "E012", "E012.py"),
        ("E0123_a.py", "E012", "E012_E0123_a.py"),
    ],
)
def test_the_experiment_stands_once_in_the_scripts_name(
    wanted: str, experiment: str | None, name: str
) -> None:
    assert script_name(wanted, experiment) == name


@pytest.mark.parametrize("bad", ["", "12", "e012", "E", "E12; rm", "E012\n", "E٣"])
def test_what_is_no_id_is_refused(bad: str) -> None:
    with pytest.raises(SandboxError, match="such as E012"):
        check_experiment(bad)


def test_ids_are_found_where_they_stand_for_themselves() -> None:
    assert experiments_in("E012, (E3) x_E04_y BE05 E06b\nE7.md") == {"E012", "E3", "E04", "E7"}
