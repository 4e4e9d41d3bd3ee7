"""What exactly do the services say on the bus? AsyncAPI 3, JSON Schema and a dictionary, from the event classes themselves.

``congdoan events contract`` writes them to ``docs/events``; they are kept as reviewed snapshots. What was released there may
only grow by what its readers can pass over: anything else would misread what is stored already, or break who reads it
elsewhere, and is refused; see :mod:`congdoan.event_contract.compatibility`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from congdoan.event_contract import dictionary, hub, provinces
from congdoan.event_contract.compatibility import BreakingChange, check_document, check_schema
from congdoan.event_contract.schemas import every_event, schema_name, schema_of, versions_of

__all__ = ["BreakingChange", "documents", "write"]

HUB, PROVINCES, SCHEMAS = "asyncapi.json", "provinces/asyncapi.json", "schemas"


def documents() -> Iterator[tuple[str, str]]:
    """Every document of the contract: path below its folder, and text."""
    yield HUB, _text(hub.asyncapi())
    yield PROVINCES, _text(provinces.asyncapi())
    yield "dictionary.md", dictionary.page()
    for event in every_event():
        yield f"{SCHEMAS}/{schema_name(event)}", _text(schema_of(event))


def write(folder: Path) -> list[str]:
    """Write what changed below a folder, and answer its paths; nothing is written when something would break.

    :raises BreakingChange: what stands there was released, and would no longer hold.
    """
    check(folder)
    changed = []
    for name, text in documents():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(name)
    return changed


def check(folder: Path) -> None:
    """Whether everything that was released into a folder still holds.

    :raises BreakingChange: an event or a version of it is known no more, or a document says something else.
    """
    for name, text in documents():
        path = folder / name
        if path.exists() and path.suffix == ".json":
            holds = check_schema if name.startswith(SCHEMAS) else check_document
            holds(name, json.loads(path.read_text()), json.loads(text))
    kept = {schema_name(event, version) for event in every_event() for version in versions_of(event)}
    if gone := sorted({path.name for path in (folder / SCHEMAS).glob("*.json")} - kept):
        raise BreakingChange(f"{', '.join(gone)}: what was announced stays on the streams, and its class stays")


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
