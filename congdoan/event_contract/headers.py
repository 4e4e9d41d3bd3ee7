"""Which headers travel with an event, and what do they say?"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from chassis.recorded import Metadata

Json = dict[str, Any]

_OF_METADATA = {
    "unit": "Code of the unit in whose history it stands.",
    "effective": "The day it was true.",
    "actor": "Who acted: the subject of the token, the role used, and the unit it was held at. No name of a person.",
    "command_id": "The id of the command; null where there was none.",
    "correlation_id": "The first command of the chain.",
    "causation_id": "What led to this directly: an event (service/position), or the command itself.",
    "traceparent": "W3C trace context of the command; empty where it was not traced.",
}


def _metadata() -> Json:
    """Who, when and why, as it stands in a header once that is decoded; without references, so that it may stand anywhere."""
    schema = TypeAdapter(Metadata).json_schema()
    properties = {**schema["properties"], "actor": schema.pop("$defs")["Actor"]}
    worded = {name: {**body, "description": _OF_METADATA[name]} for name, body in properties.items()}
    return {**schema, "properties": worded, "description": "The value, decoded."}


_TEXT = {"type": "string"}
_NUMBER = {"type": "string", "pattern": "^[1-9][0-9]*$"}
HEADERS: Mapping[str, tuple[Json, str]] = {
    "ce-specversion": ({"type": "string", "const": "1.0"}, "CloudEvents version, 1.0."),
    "ce-id": (
        {"type": "string", "pattern": "^[a-z]+/[1-9][0-9]*$"},
        "Stable id of the event in the whole federation: service/position.",
    ),
    "ce-source": ({"type": "string", "pattern": "^/federation/[a-z]+$"}, "The service that said it: /federation/service."),
    "ce-type": (_TEXT, "The topic, e.g. membership.member_joined."),
    "ce-time": ({"type": "string", "format": "date-time"}, "When it was recorded, RFC 3339 in UTC."),
    "ce-subject": ({"type": "string", "format": "uuid"}, "The aggregate it happened to, a UUID."),
    "ce-position": (_NUMBER, "Gap-free number of the event in its service, from 1; the sequence of the service's stream."),
    "ce-aggregateversion": (_NUMBER, "Gap-free number of the event in its aggregate, from 1."),
    "ce-branch": (_TEXT, "The province or central union the unit lay under, or national."),
    "ce-branchposition": (_NUMBER, "Gap-free number of the event in its service and branch, from 1."),
    "ce-metadata": (
        {"type": "string", "x-decoded": _metadata()},
        "Who, when and why: the stored JSON, byte for byte; whatever is no printable ASCII, and %, is percent-encoded.",
    ),
    "content-type": ({"type": "string", "const": "application/json"}, "Of the body."),
    "traceparent": (_TEXT, "W3C trace context of the command."),
}
OPTIONAL_HEADERS = {"traceparent"}


def headers_schema() -> Json:
    """JSON Schema of the headers of an event."""
    properties = {name: {**schema, "description": text} for name, (schema, text) in HEADERS.items()}
    return {"type": "object", "properties": properties, "required": [name for name in HEADERS if name not in OPTIONAL_HEADERS]}
