"""The daemon's check of every field's type, by pydantic: for a payload that keeps the rules already.

Apart from :mod:`aexp.domain.requests`, because a client never needs it and pydantic is slow to import.
"""

from pydantic import TypeAdapter

from aexp.domain.requests import Request

_REQUEST = TypeAdapter(Request)


def checked_request(body: object) -> Request:
    """The request in a payload.

    Raises:
        ValueError: a field is missing, unknown or of another type.
    """
    return _REQUEST.validate_python(body)
