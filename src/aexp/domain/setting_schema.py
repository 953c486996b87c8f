"""The settings as JSON Schema, which takes what :func:`~aexp.domain.setting_file.read_file` takes."""

from typing import Any

from aexp.domain.configuration import KEYS


def schema(*, of_repository: bool = False) -> dict[str, Any]:
    """What a file may hold, as JSON Schema.

    Args:
        of_repository: for a repository's file, which may not set policy.
    """
    sections: dict[str, Any] = {}
    for key in KEYS:
        if not (of_repository and key.policy):
            section, _, name = key.name.partition(".")
            held = sections.setdefault(section, {"type": ["object", "null"], "properties": {}})
            held["additionalProperties"] = False
            kind = key.kind_in(of_repository=of_repository)
            held["properties"][name] = {**kind.schema, "description": key.meaning}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "aexp: .aexp/config.yaml" if of_repository else "aexp: the user's config.yaml",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": sections,
    }
