"""Is every variable that the code reads supplied, and is none supplied that nobody reads? Settings against manifests."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic_core import PydanticUndefined

from tests.deploy.rendered import Rendered

PREFIX = "CONGDOAN_"
LEFT_OUT = {
    "CONGDOAN_SECRET": "CONGDOAN_SECRET_FILE names the file that holds it; a variable is seen by whoever sees the pod",
    "CONGDOAN_OTLP_ENDPOINT": "the component `telemetry` supplies it: nothing is traced without",
}
"""What a manifest need not supply, and why."""

READ_BY_OTHERS = {
    "PGSSLMODE": "libpq: whether the database must show whose it is",
    "PGSSLROOTCERT": "libpq: by whose certificate",
}
"""What is supplied though no settings name it, and who reads it."""

READ_BY_COMMANDS = {
    "congdoan provinces mirror": {"CONGDOAN_LEAF_URL"},
    "congdoan provinces reload": {"CONGDOAN_NATS_SYSTEM_URL"},
}
READ_BY_SERVERS = {"nats": {"SERVER_NAME"}, "leaf": {"PROVINCE", "HUB", "SEED", "PASSWORD"}}


def settings_of(service: str) -> Any:
    """The class that reads a service's variables."""
    return import_module(f"{service}.settings").Settings


def read_by(service: str) -> dict[str, bool]:
    """Every variable that a service reads, and whether it cannot start without."""
    fields = settings_of(service).model_fields
    return {
        f"{PREFIX}{name.upper()}": field.default is PydanticUndefined and not field.default_factory
        for name, field in fields.items()
    }


def left_out(rendered: Rendered) -> set[str]:
    """What an overlay need not supply; with telemetry it says where traces go."""
    return LEFT_OUT.keys() - ({"CONGDOAN_OTLP_ENDPOINT"} if rendered.of("PodMonitor") else set())


def told_wrong(rendered: Rendered) -> Iterator[str]:
    """What is supplied and not read, or read and not supplied."""
    for pod in rendered.pods:
        for container in pod.containers:
            told, command = set(rendered.environment(container)), container["command"]
            at = f"{pod.told}, {container['name']}"
            if command[:2] == ["python", "-m"]:
                reads = set(read_by(command[2]))
                unread, missing = told - reads - READ_BY_OTHERS.keys(), reads - told - left_out(rendered)
            else:
                reads = READ_BY_COMMANDS.get(" ".join(command)) or READ_BY_SERVERS[pod.name]
                unread, missing = told - reads, reads - told
            yield from (f"{at}: {name} is supplied and read by nobody" for name in sorted(unread))
            yield from (f"{at}: {name} is read and not supplied" for name in sorted(missing))
