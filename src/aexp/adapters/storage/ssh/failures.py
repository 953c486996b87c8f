"""Why ssh did not bring us to a gate: told from its exit status, its last words, and what came instead."""

import re
from typing import NamedTuple

from aexp.adapters.storage.ssh.address import Address
from aexp.domain.errors import RelayConnectionError
from aexp.domain.far import Broken
from aexp.domain.frames import GREETING_BEGINS, PROTOCOL
from aexp.domain.text import visible

SSH_FAILED = 255
"""What ssh exits with for an error of its own, see ssh(1). A program over there may do so as well."""
_NOT_FOUND = (126, 127)
_OURS = range(65, 79)
"""What aexp ends with for errors of its own, see :mod:`aexp.cli.exits`."""
_MOST = 300
_SAME = "Install the same version on both machines; aexp --version tells it."


class _Sign(NamedTuple):
    says: re.Pattern[str]
    kind: Broken


_SIGNS = (
    _Sign(
        re.compile(
            r"host key verification failed|host identification has changed|no matching host key"
        ),
        Broken.HOST_KEY,
    ),
    _Sign(
        re.compile(r"permission denied|too many authentication failures|no such identity"),
        Broken.KEY,
    ),
    _Sign(
        re.compile(
            r"could not resolve|connection refused|timed out|no route to host|unreachable|"
            r"connection (reset|closed) by|kex_exchange_identification|banner exchange|port 65535"
        ),
        Broken.UNREACHABLE,
    ),
)


class Ended(NamedTuple):
    """How a connection ended.

    Attributes:
        status: ssh's exit status; None while it runs.
        said: what came on its standard error, ssh's own words and the far side's.
        noise: what came in place of a gate's greeting.
        greeted: whether a gate had greeted.
    """

    status: int | None
    said: str
    noise: bytes = b""
    greeted: bool = False

    @property
    def last(self) -> str:
        """The last line that was said, or our own error's first, in words that are safe to show."""
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error: ")]
        return visible((errors or lines)[-1], limit=_MOST) if lines else ""


def failure_of(ended: Ended, address: Address) -> RelayConnectionError:
    """The error that fits."""
    kind = _kind_of(ended)
    what, hint = _TOLD[kind](address, ended)
    quoted = f" ssh says: {ended.last}" if ended.last else ""
    return RelayConnectionError(f"{what}.{quoted}", hint, kind=kind)


def _kind_of(ended: Ended) -> Broken:
    if ended.noise:
        return Broken.VERSION if ended.noise.startswith(GREETING_BEGINS) else Broken.NOISE
    if ended.status is None:
        return Broken.SILENT
    return Broken.DROPPED if ended.greeted else _kind_at_the_door(ended)


def _kind_at_the_door(ended: Ended) -> Broken:
    """Why no gate has greeted, by how ssh and what it ran ended."""
    said = ended.said.lower()
    if ended.status == SSH_FAILED:
        # The last line that tells: those before it may be the host's banner, which says what it likes.
        told = ((line, sign) for line in reversed(said.splitlines()) for sign in _SIGNS)
        return next((sign.kind for line, sign in told if sign.says.search(line)), Broken.FAILED)
    if ended.status in _NOT_FOUND or "command not found" in said:
        return Broken.NOT_FOUND
    if ended.status in _OURS:
        return Broken.REFUSED
    return Broken.VERSION if "no such command" in said else Broken.NOISE


def _unreachable(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"The login node {address.host} cannot be reached",
        f"Try it by hand: ssh {address.named}. A request that was submitted before goes on over there.",
    )


def _failed(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"ssh could not connect to {address.host}",
        f"Try it by hand: ssh {address.named}",
    )


def _host_key(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"ssh does not trust the host key of {address.host}",
        f"Log in once by hand and compare it with what your site publishes: ssh {address.named}",
    )


def _key(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"{address.host} does not take your key",
        "Name the right one in ~/.ssh/config (IdentityFile), or load it: ssh-add. aexp asks for no password "
        f"or passphrase. See: ssh -v {address.named}",
    )


def _not_found(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"There is no {visible(address.program)} for programs on {address.host}",
        "Install it there, and name it in the key's line of authorized_keys, or in the queue's URL: "
        "?aexp=/path/to/aexp",
    )


def _version(address: Address, ended: Ended) -> tuple[str, str]:
    spoken = ended.noise.partition(b"\n")[0].decode("ascii", "replace")
    theirs = f" ({visible(spoken, limit=40)}, and not {PROTOCOL})" if spoken else ""
    return (
        f"The aexp on {address.host} does not speak as this one does{theirs}",
        _SAME,
    )


def _noise(address: Address, ended: Ended) -> tuple[str, str]:
    noise = visible(ended.noise.decode("utf-8", "replace").strip(), limit=80)
    if ended.greeted:
        return f"What the gate on {address.host} says makes no sense: {noise}", _SAME
    ends = f"what was started there ended with status {ended.status}"
    heard = f"what answers says '{noise}'" if noise else ends
    return (
        f"No gate of aexp answers on {address.host}: {heard}",
        "Nothing may print there when no terminal is there (~/.bashrc, ~/.ssh/rc), and a key's command "
        "must be `aexp relay exec`.",
    )


def _refused(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"The gate on {address.host} does not open",
        "See the key's line in ~/.ssh/authorized_keys there, and what aexp relay status says there.",
    )


def _dropped(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"The connection to {address.host} has ended",
        "What was submitted goes on over there; the next look connects again.",
    )


def _silent(address: Address, _: Ended) -> tuple[str, str]:
    return (
        f"{address.host} does not answer",
        f"Is it very busy, or its home's file server gone? Try it by hand: ssh {address.named}",
    )


_TOLD = {
    Broken.UNREACHABLE: _unreachable,
    Broken.FAILED: _failed,
    Broken.HOST_KEY: _host_key,
    Broken.KEY: _key,
    Broken.NOT_FOUND: _not_found,
    Broken.VERSION: _version,
    Broken.NOISE: _noise,
    Broken.REFUSED: _refused,
    Broken.DROPPED: _dropped,
    Broken.SILENT: _silent,
}
