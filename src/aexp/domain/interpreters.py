"""Which Python the installed commands call, and what about it should make a person stop."""

from dataclasses import dataclass
from enum import StrEnum
from shlex import quote


class Home(StrEnum):
    """What kind of installation an interpreter belongs to."""

    VENV = "virtual environment"
    CONDA = "conda environment"
    CONDA_BASE = "conda's base environment"
    BARE = "no virtual environment"


@dataclass(frozen=True)
class Interpreter:
    """A Python, as its files tell; it was not run.

    Attributes:
        path: absolute, links not followed: a virtual environment's interpreter is a link.
        prefix: the folder of its installation.
        has_aexp: whether aexp is installed there; None where that cannot be told.
    """

    path: str
    prefix: str
    home: Home
    has_aexp: bool | None


@dataclass(frozen=True)
class Project:
    """What a repository says about its own Python.

    Attributes:
        venv: its virtual environment; empty for none.
        venv_has_aexp: whether aexp is installed in that; None where that cannot be told.
        conda_name: what its environment.yml calls its environment; empty for none.
        around: the repository that the interpreter lies in; empty for none.
        root: the repository itself.
    """

    root: str
    venv: str = ""
    venv_has_aexp: bool | None = None
    conda_name: str = ""
    around: str = ""


def doubts(
    found: Interpreter, project: Project, source: str, *, is_settled: bool = False
) -> list[str]:
    """What a person should know about the interpreter, each with what to do.

    Args:
        source: what pip is given to install aexp, as a shell reads it.
        is_settled: whether it was recorded before, so that it was said then whose it is.
    """
    other = "choose another with --python-exe or --conda-env"
    told = []
    if found.home is Home.CONDA_BASE:
        told.append(
            f"{found.path} is {Home.CONDA_BASE}, which others use and updates change: {other}"
        )
    elif found.home is Home.BARE:
        told.append(f"{found.path} is in {Home.BARE}: {other}")
    stranger = "" if is_settled else _of_whom(found, project, source)
    if stranger:
        told.append(f"{found.path} is not this project's: {stranger}")
    if found.has_aexp is False:
        told.append(
            f"aexp is not installed in {found.prefix}: {quote(found.path)} -m pip install {source}"
        )
    if " " in found.path:
        told.append(
            f"{found.path} has a space in it, so that the skills can allow nothing by themselves: your agent "
            "asks each time"
        )
    return told


def _of_whom(found: Interpreter, project: Project, source: str) -> str:
    """Why it is not the project's; empty when it is, or when nothing says so."""
    if found.prefix == project.venv:
        return ""
    named = found.prefix.rpartition("/")[2] if found.home is Home.CONDA else ""
    if project.conda_name and named == project.conda_name:
        return ""
    if project.venv:
        python = quote(f"{project.venv}/bin/python")
        first = "" if project.venv_has_aexp else f"{python} -m pip install {source}, then "
        return f"that has {project.venv}; to use that one: {first}--python-exe {python}"
    if project.conda_name:
        return f"its environment.yml names {project.conda_name}; --conda-env {project.conda_name}"
    if project.around and project.around != project.root:
        return f"it lies in the repository {project.around}; name another with --python-exe"
    return ""
