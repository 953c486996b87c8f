"""Secrets stay home: what is redacted, what is not, in one piece and in a stream."""

import base64
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aexp.domain import secret_shapes
from aexp.domain.output import BoundedOutput
from aexp.domain.redaction import MARK, MAX_LINE, Redactor, secrets_of
from aexp.domain.secret_shapes import REACH, secrets_in

LETTERS = "Zq3vX9kLm2Rt7Yw5Bn8Cd4Fg6Hj1Ps0Qe"
HEX = "0123456789abcdef0123456789abcdef01234567"
KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + "\n".join([base64.b64encode(bytes(range(n, n + 48))).decode() for n in range(20)])
    + "\n-----END OPENSSH PRIVATE KEY-----"
)
# What is said, and the part of it that must not be shown.
SECRETS = [
    (f"https://user:{LETTERS}@git.example.org/o/r.git", LETTERS),
    (f"https://x-access-token:{LETTERS}@git.example.org/o/r.git", LETTERS),
    (f"https://oauth2:{LETTERS}@git.example.org/o/r.git", LETTERS),
    (f"https://{LETTERS}@git.example.org/o/r.git", LETTERS),
    (f"https://{LETTERS}:x-oauth-basic@git.example.org/o/r.git", LETTERS),
    ("http://user:p@ss@proxy.example.org:3128", "p@ss"),
    ("https://user:pa/ss@git.example.org/o", "pa/ss"),
    *((f"{start}{LETTERS}", LETTERS) for start in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    *((f"{start}{LETTERS}", LETTERS) for start in ("github_pat_11A_", "glpat-", "hf_", "npm_")),
    (f"pypi-AgEIcHlwaS5vcmc{LETTERS}", LETTERS),
    ("AKIAZQ3VX9KLM2RT7YW5", "ZQ3VX9KLM2RT7YW5"),
    *((f"xox{kind}-12345-{LETTERS}", LETTERS) for kind in "abprs"),
    (f"sk-{LETTERS}", LETTERS),
    (f"sk-ant-api03-{LETTERS}", LETTERS),
    (f"wandb_v1_{LETTERS}_{LETTERS}", LETTERS),
    (f"local-{HEX}", HEX),
    (f"wandb: API key is {HEX}", HEX),
    (f"wandb login --relogin {HEX}", HEX),
    (f"machine api.example.org login user password {HEX}", HEX),
    (f"Authorization: Bearer {LETTERS}", LETTERS),
    (f"> authorization: Basic {LETTERS}==", LETTERS),
    (f'{{"Authorization": "Bearer {LETTERS}", "a": 1}}', LETTERS),
    (f"with bearer {LETTERS}", LETTERS),
    (f"Cookie: session={LETTERS}; other=1", LETTERS),
    (f"PRIVATE-TOKEN: {LETTERS}", LETTERS),
    (f"WANDB_API_KEY={HEX}", HEX),
    (f'api_key = "{LETTERS}"', LETTERS),
    (f"https://h.example.org/x?access_token={LETTERS}&page=2", LETTERS),
    (f"https://h.example.org/x?X-Amz-Signature={LETTERS}", LETTERS),
    (f"next%3Ftoken%3D{LETTERS}", LETTERS),
    ('"password": "correct horse battery"', "correct horse battery"),
    ('{\\"token\\": \\"hunter2\\"}', "hunter2"),
    ("password='correct horse battery'", "horse battery"),
    ("db_password=hunter2", "hunter2"),
    ("--password hunter2 --verbose", "hunter2"),
    (f"env['TOKEN'] = '{LETTERS}'", LETTERS),
    (f"//registry.example.org/:_authToken={LETTERS}", LETTERS),
    (f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{LETTERS}", LETTERS),
    (KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"),
    (KEY.replace("\n", "\\n"), "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8w"),
]
ORDINARY = [
    "commit 9876543210abcdef9876543210abcdef98765432",
    "   0123456..89abcde  main -> origin/main",
    "To https://git.example.org/o/r.git",
    "ssh://git@git.example.org:22/o/r.git",
    "git@git.example.org:o/r.git",
    "https://user@git.example.org/o/r.git",
    "https://git.example.org:8443/o/r.git@v1.2",
    "fatal: could not read Password for 'https://user@git.example.org': terminal prompts disabled",
    "remote: Invalid username or token. Password authentication is not supported.",
    "wandb: Find logs at: ./wandb/offline-run-20260101_120000-abcdefgh/logs",
    "wandb: View run at https://wandb.example.org/team/project/runs/abcdefgh",
    "branch risk-assessment-of-the-long-running-experiments",
    "tokenizer=bert-base n_tokens=1024 keyboard: us",
    "hf_transformers_model_card npm_config_cache pypi-simple",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]


@pytest.mark.parametrize(("said", "secret"), SECRETS)
def test_a_secret_of_a_known_shape_is_redacted(said: str, secret: str) -> None:
    shown = Redactor().text(f"before\n{said}\nafter")
    assert secret not in shown
    assert MARK in shown
    assert shown.startswith("before\n")
    assert shown.endswith("\nafter")


@pytest.mark.parametrize("said", ORDINARY)
def test_what_is_no_secret_stays(said: str) -> None:
    assert Redactor().text(said) == said


def test_a_line_of_a_netrc_is_redacted() -> None:
    said = "machine h.example.org\n  login u\n  password hunter2\nno password here\n"
    assert Redactor().text(said) == said.replace("hunter2", MARK)


def test_the_rest_of_a_url_stays() -> None:
    shown = Redactor().text(
        f"fatal: 'https://x-access-token:{LETTERS}@git.example.org/o/r.git/': 403"
    )
    assert shown == f"fatal: 'https://x-access-token:{MARK}@git.example.org/o/r.git/': 403"


def test_a_known_secret_is_found_without_any_shape_also_in_urls_and_json() -> None:
    redactor = Redactor(['pa ss/"wörd"'])
    for form in ('pa ss/"wörd"', "pa%20ss%2F%22w%C3%B6rd%22", 'pa ss/\\"w\\u00f6rd\\"'):
        assert redactor.text(f"<{form}>") == f"<{MARK}>"


@pytest.mark.parametrize(
    "secret", ["", "abc", "redacted", "[redacted]", "[redac", "d]", "]d]d]d]["]
)
def test_a_secret_that_the_mark_would_show_again_does_no_harm(secret: str) -> None:
    redactor = Redactor([secret])
    once = redactor.text(f"a {secret} token={secret}x redacted [redacted] {secret}{secret}")
    assert redactor.text(once) == once
    assert len(once) < 200


def test_every_text_in_nested_data_is_redacted() -> None:
    data = {
        "args": ["origin", f"ghp_{LETTERS}"],
        "n": 3,
        "deep": {"url": "https://u:pw1@h/"},
        "token": "x",
    }
    assert Redactor().data(data) == {
        "args": ["origin", MARK],
        "n": 3,
        "deep": {"url": f"https://u:{MARK}@h/"},
        "token": MARK,
    }


def test_secrets_of_an_environment_are_those_with_telling_names_and_odd_values() -> None:
    secrets = {
        "WANDB_API_KEY": HEX,
        "GH_TOKEN": "abc123de",
        "MYTOKEN": "averylongsecretvalue",
        "DB_PASSWORD": "correct horse 1",
        "DEPLOY_KEY": "first-line-of-it\nsecond-line-of-it",
        "HTTPS_PROXY": "http://user:proxypass1@proxy.example.org",
    }
    ordinary = {
        "PATH": "/usr/bin:/bin",
        "TOKENIZERS_PARALLELISM": "a-long-ordinary-value",
        "CI_TOKEN": "enabled",
        "VAULT_TOKEN_FILE": "some-long-file-name",
        "SSH_KEY": "/home/user/.ssh/id_ed25519",
        "PASSWORD": "password",
        "HOME": "/home/user-with-a-long-name",
    }
    assert secrets_of({**secrets, **ordinary}) == {
        *(HEX, "abc123de", "averylongsecretvalue", "correct horse 1"),
        *("first-line-of-it", "second-line-of-it", "proxypass1"),
    }


fragments = st.sampled_from(
    [said for said, _ in SECRETS] + ORDINARY
    + [MARK, "[", "]", "redacted]", "=", ":", "://", "@", "'", '"', "\\", " ", "\n", "\r", "\t", "&",
       "%3D", "-", "token", "Authorization", "bearer ", "eyJ", ".", "password ",
       "-----BEGIN PRIVATE KEY-----", "AAAA"]
)  # fmt: skip
anything = st.lists(st.one_of(fragments, st.text(max_size=8)), max_size=12).map("".join)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_the_quick_look_at_a_short_text_misses_nothing(text: str) -> None:
    long = text + "\n" * secret_shapes.SHORT
    assert {span.start for span in secrets_in(long)} == {span.start for span in secrets_in(text)}


@pytest.mark.parametrize(("said", "secret"), SECRETS)
def test_the_quick_look_knows_every_shape(said: str, secret: str) -> None:
    assert secret in said
    assert secrets_in(said)


@given(anything, st.lists(st.text(min_size=4, max_size=12), max_size=3))
@settings(max_examples=150, deadline=None)
def test_redacting_again_changes_nothing_and_nothing_raises(text: str, secrets: list[str]) -> None:
    redactor = Redactor(secrets)
    once = redactor.text(text)
    assert redactor.text(once) == once


def in_pieces(data: bytes, cuts: list[int], redactor: Redactor) -> bytes:
    stream = redactor.stream()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    passed = [stream.feed(data[a:b]) for a, b in pairwise(edges)]
    return b"".join([*passed, stream.close()])


planted = st.lists(
    st.one_of(st.sampled_from(SECRETS), st.sampled_from([(w, "") for w in ORDINARY]))
)


@given(
    planted, st.lists(st.integers(0, 1 << 16), max_size=12), st.sampled_from(["\n", "\r", "\r\n"])
)
@settings(max_examples=150, deadline=None)
def test_a_planted_secret_never_survives_whichever_way_the_stream_is_cut(
    parts: list[tuple[str, str]], cuts: list[int], end: str
) -> None:
    data = end.join(said for said, _ in parts).encode()
    shown = in_pieces(data, cuts, Redactor()).decode()
    for _, secret in parts:
        assert not secret or secret not in shown


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
@settings(max_examples=150, deadline=None)
def test_bytes_without_secrets_pass_unchanged(data: bytes, cuts: list[int]) -> None:
    if Redactor().text(data.decode("utf-8", "surrogateescape")).find(MARK) < 0:
        assert in_pieces(data, cuts, Redactor()) == data


@pytest.mark.parametrize(("said", "secret"), SECRETS)
def test_a_secret_split_at_any_byte_is_redacted_and_the_stream_says_what_the_whole_says(
    said: str, secret: str
) -> None:
    data = f"before {said}\nafter\n".encode()
    whole = Redactor().text(data.decode()).encode()
    for cut in range(0, len(data), 1 if len(data) < 400 else 7):
        shown = in_pieces(data, [cut], Redactor())
        assert secret.encode() not in shown
        if "PRIVATE KEY" not in said:
            assert shown == whole


@pytest.mark.thorough
@pytest.mark.parametrize(("said", "secret"), [one for one in SECRETS if "\n" not in one[0]])
def test_a_secret_across_the_cut_in_a_line_without_end_is_redacted(said: str, secret: str) -> None:
    filler = b"x" * MAX_LINE + b" "
    for after in range(1, len(said), max(len(said) // 9, 1)):
        # All but the last REACH characters may be passed on: that cut falls into the secret.
        stream = Redactor().stream()
        passed = stream.feed(filler + said.encode() + b" " + b"y" * (REACH - 1 - after))
        assert passed.startswith(filler[:MAX_LINE])
        passed += stream.feed(b"z" * MAX_LINE) + stream.close()
        assert secret.encode() not in passed
        assert not any(secret[at : at + 12].encode() in passed for at in range(len(secret) - 12))


def test_a_line_is_passed_on_as_soon_as_it_ends() -> None:
    stream = Redactor().stream()
    assert (
        stream.feed(b"Receiving: 10%\rReceiving: 20%\rRecei") == b"Receiving: 10%\rReceiving: 20%\r"
    )
    assert stream.feed(b"ving: 30%\n") == b"Receiving: 30%\n"
    assert stream.feed(b"Username: ") == b""
    assert stream.close() == b"Username: "


def test_what_is_held_back_is_bounded_and_an_endless_secret_shows_nothing() -> None:
    stream = Redactor().stream()
    given_in = passed = 0
    for _ in range(64):
        given_in += 8192
        passed += len(stream.feed(b"x" * 8192))
        assert given_in - passed <= MAX_LINE + 8192
    endless = Redactor().stream()
    shown = endless.feed(b"token=") + b"".join(endless.feed(b"q" * 8192) for _ in range(64))
    shown += endless.feed(b"qq\nthe next line\n") + endless.close()
    assert shown == f"token={MARK}\nthe next line\n".encode()


def test_a_private_key_that_never_ends_hides_what_looks_like_it_and_no_more() -> None:
    cut = KEY.rpartition("\n")[0].encode()
    for size in (7, 64, 10_000):
        stream = Redactor().stream()
        pieces = [cut[at : at + size] for at in range(0, len(cut), size)]
        shown = b"".join(map(stream.feed, pieces)) + stream.feed(b"\nerror: no such key\n")
        shown += stream.close()
        assert b"AAEC" not in shown
        assert b"MTIz" not in shown
        assert shown == f"{MARK}\nerror: no such key\n".encode()


def test_half_a_secret_at_the_gap_of_a_bounded_answer_is_not_shown() -> None:
    said = f"https://user:{LETTERS}@git.example.org/"
    for before in range(60, 110):
        stream, output = Redactor().stream(), BoundedOutput(200)
        data = (
            "x" * before + f"\n{said} {said}\n" + "y" * 400 + f"\n{said}\n" + "z" * before
        ).encode()
        for at in range(0, len(data), 13):
            output.add(stream.feed(data[at : at + 13]))
        output.add(stream.close())
        output.close()
        shown = Redactor().text(output.text("the log"))
        assert not any(LETTERS[at : at + 6] in shown for at in range(len(LETTERS) - 6))


HOSTILE = [
    "token=", "://", "://a@", "://a:b@", "://a:", "eyJ", "eyJ.", "ghp_", "sk-", "a", " ", " \n", "cookie:",
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA\n", "-----END PRIVATE KEY-----",
    "machine a login b ", "password ", "api key ", "bearer a1", "--token ", 'token="', "token=\\",
    "abc=", "a-", "remote: ", "%3D", "\r",
]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_takes_linear_time(part: str) -> None:
    text = "PRIVATE KEY token bearer api password :// @ eyJ\n" + part * ((1 << 18) // len(part))
    assert seconds(Redactor(), text) < 30 * (seconds(Redactor(), text[: 1 << 15]) + 0.05)


def seconds(redactor: Redactor, text: str) -> float:
    began = time.perf_counter()
    redactor.text(text)
    return time.perf_counter() - began


def test_other_values_pass_through_data() -> None:
    values: list[Any] = [None, 1, 2.5, True, "plain"]
    assert Redactor().data(values) == values
