"""Literal paths that count from the current folder: `open("data/x.csv")`, `Path("out")`, `read_csv("x")`."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

# By the last part of the function's name.
_ALWAYS = frozenset(
    {
        *("Path", "PosixPath", "listdir", "scandir", "makedirs", "mkdir", "chdir", "rmtree", "walk"),
        *("loadtxt", "savetxt", "genfromtxt", "fromfile", "memmap", "imread", "imsave", "imwrite"),
        *("savefig", "savez", "savez_compressed", "ExcelWriter", "ExcelFile", "HDFStore", "ImageFolder"),
        *("to_csv", "to_parquet", "to_json", "to_excel", "to_pickle", "to_feather", "to_hdf"),
        *("to_netcdf", "to_zarr", "open_dataset", "open_mfdataset", "open_zarr", "save_file", "load_file"),
    }
)  # fmt: skip
# The names of formats keep out `read_sql`, and the `write_text` of a path, whose argument is no path.
_FORMATS = (
    "csv|table|fwf|parquet|json|ndjson|excel|pickle|feather|ipc|hdf|orc|avro|delta|xml|html|spss|stata|sas|"
    "file|image|video|edgelist|gpickle|h5ad"
)
_READS = re.compile(rf"(?:read|scan|sink|write)_(?:{_FORMATS})")
# These are also called for what is no path, or with the path behind what is saved: they count with a file's
# ending, which no mode of opening has.
_WITH_ENDING = frozenset(
    {"open", "load", "save", "dump", "File", "glob", "iglob", "exists", "isfile"}
)
_ENDING = re.compile(r".*\.\w{1,10}(?:\.\w{1,4})?", re.DOTALL)
# From the root or a home on, or a URL.
_FIRM = re.compile(r"[/~\\$]|[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True)
class RelativePath:
    """A call with such a path: its line, from 1, and the path as the source has it."""

    line: int
    text: str


def relative_paths(tree: ast.Module) -> Iterator[RelativePath]:
    """The calls that open, read, write or name a file by a literal relative path, from top to bottom."""
    joined = {id(one.right) for one in ast.walk(tree) if isinstance(one, ast.BinOp)}
    calls = (one for one in ast.walk(tree) if isinstance(one, ast.Call) and id(one) not in joined)
    for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
        path = next((one for one in _paths(call) if not _FIRM.match(_beginning(one))), None)
        if path is not None:
            yield RelativePath(call.lineno, ast.unparse(path))


def _paths(call: ast.Call) -> list[ast.expr]:
    """The arguments that are text, and a path by the function's name."""
    name = call.func
    last = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
    texts = [one for one in call.args[:2] if _beginning(one)]
    if last in _WITH_ENDING and not (last == "open" and isinstance(name, ast.Name)):
        return [one for one in texts if _ENDING.fullmatch(_ends(one))]
    known = last == "open" or last in _ALWAYS or _READS.fullmatch(last)
    return [one for one in texts if known and one is call.args[0]]


def _beginning(path: ast.expr) -> str:
    """The literal text that it begins with; empty where it begins with a variable."""
    match path:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return text
    return ""


def _ends(path: ast.expr) -> str:
    match path:
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(text))]):
            return text
    return _beginning(path)
