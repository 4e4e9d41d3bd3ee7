"""How does a store come to hold years of admissions at once? They are written as they would have been, and never decided."""

from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.admissions import BORN, BRANCH, DAY, NAME, OFFICER, UNIT
from chassis.recorded import Metadata
from chassis.sealing import EventSeal
from membership.events import MemberJoined

_FILL = """
with new as (select n, gen_random_uuid() as id from generate_series(1, %(events)s) as n),
     recorded as (
        insert into events
        select n, id, 1, 'membership.member_joined',
               convert_to(replace(replace(%(body)s, %(id)s, id::text), '900000000000', (900000000000 + n)::text), 'UTF8'),
               %(metadata)s, %(branch)s, n, now()
          from new),
     claimed as (insert into claims select uuid_send(gen_random_uuid()), -1 from new)
insert into commands select gen_random_uuid(), uuid_send(gen_random_uuid()), n from new
"""


def fill(conninfo: str, events: int, *, sealed: bool = False) -> None:
    """Put admissions, with their command ids and claims, into an empty store.

    :param sealed: their personal values are sealed, by a key that nobody keeps.
    """
    member_id = uuid4()
    event = MemberJoined(
        unit=UNIT,
        on=DAY,
        member_id=member_id,
        full_name=NAME,
        national_id="900000000000",
        national_id_hash="900000000000",
        birth_date=BORN,
        phone="",
        email="",
    )
    values = {
        "events": events,
        "body": event.encode(_seal_of(member_id) if sealed else None).decode(),
        "id": str(member_id),
        "branch": BRANCH,
        "metadata": Metadata(UNIT, DAY, OFFICER.actor, uuid4(), str(uuid4()), str(uuid4())).encode(),
    }
    with psycopg.connect(conninfo, autocommit=True) as connection:
        with connection.transaction():
            connection.execute(_FILL, values)
            connection.execute("insert into branches values (%s, %s)", (BRANCH, events))
            connection.execute("update head set position = %s", (events,))
        # What follows such a load in the background is over before anything is measured.
        connection.execute("vacuum analyze events, commands, claims")
        connection.execute("checkpoint")


def _seal_of(member_id: UUID) -> EventSeal:
    return EventSeal(AESGCM(AESGCM.generate_key(256)), member_id, 1, MemberJoined.topic)
