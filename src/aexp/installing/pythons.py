"""Finding an interpreter and what it is by its files alone: a stranger's record must not have it run."""

import re
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname, normpath

from aexp.domain.errors import InstallError
from aexp.domain.interpreters import Home, Interpreter, Project
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.places import find_repo_root

_VENVS = (".venv", "venv", "env")
_CONDA_FILES = ("environment.yml", "environment.yaml")
_SYSTEM_TOO = re.compile(r"^include-system-site-packages\s*=\s*true", re.MULTILINE | re.I)
_PROGRAM = re.compile(r"(?:python|pypy)[0-9.]*t?d?", re.ASCII)
_NAME = re.compile(r"^name:\s*[\"']?([A-Za-z0-9._-]+)", re.MULTILINE)


def interpreter(path: str, files: Filesystem) -> Interpreter:
    """What stands at this absolute path.

    Raises:
        InstallError: no file stands there, it is not called as an interpreter is, or its path could not be
            written into a command.
    """
    shown = visible(path, limit=500)
    if not path.startswith("/") or not path.isprintable():
        raise InstallError(f"{shown} cannot name an interpreter.", "Give its path from / on.")
    path = normpath(path)
    if files.kind(path) != "file":
        raise InstallError(
            f"There is no interpreter {shown}.",
            "Name one with --python-exe /path/to/python or --conda-env NAME.",
        )
    if _PROGRAM.fullmatch(basename(path)) is None:
        raise InstallError(
            f"{shown} is not called python, so it is not taken for an interpreter.",
            "Name one with --python-exe /path/to/python or --conda-env NAME.",
        )
    folder = dirname(path)
    prefix = dirname(folder) if basename(folder) == "bin" else folder
    return Interpreter(path, prefix, _home(prefix, files), has_package("aexp", prefix, files))


def conda_interpreter(name: str, environ: Mapping[str, str], files: Filesystem) -> str:
    """The interpreter of the conda environment of this name or path.

    Raises:
        InstallError: there is none; the hint lists those that there are.
    """
    known = list(dict.fromkeys(_environments(environ, files)))
    for prefix in known:
        if (
            name in (prefix, _called(prefix, files))
            and files.kind(f"{prefix}/bin/python") == "file"
        ):
            return f"{prefix}/bin/python"
    if name.startswith("/") and files.kind(f"{name}/bin/python") == "file":
        return f"{name.rstrip('/')}/bin/python"
    names = ", ".join(visible(_called(prefix, files)) for prefix in known[:20])
    raise InstallError(
        f"There is no conda environment {visible(name)}.",
        f"Known: {names}." if names else "None is known here; use --python-exe /path/to/python.",
    )


def _called(prefix: str, files: Filesystem) -> str:
    """What conda calls the environment."""
    return "base" if _home(prefix, files) is Home.CONDA_BASE else basename(prefix)


def project_of(root: str, prefix: str, files: Filesystem) -> Project:
    """What the repository says about its own Python."""
    venvs = (f"{root}/{name}" for name in _VENVS)
    venv = next((one for one in venvs if files.kind(f"{one}/pyvenv.cfg") == "file"), "")
    name = ""
    for file in _CONDA_FILES:
        if files.kind(f"{root}/{file}") == "file":
            match = _NAME.search(files.read_text(f"{root}/{file}")[: 1 << 16])
            name = match[1] if match else ""
            break
    around = find_repo_root(files.resolve(prefix), files) or ""
    has_aexp = has_package("aexp", venv, files) if venv else None
    return Project(root, venv, has_aexp, name, around)


def _home(prefix: str, files: Filesystem) -> Home:
    if files.kind(f"{prefix}/pyvenv.cfg") == "file":
        return Home.VENV
    if files.kind(f"{prefix}/conda-meta") == "directory":
        is_base = files.kind(f"{prefix}/condabin") == "directory"
        return Home.CONDA_BASE if is_base else Home.CONDA
    return Home.BARE


def has_package(package: str, prefix: str, files: Filesystem) -> bool | None:
    """Whether a package is installed in the environment with this prefix; None where that cannot be told.

    It cannot where packages may come from elsewhere, too: from the user's own folder, or from the system's.
    """
    sites = [
        f"{prefix}/lib/{entry.name}/site-packages"
        for entry in files.entries(f"{prefix}/lib")
        if entry.name.startswith("python3")
    ]
    sites = [site for site in sites if files.kind(site) == "directory"]
    called = re.escape(package)
    wanted = re.compile(rf"{called}|{called}-.+\.dist-info|{called}\.egg-link")
    if any(wanted.fullmatch(entry.name) for site in sites for entry in files.entries(site)):
        return True
    return False if sites and _is_closed(prefix, files) else None


def _is_closed(prefix: str, files: Filesystem) -> bool:
    home = _home(prefix, files)
    if home is not Home.VENV:
        return home is not Home.BARE
    return not _SYSTEM_TOO.search(files.read_text(f"{prefix}/pyvenv.cfg")[: 1 << 16])


def _environments(environ: Mapping[str, str], files: Filesystem) -> Iterator[str]:
    """The prefixes of the conda environments that this user's files and variables tell of."""
    listed = f"{environ.get('HOME', '')}/.conda/environments.txt"
    if listed.startswith("/") and files.kind(listed) == "file":
        lines = files.read_text(listed).splitlines()
        yield from (line.strip() for line in lines if line.strip().startswith("/"))
    exe, active = environ.get("CONDA_EXE", ""), environ.get("CONDA_PREFIX", "")
    roots = [dirname(dirname(exe)), environ.get("MAMBA_ROOT_PREFIX", ""), active]
    for folder in filter(None, environ.get("CONDA_ENVS_PATH", "").split(":")):
        yield from _below(folder, files)
    for root in filter(lambda root: root.startswith("/"), roots):
        yield root
        yield from _below(f"{root}/envs", files)


def _below(folder: str, files: Filesystem) -> Iterator[str]:
    if folder.startswith("/") and files.kind(folder) == "directory":
        yield from (
            f"{folder}/{entry.name}"
            for entry in files.entries(folder)
            if files.kind(f"{folder}/{entry.name}/conda-meta") == "directory"
        )
