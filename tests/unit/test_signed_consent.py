"""Approvals by signature: real keys, a real agent, and files that are no signature of what waits."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.consent.choose import choose_decisions
from aexp.adapters.consent.signed import MAX_CHECKS, SignedDecisions
from aexp.adapters.consent.ssh_signatures import AllowedSigners, SshSigner, system_keygen
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.domain.consent import Mode
from aexp.domain.decisions import SIGNATURE_NAMESPACE, signed_text
from aexp.domain.errors import SettingsError
from aexp.domain.petition import Petition
from aexp.ports.consent import Decisions
from aexp.ports.storage import QueueStorage

ONE = "1" * 32
ASKED = Petition(ONE, "wandb_sync", (), "/home/ada/x", "/home/ada/x", inventory=("run-1",))
TEXT = signed_text(ASKED.digest)


def key(folder: Path, name: str, kind: str = "ed25519") -> Path:
    path = folder / name
    keygen = [system_keygen(), "-q", "-t", kind, "-N", "", "-C", name, "-f", path]
    subprocess.run(keygen, check=True)
    return path


def line(path: Path, who: str, options: str = "") -> bytes:
    return f"{who} {options} {path.with_suffix('.pub').read_text()}".encode()


def signed(path: Path, text: bytes = TEXT, namespace: str = SIGNATURE_NAMESPACE) -> bytes:
    command = [system_keygen(), "-Y", "sign", "-f", path, "-n", namespace]
    return subprocess.run(command, input=text, capture_output=True, check=True).stdout


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    return key(tmp_path, "ada")


@pytest.fixture
def decisions(ada: Path) -> SignedDecisions:
    storage = MemoryStorage(ManualClock())
    made = SignedDecisions(storage, line(ada, "ada@example.org"), system_keygen(), " --queue /q")
    made.park(ASKED)
    return made


def chosen(storage: QueueStorage, signers: Path) -> Decisions:
    return choose_decisions(storage, Mode.SIGNED, str(signers), {}, "login1", ManualClock())


def collected(decisions: SignedDecisions, content: bytes) -> tuple[str | None, str | None]:
    decisions._storage.put(f"approved/{ONE}", content)
    verdicts = decisions.collect({ONE})
    return verdicts.approved.get(ONE), verdicts.ignored.get(ONE)


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_signature_of_the_digest_by_an_allowed_key_approves(tmp_path: Path, kind: str) -> None:
    path = key(tmp_path, "key", kind)
    signers = AllowedSigners(line(path, "ada@example.org,ada@example.com"), system_keygen())
    how = signers.signer_of(TEXT, signed(path))
    assert how is not None
    assert "ada@example.org" in how
    assert "SHA256:" in how


def test_the_trail_says_who_signed(decisions: SignedDecisions, ada: Path) -> None:
    how, ignored = collected(decisions, signed(ada))
    assert ignored is None
    assert str(how).startswith("signed by ada@example.org with ED25519 key SHA256:")


def test_what_is_no_signature_of_this_by_that_key_for_this_does_not_count(
    decisions: SignedDecisions, ada: Path, tmp_path: Path
) -> None:
    other = Petition(ONE, "wandb_sync", (), "/home/ada/x", "/home/ada/x", inventory=("run-2",))
    good = signed(ada)
    wrong = [
        signed(key(tmp_path, "mallory")),
        signed(ada, signed_text(other.digest)),
        signed(ada, namespace="git"),
        good[:-40],
        good.replace(b"SIGNATURE", b"SIGNATURF"),
        b"x" * 20_000 + good,
        b"",
        b"\x00\xff",
        ASKED.digest.encode(),
    ]
    told = [collected(decisions, content) for content in wrong]
    assert [approved for approved, _ in told] == [None] * len(wrong)
    assert "is not a signature of this request by an allowed key" in str(told[0][1])
    assert f"aexp relay approve {ONE[:8]} --queue /q --key" in str(told[0][1])
    assert [ignored for _, ignored in told[1:]] == [None] * (len(wrong) - 1)
    assert collected(decisions, good)[0] is not None


@pytest.mark.parametrize(
    ("who", "options", "counts"),
    [
        ("*@example.org", "", True),
        ("ada", 'namespaces="aexp-relay-consent"', True),
        ("ada", 'namespaces="git"', False),
        ("ada", 'valid-before="20200101"', False),
        ("-n", "", True),
    ],
)
def test_the_allowed_signers_file_means_what_openssh_says(
    ada: Path, who: str, options: str, counts: bool
) -> None:
    signers = AllowedSigners(b"# people\n\n" + line(ada, who, options), system_keygen())
    assert (signers.signer_of(TEXT, signed(ada)) is not None) is counts


def test_the_signers_are_those_of_the_start(
    ada: Path, tmp_path: Path, decisions: SignedDecisions
) -> None:
    file = tmp_path / "allowed"
    file.write_bytes(line(ada, "ada"))
    mallory = key(tmp_path, "mallory")
    storage = MemoryStorage(ManualClock())
    made = chosen(storage, file)
    assert made.mode is Mode.SIGNED
    file.write_bytes(line(mallory, "mallory"))
    made.park(ASKED)
    storage.put(f"approved/{ONE}", signed(mallory))
    assert made.collect({ONE}).approved == {}
    storage.put(f"approved/{ONE}", signed(ada))
    assert [*made.collect({ONE}).approved] == [ONE]


def test_a_file_of_signers_that_is_not_there_or_names_nobody_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no file of allowed signers"):
        chosen(MemoryStorage(ManualClock()), tmp_path / "none")
    with pytest.raises(SettingsError, match="cannot be read"):
        chosen(MemoryStorage(ManualClock()), tmp_path)
    with pytest.raises(SettingsError, match="names no key"):
        AllowedSigners(b"# nobody\n\n", system_keygen())


def test_links_in_the_place_of_signatures_are_not_followed(ada: Path, tmp_path: Path) -> None:
    storage = open_file_queue(f"{tmp_path}/queue", ManualClock())
    decisions = SignedDecisions(storage, line(ada, "ada"), system_keygen())
    decisions.park(ASKED)
    elsewhere = tmp_path / "signature"
    elsewhere.write_bytes(signed(ada))
    storage.put("approved/other", b"")
    place = tmp_path / f"queue/approved/{ONE}"
    place.symlink_to(elsewhere)
    assert decisions.collect({ONE}).approved == {}
    place.unlink()
    os.mkfifo(place)
    assert decisions.collect({ONE}).approved == {}
    place.unlink()
    shutil.copy(elsewhere, place)
    assert [*decisions.collect({ONE}).approved] == [ONE]


def test_a_flood_of_bad_signatures_neither_holds_up_nor_keeps_out_a_good_one(
    ada: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = MemoryStorage(ManualClock())
    decisions = SignedDecisions(storage, line(ada, "ada"), system_keygen())
    asked = [Petition(f"{n:032x}", "wandb_sync", (), "/x", "/x") for n in range(20)]
    ids = [one.request_id for one in asked]
    for one in asked:
        decisions.park(one)
    checks: list[bytes] = []
    check = AllowedSigners.signer_of

    def counted(self: AllowedSigners, text: bytes, signature: bytes) -> str | None:
        checks.append(text)
        return check(self, text, signature)

    monkeypatch.setattr(AllowedSigners, "signer_of", counted)
    good = signed(ada, signed_text(asked[-1].digest))
    turns = 0
    while ids[-1] not in decisions.collect(ids).approved:
        turns += 1
        assert turns < 30
        for request_id in ids[:-1]:
            storage.put(f"approved/{request_id}", f"again {turns}".encode())
        storage.put(f"approved/{ids[-1]}", good if turns > 8 else b"")
    assert len(checks) <= (turns + 1) * MAX_CHECKS
    before = len(checks)
    for _ in range(10):
        decisions.collect(ids)
    calm = len(checks)
    assert calm - before <= len(ids)
    decisions.collect(ids)
    assert len(checks) == calm


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a shell with an ssh agent."""
    socket = tmp_path / "agent"
    command = ["ssh-agent", "-s", "-a", str(socket)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pid = int(said.split("SSH_AGENT_PID=")[1].split(";")[0])
    yield {"SSH_AUTH_SOCK": str(socket), "PATH": os.environ["PATH"]}
    os.kill(pid, signal.SIGTERM)


def test_the_agent_signs_for_a_public_key(
    decisions: SignedDecisions, ada: Path, agent: dict[str, str]
) -> None:
    subprocess.run(["ssh-add", "-q", str(ada)], env=agent, check=True)
    ada.unlink()
    signer = SshSigner(None, {**agent, "AEXP_RELAY_SIGN_KEY": str(ada.with_suffix(".pub"))})
    assert collected(decisions, signer.sign(TEXT))[0] is not None


def test_a_key_that_cannot_sign_is_an_error_that_says_what_to_do(
    ada: Path, agent: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="no key was named"):
        SshSigner(None, {}).sign(TEXT)
    with pytest.raises(SettingsError, match="There is no key"):
        SshSigner(str(tmp_path / "none"), {}).sign(TEXT)
    ada.unlink()
    with pytest.raises(SettingsError, match="did not sign"):
        SshSigner(str(ada.with_suffix(".pub")), agent).sign(TEXT)
