"""Would a cluster take every document, field by field? Strictly: an unknown field is an error, and not left out in silence."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator

from congdoan.embedded.nats import server_binary
from tests.deploy.custom_resources import schema_of
from tests.deploy.rendered import K8S, OVERLAYS, rendered
from tests.identities import identity_in

KUBERNETES = "1.34"
"""The oldest that the manifests are for: a pause before the stop is taken by the kubelet itself."""

SEED = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU"
"""Of no key that is used anywhere."""


def complaints(document: dict[str, Any]) -> list[str]:
    """What a cluster would say against a document."""
    told = f"{document['kind']} {document['metadata']['name']}"
    if schema := schema_of(document["apiVersion"], document["kind"]):
        return [f"{told}: {error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{told}: {error.message}"]
    return []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_document_is_as_its_kind_is_defined(overlay: str) -> None:
    found = rendered(overlay).documents
    assert [complaint for document in found for complaint in complaints(document)] == []
    names = [(document["kind"], document["metadata"]["name"]) for document in found]
    assert len(names) == len(set(names))
    assert {document["metadata"].get("namespace", "congdoan") for document in found} == {"congdoan"}


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("Deployment", "welfare", ("template", "spec", "terminationGracePeriod"), 30),
        ("Deployment", "welfare", ("replicas",), "two"),
        ("NetworkPolicy", "nats", ("ingres",), []),
        ("Cluster", "audit-db", ("postgresql", "synchronous", "durability"), "required"),
        ("Cluster", "audit-db", ("postgresql", "synchronous", "dataDurability"), "must"),
        ("Certificate", "audit", ("dnsName",), ["audit"]),
        ("ScheduledBackup", "audit-db", ("schedule",), "0 1 * * *"),
        ("ObjectStore", "keys", ("configuration", "destinationPath"), "/tmp"),
        ("PrometheusRule", "congdoan", ("groups", 0, "rules", 0, "expression"), "1"),
    ],
)
def test_a_field_that_is_not_defined_is_noticed(kind: str, name: str, path: tuple[Any, ...], value: object) -> None:
    document = rendered("national").one(kind, name)
    at = document["spec"]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    assert complaints(document)


@pytest.mark.parametrize(("overlay", "name"), [("dev", "nats"), ("national", "nats"), ("province", "leaf")])
def test_nats_itself_takes_its_configuration(overlay: str, name: str, tmp_path: Path) -> None:
    """The real server reads the file that is mounted, with the variables that its container has."""
    manifests = rendered(overlay)
    pod = manifests.pod("StatefulSet", name)
    (mounted,) = [volume["configMap"]["name"] for volume in pod.spec["volumes"] if "configMap" in volume]
    text = str(manifests.one("ConfigMap", mounted)["data"]["nats.conf"])
    identity = identity_in(tmp_path, "nats")
    for path, file in {
        "/run/tls/tls.crt": identity.certificate, "/run/tls/tls.key": identity.key, "/run/tls/ca.crt": identity.authority,
        "/run/hub/ca.crt": identity.authority, "/data": tmp_path / "data",
        "../accounts/accounts.conf": "accounts.conf",
    }.items():  # fmt: skip
        text = text.replace(path, str(file))
    (tmp_path / "nats.conf").write_text(text)
    (tmp_path / "accounts.conf").write_text((K8S / "components/nats/accounts.example.conf").read_text())
    told = manifests.environment(pod.spec["containers"][0])
    known = {"SERVER_NAME": "nats-0", "SEED": SEED, "PASSWORD": "letters-and-2"}
    environment = {key: value if isinstance(value, str) else known[key] for key, value in told.items()}
    command = [str(server_binary()), "-c", str(tmp_path / "nats.conf"), "-t"]
    said = subprocess.run(command, env={"PATH": os.defpath, **environment}, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert re.search(r"configuration file .* is valid", said.stdout + said.stderr)
