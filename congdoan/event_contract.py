"""What exactly do the services say on the bus? AsyncAPI 3 and JSON Schema, written from the event classes themselves.

``make contracts`` writes them to ``docs/events``; they are kept as reviewed snapshots. A schema that was
written once for a version of a topic may only grow by fields that have a default: anything else would misread what is
stored already, or break who reads it elsewhere, and needs the next schema version with an upcaster.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import awards.events  # noqa: F401 - importing the modules is what fills TOPICS
import membership.events  # noqa: F401
import notifications.events  # noqa: F401
import welfare.events  # noqa: F401
from chassis.events import TOPICS, Event

SERVICES = ("membership", "welfare", "awards", "notifications")
HEADERS = {
    "ce-specversion": "CloudEvents version, 1.0.",
    "ce-id": "Stable id of the event in the whole federation: service/position.",
    "ce-source": "The service that said it: /federation/service.",
    "ce-type": "The topic, e.g. membership.member_joined.",
    "ce-time": "When it was recorded, RFC 3339 in UTC.",
    "ce-subject": "The aggregate it happened to, a UUID.",
    "ce-position": "Gap-free number of the event in its service, from 1; the stream's sequence.",
    "ce-aggregateversion": "Gap-free number of the event in its aggregate, from 1.",
    "ce-branch": "The province or central union the unit lay under, or national.",
    "ce-branchposition": "Gap-free number of the event in its service and branch, from 1.",
    "ce-metadata": "Who, when and why: the stored JSON, byte for byte.",
    "traceparent": "W3C trace context of the command.",
}


class BreakingChange(Exception):
    """A schema no longer says what it said for the same version."""


def events_of(service: str) -> list[type[Event]]:
    """The events of a service, by topic."""
    return [TOPICS[topic] for topic in sorted(TOPICS) if topic.startswith(f"{service}.")]


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON Schema 2020-12 of the stored and announced bytes of an event."""
    schema = event.model_json_schema()
    version = {"const": event.schema_version, "description": "Version of this schema.", "type": "integer"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:congdoan:{event.topic}:{event.schema_version}",
        **schema,
        "properties": {"schema_version": version, **schema["properties"]},
        "required": ["schema_version", *schema["required"]],
    }


def schema_name(event: type[Event]) -> str:
    """The file of an event's schema: one a topic and version; those of earlier versions stay."""
    return f"{event.topic}.v{event.schema_version}.json"


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document of everything the federation's services announce."""
    events = [event for service in SERVICES for event in events_of(service)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "congdoan: what the federation's services announce",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0"},
            "description": (
                "CloudEvents 1.0 in binary mode on NATS JetStream, one stream a service. The body is the stored JSON. "
                "Readers pass over fields they do not know. A field marked x-personal is empty or ciphertext, "
                "``sealed:1:`` and base64url, whatever it says: whoever may know a name asks membership."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {event.topic: _channel(event) for event in events},
        "operations": {f"announce.{event.topic}": _operation(event) for event in events},
        "components": {
            "messages": {event.topic: _message(event) for event in events},
            "schemas": {"headers": _headers()},
        },
    }


def _channel(event: type[Event]) -> dict[str, Any]:
    service, name = event.topic.split(".")
    return {
        "address": f"federation.{service}.{{branch}}.{name}",
        "messages": {event.topic: {"$ref": f"#/components/messages/{event.topic}"}},
        "parameters": {"branch": {"description": "Code of the province or central union, or national."}},
    }


def _operation(event: type[Event]) -> dict[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{event.topic}"}}


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.topic,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip(),
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"schemas/{schema_name(event)}"},
        },
    }


def _headers() -> dict[str, Any]:
    properties = {name: {"type": "string", "description": text} for name, text in HEADERS.items()}
    return {"type": "object", "properties": properties, "required": [name for name in HEADERS if name != "traceparent"]}


def documents() -> Iterator[tuple[str, str]]:
    """Every document of the contract: path below its folder, and text."""
    yield "asyncapi.json", _text(asyncapi())
    for service in SERVICES:
        for event in events_of(service):
            yield f"schemas/{schema_name(event)}", _text(schema_of(event))


def write(folder: Path) -> list[str]:
    """Write what changed below a folder, and answer its paths.

    :raises BreakingChange: a schema that stands there would no longer hold.
    """
    changed = []
    for name, text in documents():
        path = folder / name
        if path.exists() and path.read_text() == text:
            continue
        if path.exists() and name.startswith("schemas/"):
            check_compatible(name, json.loads(path.read_text()), json.loads(text))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        changed.append(name)
    return changed


def check_compatible(name: str, released: Mapping[str, Any], today: Mapping[str, Any]) -> None:
    """What was stored under the released schema reads under today's, and the reverse.

    :raises BreakingChange: a field went, changed its type, or became or ceased to be required.
    """
    before, after = released["properties"], today["properties"]
    broken = {field for field in before if field not in after or not _holds(before[field], after[field])}
    broken |= set(released["required"]) ^ set(today["required"])
    definitions = today.get("$defs", {})
    broken |= {key for key, old in released.get("$defs", {}).items() if not _holds(old, definitions.get(key, {}))}
    if broken:
        raise BreakingChange(f"{name}: {', '.join(sorted(broken))}; raise schema_version and write an upcaster")


def _holds(before: Any, after: Any) -> bool:
    """Whether a schema still means what it meant: words may change, and a list of values may grow."""
    if isinstance(before, dict) and isinstance(after, dict):
        wordless = ({key: schema[key] for key in schema.keys() - {"description", "title"}} for schema in (before, after))
        old, new = wordless
        return old.keys() == new.keys() and all(
            set(old[key]) <= set(new[key]) if key == "enum" else _holds(old[key], new[key]) for key in old
        )
    return bool(before == after)


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    print("\n".join(write(Path(sys.argv[1]))) or "nothing changed")
