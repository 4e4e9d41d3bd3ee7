"""Does the operator's guide say what is there: every alert, every component, every secret, and steps that bring everything?"""

import re
from pathlib import Path

import pytest

from tests.deploy.properties import ALERTED
from tests.deploy.rendered import K8S, OVERLAYS, Document, Rendered, rendered, secrets_of

GUIDE = (Path(__file__).parents[2] / "docs" / "operator.md").read_text()
COMPONENT = "app.kubernetes.io/component"
MADE_BY_OPERATORS = re.compile(r".+(-tls|-db-app|-db-server)|authority")
"""By cert-manager and by CloudNativePG."""


def secrets(manifests: Rendered) -> dict[str, set[str]]:
    """Every secret that something reads, with the keys that are named."""
    found: dict[str, set[str]] = {}
    for pod in manifests.pods:
        for name, source, _ in secrets_of(pod):
            found.setdefault(name, set()).update(item["key"] for item in source.get("items", ()))
        for container in pod.containers:
            for source in manifests.environment(container).values():
                if isinstance(source, dict) and "secretKeyRef" in source:
                    found.setdefault(source["secretKeyRef"]["name"], set()).add(source["secretKeyRef"]["key"])
    for store in manifests.of("ObjectStore"):
        for source in store["spec"]["configuration"]["s3Credentials"].values():
            found.setdefault(source["name"], set()).add(source["key"])
    return {name: keys for name, keys in found.items() if not MADE_BY_OPERATORS.fullmatch(name)}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_that_is_read_is_in_the_guide(overlay: str) -> None:
    rows = [line for line in GUIDE.splitlines() if line.startswith("| `")]
    for name, keys in secrets(rendered(overlay)).items():
        (row,) = [line for line in rows if f"`{name}`" in line.split("|")[1]]
        assert all(f"`{key}`" in row for key in keys), name


def test_every_alert_and_every_component_is_in_the_guide() -> None:
    (rules,) = rendered("national").of("PrometheusRule")
    alerts = {rule["alert"]: rule for group in rules["spec"]["groups"] for rule in group["rules"]}
    section = GUIDE.partition("## 8.")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^### (\w+)\n\n\*(Page|Ticket)\.\*", section, re.M))
    assert told == {name: rule["labels"]["severity"].title() for name, rule in alerts.items()}
    assert {name: rule["annotations"]["runbook"] for name, rule in alerts.items()} == {
        name: f"docs/operator.md#{name.lower()}" for name in alerts
    }
    assert all("*Fired by:*" in " ".join(part.split()) for part in section.split("\n### ")[1 : len(alerts) + 1])
    assert alerts.keys() >= ALERTED.keys()
    components = {path.name for path in (K8S / "components").iterdir()} | {"base"}
    assert components == set(re.findall(r"^\| `([a-z-]+)` \|", GUIDE.partition("## 5.")[2].partition("## 6.")[0], re.M))


def test_alerts_look_at_metrics_that_there_are() -> None:
    (rules,) = rendered("national").of("PrometheusRule")
    code = "\n".join(path.read_text() for path in (K8S.parents[1] / "services").rglob("*.py"))
    named = set(
        re.findall(r"\bcongdoan_\w+", str([rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]))
    )
    assert {name for name in named if name.removesuffix("_total") not in code} == set()
    assert len(named) >= 6


def selected(documents: list[Document], selector: str) -> list[tuple[str, str]]:
    """What kubectl takes by one of the selectors of the guide."""

    def component(document: Document) -> str | None:
        labels: dict[str, str] = document["metadata"].get("labels", {})
        return labels.get(COMPONENT)

    if left_out := re.fullmatch(rf"{COMPONENT} notin \(([a-z,]+)\)", selector):
        found = [each for each in documents if component(each) not in left_out[1].split(",")]
    else:
        found = [each for each in documents if component(each) == selector.removeprefix(f"{COMPONENT}=")]
    return [(each["kind"], each["metadata"]["name"]) for each in found]


def test_the_steps_of_the_guide_bring_what_services_need_before_them() -> None:
    documents = rendered("national").documents
    first, again = re.findall(r"apply -k \S+ --selector '?([^'\n]+?)'?$", GUIDE, re.M)
    before, steps = selected(documents, first), selected(documents, again)
    assert {kind for kind, _ in steps} == {"Job"}
    left = {(each["kind"], each["metadata"]["name"]) for each in documents} - set(before) - set(steps)
    assert {kind for kind, _ in left} == {"Deployment"}
    assert ("StatefulSet", "nats") in before
    assert ("Cluster", "membership-keys-db") in before
