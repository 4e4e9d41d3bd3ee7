"""Does what was promised still hold: for what is stored, and for whoever reads it elsewhere?

Nothing that was released may go, be another thing, or be asked for where it was not. Words may change, and more may come:
an event, a field with a default, a header that may be missing, a value of a list.
"""

from collections.abc import Iterator, Mapping
from typing import Any

WORDS = {"description", "title", "summary", "x-vi", "examples", "info", "tags", "externalDocs"}
"""Keywords that only tell people something."""
NAMED = {
    "properties", "patternProperties", "$defs", "channels", "operations", "messages", "parameters", "servers", "variables",
    "schemas", "securitySchemes",
}  # fmt: skip
"""Keywords below which names stand, whatever they are: none may go, more may come."""
LISTS = {"enum", "x-may-publish", "x-may-subscribe"}
"""Keywords of lists from which nothing may go."""


class BreakingChange(Exception):
    """What was released would no longer hold."""


def check_schema(name: str, released: Mapping[str, Any], today: Mapping[str, Any]) -> None:
    """What was stored under the released schema of a version reads under today's, and the reverse.

    :raises BreakingChange: a field went, changed its type, or became or ceased to be required; a choice went.
    """
    if broken := sorted({place.removeprefix("properties.") for place in changes(released, today)}):
        raise BreakingChange(f"{name}: {', '.join(broken)}; raise schema_version and write an upcaster")


def check_document(name: str, released: Mapping[str, Any], today: Mapping[str, Any]) -> None:
    """Whoever reads by the released AsyncAPI document can go on.

    :raises BreakingChange: an event, a channel, its subject, a message, a header or a field went or changed.
    """
    if broken := sorted(set(changes(released, today))):
        raise BreakingChange(f"{name}: {', '.join(broken)}; what was released stays, add beside it")


def changes(released: Any, today: Any, path: tuple[str, ...] = (), *, named: bool = False) -> Iterator[str]:
    """The places where something that was released is no longer so, by their paths.

    :param named: names stand here, and no keywords.
    """
    if not isinstance(released, Mapping) or not isinstance(today, Mapping):
        if released != today:
            yield ".".join(path)
        return
    for key in sorted(released.keys() | today.keys()):
        here = (*path, key)
        if key in WORDS and not named:
            continue
        if key not in today:
            yield ".".join(here)
        elif key not in released:
            # A name may come, and a place for names; any other keyword would narrow what was wider.
            if not named and key not in NAMED:
                yield ".".join(here)
        elif key in LISTS and not named:
            if not set(released[key]) <= set(today[key]):
                yield ".".join(here)
        elif key == "required" and not named:
            yield from (".".join((*path, name)) for name in sorted(set(released[key]) ^ set(today[key])))
        else:
            yield from changes(released[key], today[key], here, named=not named and key in NAMED)
