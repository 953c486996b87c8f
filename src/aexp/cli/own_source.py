"""Where this aexp was installed from: what pip is given to install the same for another Python."""

import json
import shlex


def own_source() -> str:
    """A word for ``pip install``: the folder of the clone, a URL, or the name where an index has it.

    By the record that pip keeps of what did not come from an index (PEP 610).
    """
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

    try:
        told = distribution("aexp").read_text("direct_url.json")
    except PackageNotFoundError:
        return "/path/to/the/clone/of/aexp"  # Run from its source alone.
    if not told:
        return "aexp"
    record = json.loads(told)
    url = str(record["url"])
    if url.startswith("file://"):
        return shlex.quote(unquote(urlsplit(url).path))
    vcs = record.get("vcs_info", {}).get("vcs")
    return shlex.quote(f"{vcs}+{url}" if vcs else url)
