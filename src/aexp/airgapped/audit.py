"""The audit trail: one line for each thing that happens to a request."""

import json
import logging

from aexp.domain.text import visible

logger = logging.getLogger("aexp.relay")


class Audit:
    """Writes ``<request id> <event> key=value …``; what a request says is escaped and bounded."""

    def note(self, event: str, request_id: str = "-", **facts: object) -> None:
        """Something happened as it should."""
        logger.info("%s", _line(event, request_id, facts))

    def warn(self, event: str, request_id: str = "-", **facts: object) -> None:
        """Something happened that a person should look at."""
        logger.warning("%s", _line(event, request_id, facts))


def _line(event: str, request_id: str, facts: dict[str, object]) -> str:
    told = [f"{key}={_value(value)}" for key, value in facts.items() if value is not None]
    return " ".join([request_id, event, *told])


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = visible(str(value), limit=400)
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text else text
