"""Of which persons does an event tell? Read from its JSON by the names of fields: ids alone, no event holds more in clear."""

from uuid import UUID

import orjson

PERSONS = ("member_id", "person_id", "child_id", "author_id", "guardian_id", "recipient")
"""The fields that hold the id of a member or of a member's child; a recipient may also be a unit."""
MANY = ("member_ids",)


def persons_in(body: bytes) -> frozenset[UUID]:
    """The persons that an event names; nobody where it cannot be read, for it is indexed all the same."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return frozenset()
    if not isinstance(fields, dict):
        return frozenset()
    named = [fields.get(name) for name in PERSONS]
    for name in MANY:
        several = fields.get(name)
        named += several if isinstance(several, list) else []
    return frozenset(found for text in named if (found := _id(text)) is not None)


def _id(text: object) -> UUID | None:
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
