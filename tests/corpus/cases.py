"""The adversarial corpus: what is to be let through, and what is not.

Three kinds: payloads for ``validate_request``, bytes of a file that bears a request's name, and names of
files in the inbox. ``{HOME}`` and ``{REPO}`` stand for the throwaway home and a working copy in it.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

ID = "0123456789abcdef0123456789abcdef"


class Case(NamedTuple):
    """One case.

    Attributes:
        name: for the test's report.
        data: a payload, bytes, or a name.
        good: whether it is to be let through.
    """

    name: str
    data: Any
    good: bool = False


def payloads() -> Iterator[Case]:
    """Payloads: every class of wrong operation, argument, folder and shape, and what must be let through."""
    for number, body in enumerate(_good_payloads()):
        yield Case(f"good-{number}", body, good=True)
    for field, values in _BAD_FIELDS.items():
        for number, value in enumerate(values):
            yield Case(f"{field}-{number}", ask(**{field: value}))
    for number, args in enumerate(_bad_pushes()):
        yield Case(f"push-{number}", ask(op="git_push", args=args))
    for op in ("git_pull", "git_fetch", "git_status", "git_rebase"):
        for number, args in enumerate(_ARGS_OF_NONE):
            yield Case(f"{op}-args-{number}", ask(op=op, args=args))
    for number, args in enumerate(_BAD_RUNS):
        yield Case(f"wandb-{number}", ask(op="wandb_sync", args=args))
    for key in (
        "env",
        "argv",
        "shell",
        "stdin",
        "consent",
        "approved",
        "Op",
        "cwd ",
        "\x1b[2K",
        "__proto__",
    ):
        yield Case(f"unknown-key-{key!r}", ask(**{key: "x"}))
    for key in ("op", "cwd"):
        yield Case(f"without-{key}", {k: v for k, v in ask().items() if k != key})
    for number, shape in enumerate((None, True, 7, 1.5, "git_pull", [], [ask()], {})):
        yield Case(f"shape-{number}", shape)


def ask(**changes: Any) -> dict[str, Any]:
    """A good request, with changes."""
    return {"op": "git_status", "args": [], "cwd": "{REPO}", **changes}


def _good_payloads() -> Iterator[dict[str, Any]]:
    yield from (ask(op=op) for op in ("git_status", "git_fetch", "git_pull", "git_rebase"))
    for cwd in ("{REPO}/src/pkg", "{REPO}/", "~/repo", "{REPO}/../repo", "{HOME}/données/実験 1"):
        yield ask(cwd=cwd)
    branches = ("HEAD", "main", "feature/x-1", "release_1.2", "a@b", "1", "x" * 256)
    yield from (ask(op="git_push", args=["origin", branch]) for branch in branches)
    yield from (ask(op="git_push", args=[remote, "main"]) for remote in ("upstream", "a.b-c", "o2"))
    for when in (1, 1.5, None, "2026-11-23T12:00:00+00:00"):
        yield ask(submitted_at=when)
    yield ask(client="gpu7-1-2-0123abcd", ttl_s=60, submitted_at=1.0)


# fmt: off
# The tables are read by class, a class a line or two; one value a line would hide that.
_BAD_FIELDS: dict[str, tuple[Any, ...]] = {
    "op": (
        *("", " ", "git", "git_clone", "git_reset", "GIT_PULL", "Git_pull", "git-pull", "git pull"),
        *("git_pull ", " git_pull", "git_pull\n", "git_pull\0", "git_pull;id", "../git_pull",
          "git_pull,"),
        *("__class__", "__init__", "ALLOWED", "g\u0456t_pull", "\uff47it_pull", "git_pu\u200bll",
          "\ud800"),
        *("\U0001f4a9" * 500, "A" * 60_000, "\x1b[2K" * 99, None, 1, 1.5, True, [], ["git_pull"], {}),
    ),
    "args": (None, "", "origin", 1, True, {}, {"0": "origin"}, ["x"] * 33, [[]], [None], [1], [{}]),
    "cwd": (
        *(None, True, 7, [], ["/"], {}, "", " ", ".", "..", "repo", "./repo", "/", "//", "/etc", "/tmp"),
        *("~", "~/", "~/..", "~/../..", "~root", "~nosuchuser-zz/repo", "~+", "$HOME/repo"),
        *("{HOME}", "{HOME}/", "{HOME}/.", "{HOME}/..", "{HOME}x/repo", "{REPO}/../..", "{REPO}/.."),
        *("{REPO}/.git", "{REPO}/.git/hooks", "{REPO}/src/../.git", "{HOME}/.relay",
          "{HOME}/.relay/inbox"),
        *("{REPO}\0", "{REPO}\0/x", "{REPO}\n", "{REPO}\nop=git_push", "{REPO}\rx", "{REPO}/\x1b[2K"),
        *("{REPO}/\x9b2K", "{REPO}/\x7f", "{REPO}/\u202etxt", "{REPO}/\u2066x", "{REPO}/\u200b",
          "{REPO}/\ud800"),
        *("{REPO}/\udcff", "/proc/self/cwd", "/proc/1/root{REPO}", "/dev/fd/3", "`id`", "$(id)", "|id",
          "-C"),
        *("file://{REPO}", "https://example.org/x", "ssh://example.org/x", "host:{REPO}",
          "\\\\host\\share"),
        *("{REPO}/" + "x/" * 2100, "{REPO}/" + "x" * 256, "/" + "é" * 2100, "{HOME}/loop",
          "{HOME}/loop/x"),
        *("{HOME}/out", "{HOME}/up", "{HOME}/file", "{HOME}/fifo", "{HOME}/to-queue", "{HOME}/to-git"),
    ),
    "submitted_at": ([], {}, True, "x" * 65, "\x1b[2K", "\ud800", 1e12, -1e300, 10**400),
    "client": ("", " \n", 7, True, [], {}, "x" * 121, "a\x1bb", "\u202e", "\ud800"),
    "ttl_s": (0, -1, 1e9, "60", True, [], 10**400),
}


def _bad_pushes() -> Iterator[list[Any]]:
    options = (
        *("--force", "-f", "--force-with-lease", "--mirror", "--delete", "-d", "--prune", "--all",
          "--tags"),
        *("--no-verify", "--signed", "--receive-pack=id", "--exec=id", "--recei=id", "--repo=x", "-o",
          "-u"),
        *("--atomic", "--follow-tags", "--recurse-submodules=on-demand", "-n", "--", "-",
          "--push-option=x"),
    )
    for option in options:
        yield [option, "origin", "main"]
        yield [option, "origin"]
        yield ["origin", option]
    remotes = (
        *("", ".", "..", "/abs/dst.git", "../dst.git", "./dst", "~/dst.git", "a/b", "dst.git/",
          ".hidden"),
        *("https://evil.example/x", "ssh://evil.example/x", "git://evil.example/x", "file:///x", "u@h:x"),
        *("h:x", "ext::sh -c id", "fd::3", "origin\n", "origin\0", "origin main", "origin\t",
          "\u043erigin"),
        *("@", "a..b", "a.", "or\u200bigin", "$IFS", "`id`", "x" * 257),
    )
    yield from ([remote, "main"] for remote in remotes)
    branches = (
        *("", "@", "+main", ":main", "main:", "HEAD:x", "HEAD:refs/heads/x", "+HEAD:main", "main^",
          "HEAD~1"),
        *("a@{1}", "@{u}", "a..b", "a.", "a/", "/a", "a//b", "a/.b", ".a", "a.lock", "a.lock/b", "a b",
          "a\n"),
        *("a\0", "a?", "a*", "a[b", "a\\b", "refs/heads/x", "refs/notes/commits", "refs/stash", "\u043c",
          "a\x7f"),
        *("ma\u0456n", "main\u202e", "x" * 257, "*", "^main", "~", "-main"),
    )
    yield from (["origin", branch] for branch in branches)
    yield from (["origin"], [], ["main", "origin", "x"], ["HEAD"], ["origin", "main", "other"], [None,
    "main"])


_ARGS_OF_NONE: tuple[list[Any], ...] = (
    *(["origin"], [""], ["origin", "main"], ["--upload-pack=id"], ["--rebase"], ["-v"], ["."], [None]),
)
_BAD_RUNS: tuple[list[Any], ...] = (
    *(["--entity", "evil"], ["--project=x"], ["-p", "x"], ["--sync-all"], ["--clean"], ["--id", "x"],
      [""]),
    *(["/etc"], ["../other"], ["wandb/../../x"], ["~/x"], ["./x/../.."], ["a\0"], ["a\n"], [None], [1],
      [".."]),
    *(["https://evil.example/run"], ["wandb\u202e"], ["x" * 257], ["a"] * 33, ["wandb//x"], ["$(id)"],
      ["a b"]),
)


def files() -> Iterator[Case]:
    """Bytes of files that bear a request's name."""
    good = json.dumps(ask()).encode()
    yield Case("plain", good, good=True)
    yield Case("newline", good + b"\n", good=True)
    yield Case("indented", json.dumps(ask(), indent=4).encode(), good=True)
    yield Case("escaped", json.dumps(ask()).encode().replace(b"git_status", b"git\\u005fstatus"),
    good=True)
    yield Case("padded", good + b" " * (64 * 1024 - 500), good=True)
    open_end = good[:-1]
    bad = {
        "empty": b"", "spaces": b" \n\t", "nul": b"\0" * 100, "torn": good[: len(good) // 2],
        "zero-tail": good + b"\0" * 64,
        "two": good + good, "garbage-after": good + b" x", "comment": b"// x\n" + good,
        "comma": open_end + b",}",
        "single-quotes": good.replace(b'"', b"'"), "bom": b"\xef\xbb\xbf" + good,
        "utf16": good.decode().encode("utf-16"),
        "latin1": open_end + b', "client": "caf\xe9"}', "overlong": open_end + b', "client": "\xc1\xa7"}',
        "surrogate": open_end + b', "client": "\xed\xa0\x80"}', "nul-inside": good.replace(b"git_",
        b"git\0"),
        "double-key": open_end + b', "op": "git_fetch"}',
        "double-key-escaped": open_end + b', "\\u006fp": "git_fetch"}',
        "double-unknown": b'{"x": {"a": 1, "a": 2}}', "nan": open_end + b', "ttl_s": NaN}',
        "infinity": open_end + b', "ttl_s": Infinity}',
        "minus-infinity": open_end + b', "submitted_at": -Infinity}',
        "float-overflow": open_end + b', "submitted_at": 1e999}',
        "huge-integer": open_end + b', "ttl_s": ' + b"9" * 5000 + b"}",
        "deep-list": b"[" * 60_000, "deep-object": b'{"a":' * 9000,
        "deep-but-closed": b"[" * 20_000 + b"]" * 20_000,
        "deep-in-request": open_end + b', "client": ' + b"[" * 9 + b"]" * 9 + b"}",
        "too-long": good + b" " * 65_536,
        "quotes": b'{"' + b'\\"' * 30_000, "number": b"7", "text": b'"git_status"',
        "list": b"[" + good + b"]", "null": b"null",
        "script": b"#!/bin/sh\nid\n", "pickle": b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02id\x94.",
        "gzip": b"\x1f\x8b\x08\0" + b"\0" * 20,
        "elf": b"\x7fELF" + b"\0" * 60, "yaml": b"op: git_status\ncwd: {REPO}\n",
        "header": b"GET / HTTP/1.1\r\n\r\n",
    }
    yield from (Case(name, data) for name, data in bad.items())


def names() -> Iterator[Case]:
    """Names of files in the inbox that hold a good request."""
    dashed = f"{ID[:8]}-{ID[8:12]}-{ID[12:16]}-{ID[16:20]}-{ID[20:]}"
    yield Case("hex", f"{ID}.json", good=True)
    yield Case("dashed", f"{dashed}.json", good=True)
    bad = (
        *(f"{ID}0.json", f"{ID[:-1]}.json", f"{ID.upper()}.json", f"{dashed[:-1]}.json",
          f"{dashed.upper()}.json"),
        *(f"{ID}\n.json", f"{ID}.json\n", f"{ID} .json", f" {ID}.json", f"{ID}.JSON", f"{ID}.json.tmp",
          f"{ID}.json~"),
        *(ID, f"{ID}.", f"{ID}..json", f"{ID}.json.json", f"{{{dashed}}}.json", f"urn:uuid:{dashed}.json",
          "request.json"),
        *(f"{ID}\x1b[2K.json", f"{ID}\r.json", f"{ID}\t.json", f"{ID}\x7f.json", f"{ID}\u202e.json",
          f"{ID}\u200b.json"),
        *("\uff10" * 32 + ".json", "\u0660" * 32 + ".json", "g" * 32 + ".json", "0x" + ID[2:] + ".json"),
        *("`id`.json", "$(id).json", "--help.json", "-rf", "|id", ";id.json", "*.json",
          "?" * 32 + ".json", "x" * 255),
        *("..json", "...json", ".json", f".{ID}.json", "caf\udce9.json", "\udcff\udcfe", "é.json",
          "a\\b.json", "CON", "~"),
    )
    yield from (Case(repr(name)[:40], name) for name in bad)
# fmt: on
