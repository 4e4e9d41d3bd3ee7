"""How does a personal value become ciphertext before it is stored, and a value again for whoever has the key?

Each value of a field is sealed on its own, by AES-256-GCM under the key of its person. The associated data bind it to
its aggregate, version, topic and field, so that a sealed value put anywhere else cannot be opened. Destroy the key, and
the value is gone everywhere, while every stored byte stays as it was.
"""

import os
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.events import SEALED, TOPICS, BrokenSeal, Event, Json, NotReadable, OfLaterVersion, is_sealed
from chassis.recorded import RecordedEvent
from chassis.refusals import RuleBroken

NONCE_BYTES = 12
_SEALED = SEALED.encode()
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
Keys = Mapping[UUID, AESGCM | None]
"""The keys of some persons: None for one who was erased, nothing for one who never had a key."""


class PersonErased(RuleBroken):
    """Nothing personal is recorded any more about a person who was erased."""

    vi = "Dữ liệu cá nhân của người này đã được xoá; không thể ghi thêm."
    en = "The personal data of this person was erased; nothing more can be recorded."


class PersonKeys(Protocol):
    """Who has the keys; see :mod:`chassis.key_store`."""

    async def keys_for(self, persons: Collection[UUID], *, create: bool = False) -> Keys:
        """:raises Unavailable: it cannot be asked just now."""


class Sealer:
    """Seals what is about to be stored, and opens what was.

    :param randomness: so many random bytes; no two nonces of a key may be the same.
    """

    def __init__(self, keys: PersonKeys, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._keys, self._randomness = keys, randomness

    async def keys_of(self, events: Iterable[Event]) -> Keys:
        """The keys of the persons of some events with personal fields, about to be stored; made for whoever has none yet.

        :raises Unavailable: they cannot be had just now.
        """
        return await self._keys.keys_for({event.person for event in events}, create=True)

    def stored(self, event: Event, aggregate_id: UUID, version: int, keys: Keys) -> bytes:
        """The bytes of an event that is stored as a version of an aggregate.

        :raises PersonErased: its person was erased.
        """
        if not event.personal_fields:
            return event.encode()
        key = keys[event.person]
        if key is None:
            raise PersonErased(event.subject)
        return event.encode(EventSeal(key, aggregate_id, version, event.topic, self._randomness))

    async def open(self, events: Sequence[RecordedEvent]) -> None:
        """Open the sealed values of some recorded events, with one question for all their keys.

        What cannot be opened is not readable, as the event tells whoever asks for it; an erased person's values are None.

        :raises Unavailable: the keys cannot be had just now.
        """
        sealed = []
        for recorded in events:
            cls = TOPICS.get(recorded.topic)
            if cls is None or recorded.opened is not None or not is_sealed(cls, recorded.body):
                continue
            try:
                fields = cls.fields_of(recorded.body)
                sealed.append((recorded, cls, fields, UUID(fields[cls.subject])))
            except OfLaterVersion as later:
                recorded.is_opened(later)
            except (NotReadable, KeyError, ValueError, TypeError, AttributeError):
                recorded.is_opened(NotReadable(recorded.topic, f"{cls.subject} does not say whose values are sealed"))
        if not sealed:
            return
        keys = await self._keys.keys_for({person for *_, person in sealed})
        for recorded, cls, fields, person in sealed:
            recorded.is_opened(_opened(recorded, cls, fields, keys.get(person, _NO_KEY)))


class _NoKey:
    """The seal of a person who has no key and was not erased: the key store is not the one that belongs to this history."""

    def close(self, values: list[tuple[str, bytes]]) -> list[str]:
        raise AssertionError("nothing is sealed without a key")

    def open(self, name: str, sealed: str) -> Any:
        raise BrokenSeal("is sealed by a key that the key store does not have")


_NO_KEY = _NoKey()


def _opened(recorded: RecordedEvent, cls: type[Event], fields: Json, key: "AESGCM | _NoKey | None") -> Event | NotReadable:
    seal = EventSeal(key, recorded.aggregate_id, recorded.version, recorded.topic) if isinstance(key, AESGCM) else key
    try:
        return cls.unsealed(fields, seal)
    except NotReadable as error:
        return error


class EventSeal:
    """The seal of one event: under the key of its person, bound to where it stands."""

    def __init__(
        self, key: AESGCM, aggregate_id: UUID, version: int, topic: str, randomness: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._key, self._randomness = key, randomness
        self._place = b"%b%d:%b:" % (aggregate_id.bytes, version, topic.encode())

    def close(self, values: list[tuple[str, bytes]]) -> list[str]:
        """The sealed texts of some fields, given by name and JSON."""
        if not values:
            return []
        nonces, encrypt, place, texts, at = self._randomness(NONCE_BYTES * len(values)), self._key.encrypt, self._place, [], 0
        for name, value in values:
            nonce = nonces[at : (at := at + NONCE_BYTES)]
            texts.append(b2a_base64(nonce + encrypt(nonce, value, place + name.encode()), newline=False))
        # One pass over all of them: the letters of base64url, without the padding.
        return (_SEALED + (b"\n" + _SEALED).join(texts).translate(_URL_SAFE, b"=")).decode().split("\n")

    def open(self, name: str, sealed: str) -> Any:
        """The value of a field.

        :raises BrokenSeal: it was not sealed for this field of this event, or not by this key.
        """
        text = sealed[len(SEALED) :]
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return orjson.loads(self._key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], self._place + name.encode()))
        except (InvalidTag, ValueError):
            raise BrokenSeal("was not sealed for this place") from None
