"""What can be read of the relay as resources: the requests, one of them, and its output."""

import json
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from aexp.cli.mcp.harmless import MOST_CHARS, harmless
from aexp.cli.mcp.hints import for_agent, next_step
from aexp.cli.mcp.logs import last_lines, source
from aexp.cli.mcp.relay import Relay
from aexp.cli.mcp.telling import line_of
from aexp.domain.errors import AexpError, RelayNotFoundError
from aexp.domain.text import visible_lines

REQUESTS, REQUEST, LOG = "relay://requests", "relay://requests/{id}", "relay://requests/{id}/log"
_MOST = 200


class Resources:
    """The resources of one relay. All they say comes from the queue: data, not instructions."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def requests(self) -> str:
        """The open requests, then the answered, the latest first; at most 200."""
        try:
            views = self._relay.all()[:_MOST]
        except AexpError as exc:
            raise _told(exc) from exc
        return _json([line_of(view).model_dump(mode="json") for view in views])

    def request(self, id: str) -> str:  # noqa: A002 -- It is called so in the address.
        """One request, by its id or the first digits of it."""
        try:
            view = self._relay.view(self._relay.handle(id).id)
        except AexpError as exc:
            raise _told(exc) from exc
        told: dict[str, Any] = line_of(view).model_dump(mode="json")
        said = {
            "error": view.error,
            "hint": for_agent(view.hint) if view.hint else None,
            "duration_s": view.duration_s,
        }
        return _json({**told, **{name: value for name, value in said.items() if value is not None}})

    def log(self, id: str) -> str:  # noqa: A002
        """The end of a request's output."""
        try:
            full_id = self._relay.handle(id).id
            self._relay.view(full_id)
            piece = last_lines(source(self._relay, full_id), 10_000, MOST_CHARS)
        except AexpError as exc:
            raise _told(exc) from exc
        return visible_lines(piece.text)


def add_resources(server: MCPServer[Any], relay: Relay) -> None:
    """Let the server serve them."""
    held, of_json = Resources(relay), "application/json"
    server.resource(REQUESTS, name="requests", mime_type=of_json)(held.requests)
    server.resource(REQUEST, name="request", mime_type=of_json)(held.request)
    server.resource(LOG, name="log", mime_type="text/plain")(held.log)


def _json(value: object) -> str:
    return json.dumps(harmless(value), ensure_ascii=False, indent=1)


def _told(error: AexpError) -> ResourceError:
    kind = ResourceNotFoundError if isinstance(error, RelayNotFoundError) else ResourceError
    return kind(visible_lines(f"{error.what} {next_step(error)}".strip(), limit=2000))
