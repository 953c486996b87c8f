"""Where this aexp was installed from: what pip is given to install the same again, or for another Python."""

import json
import shlex

UNKNOWN = "/path/to/the/clone/of/aexp"


def own_source(extra: str = "") -> str:
    """A word for ``pip install``: the folder of the clone, a URL, or the name where an index has it.

    By the record that pip keeps of what did not come from an index (PEP 610).

    Args:
        extra: what is wanted with it, such as ``redis``. A clone that is used where it lies stays so.
    """
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

    with_it = f"[{extra}]" if extra else ""
    try:
        told = distribution("aexp").read_text("direct_url.json")
    except PackageNotFoundError:
        return shlex.quote(f"{UNKNOWN}{with_it}")  # Run from its source alone.
    if not told:
        return shlex.quote(f"aexp{with_it}")
    record = json.loads(told)
    url = str(record["url"])
    if url.startswith("file://"):
        in_place = extra and record.get("dir_info", {}).get("editable")
        folder = shlex.quote(f"{unquote(urlsplit(url).path)}{with_it}")
        return f"-e {folder}" if in_place else folder
    vcs = record.get("vcs_info", {}).get("vcs")
    source = f"{vcs}+{url}" if vcs else url
    return shlex.quote(f"aexp{with_it} @ {source}" if extra else source)
