"""What does a province's system receive, may ask, and may rely on? One AsyncAPI 3 document, for exactly that.

Its own events in the stream `BRANCH` of its account, the checkpoints of the ledger, and the snapshot it starts from.
"""

from hashlib import sha256
from typing import Any

from chassis.events import Event
from chassis.ledger.note import Checkpoint, Signer
from chassis.ledger.witness import CONSISTENCY, PREVIOUS_SIZE
from congdoan.event_contract import promises, snapshots
from congdoan.event_contract.examples import RECORDED_AT, STREAM_SOURCE, example_of, source_header
from congdoan.event_contract.headers import headers_schema
from congdoan.event_contract.hub import channel_of, message_name, messages, operation
from congdoan.event_contract.schemas import Json, events_of, told_to_provinces
from congdoan.provinces.configuration import BRANCH, MAY_PUBLISH, MAY_SUBSCRIBE, PROVINCE_DOMAIN
from congdoan.services import RECORDING, SERVICES

CHECKPOINT = "ledger.checkpoint"
CHECKPOINTS = {CHECKPOINT: RECORDING, f"{CHECKPOINT}.of_access": ("audit",)}
"""The messages of the ledger, each with the services whose checkpoints it is: what was released stays, more stands beside it."""
SNAPSHOT, SNAPSHOT_ANSWER = "snapshot", "snapshot.answer"
SCHEMAS = "../schemas"
"""Those of the events are the hub's: a province receives the same bytes."""

_SOURCE = {
    STREAM_SOURCE: {
        "type": "string",
        "description": "Where the server took it from: stream, sequence there, subjects. The server's own; of no meaning here.",
    }
}
_HASHES = "([A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)*)?"
_NOTE = (
    "^congdoan/({})\n[1-9][0-9]*\n[A-Za-z0-9+/]{{43}}=\n"
    "time \\d{{4}}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\n\n(— [^ +\n]+ [A-Za-z0-9+/]+={{0,2}}\n)+$"
)


def asyncapi() -> dict[str, Any]:
    """The document, for the system of a province or of a central union."""
    events = told_to_provinces()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "congdoan: what a province's system receives",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0"},
            "description": promises.ENGLISH,
            "x-vi": promises.VIETNAMESE,
        },
        "defaultContentType": "application/json",
        "servers": {"hub": _server()},
        "channels": {
            **{event.topic: _channel(event) for event in events},
            CHECKPOINT: _checkpoints(),
            SNAPSHOT: {"address": SNAPSHOT, "messages": {"request": {"$ref": f"#/components/messages/{SNAPSHOT}.request"}}},
            SNAPSHOT_ANSWER: {"address": None, "messages": {"page": {"$ref": f"#/components/messages/{SNAPSHOT}.page"}}},
        },
        "operations": {
            **{f"receive.{event.topic}": operation(event, "receive") for event in events},
            f"receive.{CHECKPOINT}": {"action": "receive", "channel": {"$ref": f"#/channels/{CHECKPOINT}"}},
            f"ask.{SNAPSHOT}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{SNAPSHOT}"},
                "reply": {"channel": {"$ref": f"#/channels/{SNAPSHOT_ANSWER}"}},
            },
        },
        "components": {
            "messages": {**_events(), **dict(map(_checkpoint, CHECKPOINTS)), **snapshots.messages(SNAPSHOT)},
            "schemas": {"headers": _headers(), **snapshots.schemas(SNAPSHOT)},
            "securitySchemes": {"nkey": {"type": "asymmetricEncryption", "description": promises.NKEY}},
        },
    }


def _channel(event: type[Event]) -> Json:
    branch = {"description": "The code of your branch, e.g. vinh-phuc."}
    return {**channel_of(event), "parameters": {"branch": branch}, "x-stream": BRANCH}


def _server() -> Json:
    return {
        "host": "{host}:{port}",
        "protocol": "nats",
        "description": "The federation's nats-server; each branch has an account of its own there, and sees nothing else.",
        "variables": {
            "host": {"default": "127.0.0.1", "description": "Told by whoever grants the credentials."},
            "port": {"default": "4222"},
        },
        "security": [{"$ref": "#/components/securitySchemes/nkey"}],
        "x-jetstream-domain": PROVINCE_DOMAIN,
        "x-may-publish": list(MAY_PUBLISH),
        "x-may-subscribe": list(MAY_SUBSCRIBE),
    }


def _events() -> Json:
    """Every event in every version; that of today with an example."""
    found = dict(messages(told_to_provinces(), SCHEMAS))
    for service in RECORDING:
        for number, event in enumerate(events_of(service), 1):
            found[message_name(event, event.schema_version)]["examples"] = [_example(event, number)]
    return found


def _example(event: type[Event], number: int) -> Json:
    example = example_of(event, number)
    headers = {**example.headers, STREAM_SOURCE: source_header(example)}
    return {
        "name": example.headers["ce-id"],
        "summary": example.event.in_words("en"),
        "headers": headers,
        "payload": example.payload,
    }


def _headers() -> Json:
    schema = headers_schema()
    return {**schema, "properties": {**schema["properties"], **_SOURCE}}


def _checkpoints() -> Json:
    return {
        "address": "federation.ledger.{service}.checkpoint",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in CHECKPOINTS},
        "parameters": {"service": {"description": "The service whose history it seals.", "enum": list(SERVICES)}},
        "x-stream": BRANCH,
    }


def _checkpoint(name: str) -> tuple[str, Json]:
    services = CHECKPOINTS[name]
    headers = {
        PREVIOUS_SIZE: {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "Size of the checkpoint before; 0 for the first.",
        },
        CONSISTENCY: {
            "type": "string",
            "pattern": f"^{_HASHES}$",
            "description": "RFC 6962 proof that this tree goes on from that one: base64 hashes, separated by commas.",
        },
        **_SOURCE,
    }
    return name, {
        "name": name,
        "title": "Checkpoint of the ledger",
        "summary": promises.CHECKPOINT,
        "contentType": "text/plain; charset=utf-8",
        "headers": {"type": "object", "properties": headers, "required": [PREVIOUS_SIZE, CONSISTENCY]},
        "payload": {"type": "string", "pattern": _NOTE.format("|".join(services))},
        "examples": [_checkpoint_example(services[0])],
    }


def _checkpoint_example(service: str) -> Json:
    """Signed by a key that is nobody's."""
    text = Checkpoint(service, 1250, sha256(b"a root").digest(), RECORDED_AT).text
    note = Signer("congdoan-ledger", sha256(b"a key that is nobody's").digest()).sign(text).decode()
    source = f"LEDGER:rHkKZCSl 17 federation.ledger.*.checkpoint > federation.ledger.{service}.checkpoint ij1GLGjz"
    return {"name": "first", "headers": {PREVIOUS_SIZE: "0", CONSISTENCY: "", STREAM_SOURCE: source}, "payload": note}
