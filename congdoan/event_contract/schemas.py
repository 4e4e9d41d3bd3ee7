"""What do the bytes of each event look like, and what do they mean? JSON Schema, from the classes themselves."""

from typing import Any, get_args

from pydantic import BaseModel

import audit.events  # noqa: F401 - importing the modules is what fills TOPICS
import awards.events  # noqa: F401
import membership.events  # noqa: F401
import notifications.events  # noqa: F401
import welfare.events  # noqa: F401
from chassis.events import TOPICS, Event
from chassis.wording import VALUES, Words, meaning_of, name_of
from congdoan.services import RECORDING, SERVICES

Json = dict[str, Any]
VERSION: Words = ("phiên bản của lược đồ này", "version of this schema")


def events_of(service: str) -> list[type[Event]]:
    """The events of a service, by topic."""
    return [TOPICS[topic] for topic in sorted(TOPICS) if topic.startswith(f"{service}.")]


def every_event() -> list[type[Event]]:
    """The events of all services, by service and topic."""
    return [event for service in SERVICES for event in events_of(service)]


def told_to_provinces() -> list[type[Event]]:
    """The events of which a province receives those of its branch."""
    return [event for service in RECORDING for event in events_of(service)]


def schema_of(event: type[Event]) -> Json:
    """JSON Schema 2020-12 of the stored and announced bytes of an event, with its words in Vietnamese and English."""
    schema = event.model_json_schema()
    version = {"const": event.schema_version, **_told(VERSION), "type": "integer"}
    models = {model.__name__: model for model in _nested(event)}
    definitions = {name: _worded(body, models.get(name)) for name, body in schema.get("$defs", {}).items()}
    for values, words in VALUES.items():
        if values.__name__ in definitions:
            definitions[values.__name__]["x-vi"] = {value: vietnamese for value, (vietnamese, _) in words.items()}
    worded = _worded({**schema, **({"$defs": definitions} if definitions else {})}, event)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:congdoan:{event.topic}:{event.schema_version}",
        **worded,
        "x-vi": event.vi,
        "properties": {"schema_version": version, **worded["properties"]},
        "required": ["schema_version", *schema["required"]],
    }


def schema_name(event: type[Event], version: int | None = None) -> str:
    """The file of an event's schema: one a topic and version, today's where none is given; earlier ones stay."""
    return f"{event.topic}.v{version or event.schema_version}.json"


def versions_of(event: type[Event]) -> range:
    """Every schema version that may stand on a stream: what was stored stays."""
    return range(1, event.schema_version + 1)


def message_of(event: type[Event], version: int, headers: str, schemas: str) -> Json:
    """An event in a version, as a message of an AsyncAPI document.

    :param headers: reference to the schema of the headers. :param schemas: where the schemas lie, from the document.
    """
    return {
        "name": event.topic,
        "title": name_of(event, "en"),
        "summary": " ".join((event.__doc__ or "").split()),
        "description": event.vi,
        "headers": {"$ref": headers},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"{schemas}/{schema_name(event, version)}"},
        },
    }


def _worded(schema: Json, model: type[BaseModel] | None) -> Json:
    """A schema of a model whose fields say what they mean."""
    if model is None:
        return dict(schema)
    properties = {name: {**body, **_told(meaning_of(model, name))} for name, body in schema["properties"].items()}
    return {**schema, "properties": properties}


def _told(words: Words) -> Json:
    return {"description": words[1], "x-vi": words[0]}


def _nested(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that stand in the fields of another, as `tuple[Model, ...]`."""
    found = [part for field in model.model_fields.values() for part in get_args(field.annotation)]
    return [part for part in found if isinstance(part, type) and issubclass(part, BaseModel)]
