"""What was published about the events, as somebody elsewhere has it: the files of docs/events and nothing of the product."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft7Validator, Draft202012Validator

FOLDER = Path(__file__).parents[2] / "docs" / "events"
PROVINCES = "provinces/asyncapi.json"


@cache
def document(name: str) -> Any:
    """A document by its path below the folder."""
    return json.loads((FOLDER / name).read_text())


@cache
def asyncapi_schema() -> Draft7Validator:
    """The official schema of AsyncAPI 3.0.0."""
    return Draft7Validator(json.loads(Path(__file__).with_name("asyncapi-3.0.0.json").read_text()))


def named(name: str, reference: str) -> Any:
    """What a reference within a document names: a place in it, or another file."""
    if not reference.startswith("#/"):
        return document(str((FOLDER / name).parent.joinpath(reference).resolve().relative_to(FOLDER)))
    found = document(name)
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def resolved(value: Any) -> Any:
    """A schema of the provinces' document whose references into the document are followed."""
    if isinstance(value, dict):
        if value.get("$ref", "").startswith("#/components/"):
            return resolved(named(PROVINCES, value["$ref"]))
        return {key: resolved(one) for key, one in value.items()}
    return [resolved(one) for one in value] if isinstance(value, list) else value


@cache
def schemas_of(message: str) -> tuple[Any, Any]:
    """The schemas of headers and payload of a message that provinces receive."""
    told = document(PROVINCES)["components"]["messages"][message]
    payload = told["payload"]
    if "schemaFormat" in payload:
        return resolved(told["headers"]), named(PROVINCES, payload["schema"]["$ref"])
    return resolved(told.get("headers", {})), resolved(payload)


def validator(schema: Any) -> Draft202012Validator:
    """Checks formats too."""
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def accept(subject: str, headers: Mapping[str, str], body: bytes) -> str:
    """Take a message as the published document says it, and answer its name there; fails where it is anything else."""
    _, service, branch, what = subject.split(".")
    if service == "ledger":
        assert what == "checkpoint"
        assert branch in document(PROVINCES)["channels"]["ledger.checkpoint"]["parameters"]["service"]["enum"]
        name, payload = "ledger.checkpoint.of_access" if branch == "audit" else "ledger.checkpoint", body.decode()
    else:
        fields = json.loads(body)
        name, payload = f"{service}.{what}.v{fields['schema_version']}", fields
        channel = document(PROVINCES)["channels"][f"{service}.{what}"]
        assert name in channel["messages"]
        assert subject == channel["address"].replace("{branch}", branch)
        assert (headers["ce-type"], headers["ce-branch"]) == (f"{service}.{what}", branch)
    of_headers, of_payload = schemas_of(name)
    validator(of_headers).validate(dict(headers))
    validator(of_payload).validate(payload)
    for header, value in headers.items():
        if (decoded := of_headers["properties"].get(header, {}).get("x-decoded")) is not None:
            validator(decoded).validate(told := json.loads(unquote(value)))
            assert set(told) == set(decoded["properties"])
    assert set(headers) <= set(of_headers["properties"]), f"{name}: {set(headers) - set(of_headers['properties'])}"
    if "properties" in of_payload:
        assert set(payload) <= set(of_payload["properties"]), name
    return name
