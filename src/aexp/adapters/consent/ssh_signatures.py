"""Signatures by ``ssh-keygen -Y`` (ssh-keygen(1)): checked against pinned signers, made by a person's key.

What is given to ssh-keygen lies in a file without a name (see :mod:`aexp.adapters.kernel`), where nobody can
change it between a check and its use.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from aexp.adapters.kernel import anonymous_file
from aexp.domain.decisions import SIGNATURE_NAMESPACE
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible
from aexp.ports.approval import Signer

KEY_VARIABLE = "AEXP_RELAY_SIGN_KEY"
_PLACES = (Path("/usr/bin/ssh-keygen"), Path("/usr/local/bin/ssh-keygen"))
_PLAIN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
_PATIENCE_S = 5.0
_MAX_PRINCIPALS = 8


def system_keygen() -> Path:
    """ssh-keygen of the system, never one that lies below a home.

    Raises:
        SettingsError: there is none.
    """
    for path in _PLACES:
        if os.access(path, os.X_OK):
            return path
    raise SettingsError(
        f"There is no {_PLACES[0]}, which signed approvals need.",
        "Install OpenSSH's client, 8.2 or newer.",
    )


class AllowedSigners:
    """The keys whose signatures count, as they were when this was made.

    Args:
        text: an allowed signers file (ssh-keygen(1), ALLOWED SIGNERS).
        keygen: the absolute path of ssh-keygen.

    Raises:
        SettingsError: it names no key.
    """

    def __init__(self, text: bytes, keygen: Path) -> None:
        lines = [line.strip() for line in text.splitlines()]
        if not any(line and not line.startswith(b"#") for line in lines):
            raise SettingsError(
                "The allowed signers file names no key.",
                "Write a line such as: you@example.org ssh-ed25519 AAAA...",
            )
        self._text = text
        self._keygen = keygen

    def signer_of(self, text: bytes, signature: bytes) -> str | None:
        """Who signed the text, and with which key; None when it was nobody who may."""
        with _in_memory(self._text) as allowed, _in_memory(signature) as given:
            common = ["-s", f"/dev/fd/{given}", "-f", f"/dev/fd/{allowed}"]
            found = self._run(["-Y", "find-principals", *common], b"", (allowed, given))
            for principal in [] if found is None else found.splitlines()[:_MAX_PRINCIPALS]:
                names = ["-I", principal, "-n", SIGNATURE_NAMESPACE]
                said = self._run(["-Y", "verify", *names, *common], text, (allowed, given))
                if said is not None:
                    # Good "<namespace>" signature for <principal> with <kind> key <fingerprint>
                    who = said.partition(" signature for ")[2] or principal
                    return visible(who.strip(), limit=300, ascii_only=True)
        return None

    def _run(self, args: list[str], text: bytes, handles: tuple[int, ...]) -> str | None:
        """What it prints when it says yes, None otherwise."""
        try:
            done = subprocess.run(
                [str(self._keygen), *args],
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_PLAIN,
                cwd="/",
                pass_fds=handles,
                timeout=_PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            # No answer is no signature; the file stays, and the person sees that it did not count.
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


class SshSigner(Signer):
    """Signs with a private key, or with the agent that has the private half of a public key.

    Args:
        key: its path; None for none.
        environ: the person's environment, which knows the agent.
    """

    def __init__(self, key: str | None, environ: Mapping[str, str]) -> None:
        self._key = key or environ.get(KEY_VARIABLE)
        self._environ = environ

    def sign(self, text: bytes) -> bytes:
        if not self._key:
            raise SettingsError(
                "The daemon takes signed approvals only, and no key was named.",
                f"Give --key ~/.ssh/id_ed25519.pub (or set {KEY_VARIABLE}); "
                "with a public key the ssh agent signs.",
            )
        path = Path(self._key).expanduser().absolute()
        if not path.is_file():
            raise SettingsError(f"There is no key {visible(str(path))}.", "Check --key.")
        args = [str(system_keygen()), "-Y", "sign", "-f", str(path), "-n", SIGNATURE_NAMESPACE]
        # Its questions (a passphrase, a touch of the token) go to the person's terminal.
        done = subprocess.run(
            args, input=text, capture_output=True, env=dict(self._environ), check=False
        )
        if done.returncode != 0 or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            raise SettingsError(
                f"ssh-keygen did not sign with {visible(str(path))}: "
                f"{visible(done.stderr.decode('utf-8', 'replace').strip(), limit=300)}.",
                "Try again. For a public key the ssh agent must hold its private half: see `ssh-add -L`.",
            )
        return done.stdout


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[int]:
    handle = anonymous_file("aexp-consent")
    try:
        os.write(handle, data)
        yield handle
    finally:
        os.close(handle)
