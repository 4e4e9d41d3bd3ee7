"""What do the federation's services announce, and where? One AsyncAPI 3 document of everything on the bus."""

from collections.abc import Iterable
from typing import Any

from chassis.events import Event
from congdoan.event_contract.headers import headers_schema
from congdoan.event_contract.schemas import Json, every_event, message_of, versions_of

HEADERS = "#/components/schemas/headers"


def asyncapi() -> dict[str, Any]:
    """The document, for whoever runs the services."""
    events = every_event()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "congdoan: what the federation's services announce",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0"},
            "description": (
                "CloudEvents 1.0 in binary mode on NATS JetStream, one stream a service. The body is the stored JSON. "
                "Readers pass over fields and headers that they do not know; those named Nats-… are the server's. "
                "A field marked x-personal is empty or ciphertext, ``sealed:1:`` and base64url, whatever it says: "
                "whoever may know a name asks membership."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {event.topic: channel_of(event) for event in events},
        "operations": {f"announce.{event.topic}": operation(event, "send") for event in events},
        "components": {
            "messages": dict(messages(events, "schemas")),
            "schemas": {"headers": headers_schema()},
        },
    }


def messages(events: Iterable[type[Event]], schemas: str) -> Iterable[tuple[str, Json]]:
    """Each event in each version, by name; `schemas` is where the schemas lie, from the document."""
    for event in events:
        for version in versions_of(event):
            yield message_name(event, version), message_of(event, version, HEADERS, schemas)


def message_name(event: type[Event], version: int) -> str:
    """An event in a version, as it is named within a document."""
    return f"{event.topic}.v{version}"


def channel_of(event: type[Event]) -> Json:
    """Under which subject an event travels; bytes of an earlier version stay what they were."""
    service, name = event.topic.split(".")
    named = [message_name(event, version) for version in versions_of(event)]
    return {
        "address": f"federation.{service}.{{branch}}.{name}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in named},
        "parameters": {"branch": {"description": "Code of the province or central union, or national."}},
    }


def operation(event: type[Event], action: str) -> Json:
    """What somebody does on the channel of an event: send, or receive."""
    return {"action": action, "channel": {"$ref": f"#/channels/{event.topic}"}}
