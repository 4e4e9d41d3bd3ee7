"""Would a cluster take the manifests that the operator's guide shows? Each is laid over `national`, as the guide says."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.database import STORE_MIGRATIONS, steps_of
from tests.deploy.rendered import K8S, SERVICES, Document, Rendered, built, rendered
from tests.deploy.test_operator_guide import GUIDE
from tests.deploy.test_schemas import complaints
from tests.folders import fast_folder

SHOWN = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.+?)^```", GUIDE, re.M | re.S)]
DATABASE = "membership-db"


@cache
def laid_over() -> Rendered:
    """What comes of `national` with everything that the guide shows: fields of a kustomization, and documents as patches."""
    with fast_folder() as folder:
        written: dict[str, Any] = {"resources": [os.path.relpath(K8S / "overlays" / "national", folder)], "patches": []}
        for number, shown in enumerate(SHOWN):
            if "kind" in shown:
                file = Path(f"{number}.yaml")
                (folder / file).write_text(yaml.safe_dump(shown))
                written["patches"].append({"path": str(file)})
            else:
                written |= {**shown, "patches": [*written["patches"], *shown.get("patches", ())]}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(written))
        return Rendered(list(yaml.load_all(built(folder), Loader=yaml.CSafeLoader)))


def test_what_the_guide_shows_is_as_its_kind_is_defined() -> None:
    found = laid_over()
    as_before = rendered("national").documents
    changed = [document for document in found.documents if document not in as_before]
    assert [complaint for document in changed for complaint in complaints(document)] == []
    assert len(found.documents) == len(as_before)
    assert DATABASE in [document["metadata"]["name"] for document in changed]
    (image,) = {pod.containers[0]["image"] for pod in found.services}
    assert image.startswith("registry.example.org/congdoan@sha256:")
    assert {pod.name for pod in found.services} == set(SERVICES)


def test_the_job_that_takes_steps_back_is_the_one_that_takes_them() -> None:
    *command, last = laid_over().pod("Job", "membership-prepare").containers[0]["command"]
    assert command == ["python", "-m", "membership", "migrate", "--to"]
    assert f"{last}.sql" in steps_of(STORE_MIGRATIONS)


def stores(cluster: Document) -> Iterator[tuple[str, str]]:
    """Where a database comes from and where it goes: the object store's name, and the one under which it lies there."""
    (source,) = cluster["spec"]["externalClusters"]
    assert source["name"] == cluster["spec"]["bootstrap"]["recovery"]["source"]
    for plugin in (source["plugin"], *cluster["spec"]["plugins"]):
        yield plugin["parameters"]["barmanObjectName"], plugin["parameters"]["serverName"]


def test_a_restored_database_comes_from_its_archive_and_writes_into_another() -> None:
    """An archive is written once: CloudNativePG refuses one in which there is something."""
    found = laid_over()
    (store, before), (into, after) = stores(found.one("Cluster", DATABASE))
    assert store == into
    assert found.one("ObjectStore", store)
    assert before == DATABASE != after


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("bootstrap",), "initdb", {"database": "app", "owner": "app"}),
        (("bootstrap", "recovery"), "sorce", "before"),
        (("bootstrap", "recovery"), "recoveryTarget", {"time": "2026-01-01"}),
        (("externalClusters", 0), "barmanObjectStore", {}),
        (("externalClusters", 0, "plugin"), "serverName", "membership-db"),
        (("plugins", 0), "isWalArchiver", True),
    ],
)
def test_one_that_is_broken_is_refused(path: tuple[Any, ...], key: str, value: object) -> None:
    document = yaml.safe_load(yaml.safe_dump(laid_over().one("Cluster", DATABASE)))
    assert complaints(document) == []
    at = document["spec"]
    for step in path:
        at = at[step]
    at[key] = value
    assert complaints(document)
