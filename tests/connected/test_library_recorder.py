"""Does the store keep the library's own contract, with the library's own tests?"""

from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.tests import persistence as contract

from chassis.library_recorder import LibraryRecorder

SECRET = b"a secret of at least 32 bytes ..."


class OnThisStore:
    """Gives the library's test cases a recorder on a fresh database."""

    database: str
    addCleanup: Callable[..., None]  # noqa: N815 - unittest's name

    @pytest.fixture(autouse=True)
    def fresh_database(self, database: str) -> None:
        self.database = database

    def create_recorder(self) -> LibraryRecorder:
        recorder = LibraryRecorder("library", self.database, secret=SECRET)
        self.addCleanup(recorder.close)
        return recorder


class TestApplicationRecorder(OnThisStore, contract.ApplicationRecorderTestCase):
    """Positions, selections, conflicts, concurrent writers."""


class TestNotificationsDoNotInterleave(OnThisStore, contract.NonInterleavingNotificationIDsBaseCase):
    """Two writers never interleave the positions of their appends."""


class WithoutPositions(LibraryRecorder):
    """As the library's contract for aggregates wants it: an insert answers nothing."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class TestAggregateRecorder(OnThisStore, contract.AggregateRecorderTestCase):
    """Versions, order, atomic inserts."""

    def create_recorder(self) -> LibraryRecorder:
        recorder = WithoutPositions("library", self.database, secret=SECRET)
        self.addCleanup(recorder.close)
        return recorder


def stored() -> StoredEvent:
    return StoredEvent(uuid4(), 1, "library.happened", b"{}")


def test_a_subscription_sees_every_event_also_after_its_connection_was_lost(database: str) -> None:
    recorder = LibraryRecorder("library", database, secret=SECRET)
    try:
        recorder.insert_events([stored()])
        seen: list[int] = []
        with recorder.subscribe() as subscription:
            reading = Thread(target=lambda: seen.extend(next(subscription).id for _ in range(3)))
            reading.start()
            recorder.insert_events([stored()])
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and query ilike 'listen%' and pid <> pg_backend_pid()"
                )
            recorder.insert_events([stored()])
            reading.join(timeout=30)
        assert seen == [1, 2, 3]
    finally:
        recorder.close()


def test_a_large_insert_does_not_hang(database: str) -> None:
    recorder = LibraryRecorder("library", database, secret=SECRET)
    try:
        aggregate = uuid4()
        events = [StoredEvent(aggregate, version, "library.happened", b"x" * 2_000) for version in range(1, 1_501)]
        assert recorder.insert_events(events) == list(range(1, 1_501))
    finally:
        recorder.close()
