"""Is the house as its plan says: the same rooms in every service, each behind its wall, each beginning with its question?"""

import ast
import tomllib
from pathlib import Path

import pytest

import congdoan.event_contract  # noqa: F401 - knows every service's events
from chassis.events import TOPICS, PersonalMarker

ROOT = Path(__file__).parents[2]
SERVICES = ("membership", "welfare", "awards", "notifications", "audit")
ROOMS = {
    "__init__", "__main__", "settings", "wiring", "events", "domain", "application", "read_models", "rpc", "clients", "reactions"
}  # fmt: skip
OWN_ROOMS = {"audit": {"history", "ledger"}, "notifications": {"forgetting", "mail", "sender", "templates", "wake_ups"}}
SAYS_NOTHING = {"utils", "util", "common", "helpers", "helper", "misc", "manager", "base"}
MODULES = sorted(
    path
    for folder in ("services", "congdoan", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "stubs" not in path.parts
)


def rooms_of(service: str) -> set[str]:
    return {
        path.stem for path in (ROOT / "services" / service).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_rooms_that_every_service_has(service: str) -> None:
    assert rooms_of(service) - ROOMS == OWN_ROOMS.get(service, set())


@pytest.mark.parametrize("service", SERVICES)
def test_each_room_but_the_events_is_behind_the_wall_to_every_other_service(service: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    behind = {f"{service}.{room}" for room in rooms_of(service) - {"__init__", "__main__", "events"}}
    for contract in contracts:
        if contract["name"].startswith("What ") and contract["source_modules"] != [service]:
            assert {room for room in contract["forbidden_modules"] if room.startswith(f"{service}.")} == behind, contract["name"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_a_name_that_says_something_and_begins_with_its_question(path: Path) -> None:
    assert path.stem not in SAYS_NOTHING
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_event_outside_membership_carries_a_personal_value() -> None:
    personal = {
        (topic, name)
        for topic, event in TOPICS.items()
        for name, field in event.model_fields.items()
        if any(isinstance(mark, PersonalMarker) for mark in field.metadata)
    }
    services = {f"{service}." for service in SERVICES}
    assert {topic.partition(".")[0] for topic, _ in personal if topic.startswith(tuple(services))} == {"membership"}
    assert ("membership.member_joined", "national_id") in personal
