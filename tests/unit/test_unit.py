"""The systemd user unit: what it says, how it is quoted, and that systemd itself understands it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.domain.unit import Unit, environment, host_of, is_edited, quoted

ODD = '/home/a b/100%/"q"/ü\\$x;#'
UNIT = Unit("login1", "/home/ada/.relay", ("/usr/bin/python3", "-P", "-m", "aexp"), {}, 252)
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed (Debian: apt-get install systemd)",
)


def verified(unit: Unit, folder: Path) -> str:
    """What systemd has to say against a unit."""
    path = folder / "aexp-relay.service"
    path.write_text(unit.text(), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(path)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "aexp-relay" in line]
    return "\n".join(ours) if ours or done.returncode == 0 else done.stderr


def test_it_starts_on_its_host_alone() -> None:
    assert "\nConditionHost=login1\n" in UNIT.text()
    assert host_of(UNIT.text()) == "login1"


def test_a_stop_is_waited_for_longer_than_a_daemon_needs() -> None:
    from aexp.airgapped.daemon import STOP_WITHIN_S
    from aexp.domain.unit import STOP_S

    assert STOP_S > STOP_WITHIN_S
    assert f"TimeoutStopSec={STOP_S}\n" in UNIT.text()


@pytest.mark.parametrize(("version", "said"), [(239, 0), (252, 0), (254, 1)])
def test_a_setting_is_used_only_where_systemd_knows_it(version: int, said: int) -> None:
    text = Unit("login1", "/q", ("/p",), {}, version).text()
    assert text.count("RestartMaxDelaySec") == said
    assert text.count("OOMPolicy") == (version > 239)


def test_an_edit_is_seen() -> None:
    text = UNIT.text()
    assert not is_edited(text)
    assert is_edited(text.replace("on-failure", "always"))
    assert is_edited(f"{text}\n")
    assert is_edited(f"# mine\n{text}")
    assert is_edited("[Unit]\n")
    assert is_edited("")


def test_settings_go_into_the_unit_and_credentials_do_not() -> None:
    shell = {
        "AEXP_RELAY_STRICT": "1", "AEXP_RELAY_QUEUE": "/q", "AEXP_RELAY_WANDB": "", "PATH": "/bin",
        "WANDB_API_KEY": "secret", "HOME": "/home/ada", "https_proxy": "http://proxy:3128",
        "http_proxy": "http://ada:secret@proxy", "SSH_AUTH_SOCK": "/tmp/ssh-x/agent.1",
    }  # fmt: skip
    kept = environment(shell, "/run/user/7")
    assert kept == {
        "AEXP_RELAY_STRICT": "1", "PATH": "/bin", "https_proxy": "http://proxy:3128",
    }  # fmt: skip
    lasting = {"SSH_AUTH_SOCK": "/run/user/7/agent"}
    assert environment(lasting, "/run/user/7") == lasting


def test_words_are_quoted_as_systemd_reads_them() -> None:
    assert quoted("/usr/bin/python3.11") == "/usr/bin/python3.11"
    assert quoted("") == '""'
    assert quoted("a b") == '"a b"'
    assert quoted("50%") == '"50%%"'
    assert quoted("$x", dollar=True) == '"$$x"'
    assert quoted("a\nb\x1b") == '"a\\x0ab\\x1b"'
    assert quoted("\udcff") == '"\\xff"'


def test_a_dollar_in_the_programs_path_stays_one() -> None:
    text = Unit("h", "/q", ("/a$b/python", "-P"), {}).text()
    assert '\nExecStart=/usr/bin/env "/a$$b/python" -P\n' in text


def test_the_description_stays_one_line() -> None:
    assert (
        "Description=aexp relay for a?[Service]?b%%\\/\n"
        in Unit("h", "a\n[Service]\nb%\\", ("/p",), {}).text()
    )


@needs_systemd
def test_systemd_understands_it(tmp_path: Path) -> None:
    odd = ("/usr/bin/env", ODD, f"--log={ODD}", "")
    plain = Unit("login1", "/home/ada/.relay", ("/usr/bin/env", "true"), {"PATH": "/bin"}, 252)
    assert verified(plain, tmp_path) == ""
    assert verified(Unit("login1", ODD, odd, {"AEXP_RELAY_LOG": ODD}, 252), tmp_path) == ""


@needs_systemd
def test_what_systemd_does_not_understand_is_noticed(tmp_path: Path) -> None:
    assert verified(Unit("login1", "/q", ("relative/program",), {}, 252), tmp_path) != ""


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_what_is_quoted_is_read_back(word: str) -> None:
    assert unquoted(quoted(word)) == word


def unquoted(text: str) -> str:
    """As systemd.syntax(7) has it."""
    if text.startswith('"'):
        text = text[1:-1]
    found = bytearray()
    rest = iter(text.replace("%%", "%"))
    for char in rest:
        if char != "\\":
            found += char.encode()
            continue
        follows = next(rest)
        found += bytes([int(next(rest) + next(rest), 16)]) if follows == "x" else follows.encode()
    return found.decode()
