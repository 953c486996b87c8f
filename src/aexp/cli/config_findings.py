"""What `aexp config validate` finds: all that is wrong with the files of settings and the environment."""

import os
from collections.abc import Iterator, Mapping

from aexp.airgapped.defaults import absolute, check_queue
from aexp.domain.configuration import KEYS, read_value
from aexp.domain.errors import SandboxScaffoldError, SettingsError
from aexp.domain.findings import Finding, fail, ok, warn
from aexp.domain.setting_file import read_file
from aexp.domain.text import visible

_ALIKE = 0.9
"""How alike two names are, from 0 to 1, of which one is taken for a misspelling of the other."""


def findings_here() -> list[Finding]:
    """What is to be said of the user's file, that of the repository here, and the environment."""
    from aexp.settings import local_files

    files = local_files()
    user, repository = files.user_path(os.environ), files.repository_path(absolute("."))
    found = _of_file("user", user, of_repository=False) if user else []
    found += _of_file("repository", repository, of_repository=True) if repository else []
    return [*found, *_of_environment(os.environ)]


def _of_file(name: str, path: str, *, of_repository: bool) -> list[Finding]:
    from aexp.settings import local_files

    files, shown = local_files(), visible(path, limit=500)
    try:
        document = files.repository(absolute(".")) if of_repository else files.user(os.environ)
    except SettingsError as error:
        return [fail(name, error.what, error.hint)]
    if document is None:
        return [ok(name, f"there is no {shown}")]
    values, problems = read_file(document.body, of_repository=of_repository)
    found = [fail(name, f"{shown}: {problem.what}", problem.hint) for problem in problems]
    if document.loose:
        fix = "Take that right away with chmod go-w: until then the login node refuses the file."
        found.append(warn(name, document.loose, fix))
    for key in KEYS:
        if key.setting in values and key.setting in _CLOSER:
            found += _CLOSER[key.setting](name, f"{shown}: {key.name}", values[key.setting])
    return found or [ok(name, shown)]


def _of_environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What is wrong with the variables that are set, and with names that are nearly those of variables."""
    import difflib

    for key in KEYS:
        text = environ.get(key.variable)
        if not text:
            continue
        try:
            read_value(key.setting, text)
        except SettingsError as error:
            yield fail("environment", error.what, error.hint)
        if key.setting in _CLOSER:
            yield from _CLOSER[key.setting]("environment", key.variable, text)
    known = [key.variable for key in KEYS]
    for name in sorted(environ):
        if name.startswith("AEXP_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE)
            if near:
                what = f"{visible(name)} is no variable of aexp, and sets nothing"
                yield warn("environment", what, f"Did you mean {near[0]}?")


def _of_queue(name: str, what: str, queue: str) -> list[Finding]:
    try:
        check_queue(queue)
    except SettingsError as error:
        return [fail(name, f"{what}: {error.what}", error.hint)]
    return []


def _of_parent(name: str, what: str, parent: str) -> list[Finding]:
    """Whether sandboxes can be there in the repository here; outside of every one there is nothing to say."""
    from aexp.sandbox.grounds import parent_folder
    from aexp.sandbox.places import find_repo_root, local_filesystem

    files = local_filesystem()
    root = find_repo_root(files.resolve(absolute(".")), files)
    try:
        if root is not None:
            parent_folder(parent, root, files)
    except SandboxScaffoldError as error:
        return [fail(name, f"{what}: {error.what}", error.hint)]
    return []


def _of_zone(name: str, what: str, zone: str) -> list[Finding]:
    from aexp.sandbox.days import zone_of

    if zone == "local":
        return []
    try:
        zone_of(zone)
    except SettingsError as error:
        told = f"{what} is {visible(zone)}, which is no time zone of this machine."
        return [fail(name, told, error.hint)]
    return []


_CLOSER = {"queue": _of_queue, "sandbox_parent_dir": _of_parent, "sandbox_timezone": _of_zone}
"""What looks closer at a setting than its kind does, because it depends on this machine or this folder."""
