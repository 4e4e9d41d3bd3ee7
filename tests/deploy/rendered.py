"""What does an overlay come to? Rendered once a run, by the same kustomize that kubectl has; read without a cluster."""

import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).parents[2] / "deploy" / "k8s"
OVERLAYS = ("dev", "national", "province")
SERVICES = ("membership", "welfare", "awards", "notifications", "audit")

Document = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """The pods of one workload."""

    kind: str
    name: str
    document: Document
    labels: Mapping[str, str]
    spec: dict[str, Any]

    @property
    def told(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Every container, also those that run before the others."""
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def stays(self) -> bool:
        return self.kind not in ("Job", "CronJob")


class Rendered:
    """The documents of an overlay, and what is asked of them."""

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents

    def of(self, *kinds: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] in kinds]

    def one(self, kind: str, name: str) -> Document:
        """:raises KeyError: there is none."""
        for document in self.of(kind):
            if document["metadata"]["name"] == name:
                return document
        raise KeyError(f"{kind} {name}")

    @property
    def pods(self) -> list[Pod]:
        return [self._pod(document) for document in self.of("Deployment", "StatefulSet", "Job", "CronJob")]

    @property
    def services(self) -> list[Pod]:
        """The pods of our own services."""
        return [pod for pod in self.pods if pod.kind == "Deployment"]

    @property
    def bus(self) -> list[Pod]:
        """The pods of NATS."""
        return [pod for pod in self.pods if pod.kind == "StatefulSet"]

    def pod(self, kind: str, name: str) -> Pod:
        return self._pod(self.one(kind, name))

    def environment(self, container: Mapping[str, Any]) -> dict[str, Any]:
        """What a container is told: text where it stands in a manifest, else where it comes from."""
        told: dict[str, Any] = {}
        for source in container.get("envFrom", ()):
            told |= self.one("ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in container.get("env", ()):
            source = variable.get("valueFrom", {})
            value = variable.get("value", source)
            if key := source.get("configMapKeyRef"):
                value = self.one("ConfigMap", key["name"])["data"].get(key["key"])
            if value is not None:
                told[variable["name"]] = value
        return told

    def _pod(self, document: Document) -> Pod:
        spec = document["spec"]
        template = (spec["jobTemplate"]["spec"] if document["kind"] == "CronJob" else spec)["template"]
        name = document["metadata"]["name"]
        return Pod(document["kind"], name, document, template["metadata"]["labels"], template["spec"])


@cache
def text_of(overlay: str) -> str:
    """What kustomize writes of an overlay."""
    return built(K8S / "overlays" / overlay)


def built(folder: Path) -> str:
    """What kustomize writes, without a cluster or the network."""
    kubectl = Path(sys.executable).with_name("kubectl")
    command = [str(kubectl), "kustomize", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env={"PATH": "/"}).stdout


def rendered(overlay: str) -> Rendered:
    """An overlay, a copy of one's own."""
    return Rendered(pickle.loads(_parsed(overlay)))


@cache
def _parsed(overlay: str) -> bytes:
    return pickle.dumps(list(yaml.load_all(text_of(overlay), Loader=yaml.CSafeLoader)))


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector means somebody. The empty one means everybody."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expressed(each, labels) for each in selector.get("matchExpressions", ())
    )


def reaches(service: Document, pod: Pod) -> bool:
    """Whether a Service finds a pod; its selector is a mapping of labels."""
    return selects({"matchLabels": service["spec"]["selector"]}, pod.labels)


def _expressed(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    match expression["operator"]:
        case "Exists":
            return expression["key"] in labels
        case "In":
            return labels.get(expression["key"]) in expression["values"]
        case other:
            raise ValueError(f"{other} is used nowhere yet")


def volume(pod: Pod, name: str) -> dict[str, Any]:
    """:raises KeyError: the pod has no such volume."""
    for each in pod.spec.get("volumes", ()):
        if each["name"] == name:
            return dict(each)
    raise KeyError(name)


def secrets_of(pod: Pod) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The secrets that a pod mounts: name, source, path in the container."""
    for container in pod.containers:
        for mount in container.get("volumeMounts", ()):
            if mount["name"] in {each["name"] for each in pod.spec.get("volumes", ())}:
                source = volume(pod, mount["name"])
                if "secret" in source:
                    yield source["secret"]["secretName"], source["secret"], mount["mountPath"]
