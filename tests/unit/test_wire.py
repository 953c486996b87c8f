"""Reading JSON from strangers."""

import contextlib
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.domain import wire


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"  \n", "not JSON"),
        (b"null", "NoneType"),
        (b"[1]", "list"),
        (b'"git_pull"', "str"),
        (b'{"op": "a"', "not JSON"),
        (b'{"op": "a"} x', "not JSON"),
        (b'{"op": "a"}\0\0\0', "not JSON"),
        (b'{"op": \0"a"}', "not JSON"),
        (b'\xef\xbb\xbf{"op": 1}', "not JSON"),
        (b'{"op": "\xff"}', "UTF-8"),
        (b'{"op": "\xc1\xa7"}', "UTF-8"),
        (b'{"op": "\xed\xa0\x80"}', "UTF-8"),
        (b'{"op": NaN}', "NaN"),
        (b'{"op": -Infinity}', "Infinity"),
        (b'{"op": 1, "op": 2}', "twice"),
        (b'{"op": 1, "\\u006fp": 2}', "twice"),
        (b'{"op": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"[" * 9 + b"]" * 9, "deeper"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "deeper"),
        (b"[" * 60_000, "deeper"),
        (b"// x\n{}", "not JSON"),
        (b"x" * (wire.MAX_BYTES + 1), "bytes"),
        (b"\x80\x04\x95\x0b", "UTF-8"),
    ],
)
def test_what_is_not_one_json_object_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(wire.WireError, match=why):
        wire.decode(data)


@pytest.mark.parametrize(
    "data", [b"{}", b'{"a": 1}\n', b'{\n "a": "[[[[[[[[[[\\"[[["\n}', b'{"a": [{}]}']
)
def test_one_json_object_is_read(data: bytes) -> None:
    assert wire.decode(data) == json.loads(data)


def test_a_long_output_is_read_without_taking_many_times_its_memory() -> None:
    data = wire.encode({"stdout": "a line\n" * 200_000})
    tracemalloc.start()
    try:
        wire.decode(data, max_bytes=len(data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(data)


@pytest.mark.parametrize("end", [b"", b"\\", b'"', b'\\"'])
def test_an_open_string_full_of_quotes_costs_no_time(end: bytes) -> None:
    # With quadratic work these would take minutes and fail by the suite's time limit.
    for start in (b'{"', b'"'):
        for _ in range(10):
            with pytest.raises(wire.WireError):
                wire.decode(start + b'\\"' * 32_000 + end)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_the_one_error(data: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        assert isinstance(wire.decode(data), dict)


@given(
    st.dictionaries(st.text(), st.one_of(st.text(), st.integers(-(10**9), 10**9), st.booleans()))
)
def test_what_we_write_we_read_again(body: dict[str, object]) -> None:
    assert wire.decode(wire.encode(body)) == body
