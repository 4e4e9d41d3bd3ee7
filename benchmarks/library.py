"""How is the same done by a program that is written with the `eventsourcing` library, as its documentation shows?"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import ApplicationRecorder
from psycopg.conninfo import conninfo_to_dict

from benchmarks.admissions import BORN, DAY, NAME, UNIT
from benchmarks.ground import SECRET, Ground
from chassis.library_recorder import LibraryRecorder

T = TypeVar("T")


class Person(Aggregate):
    """What the library's own way makes of a member; its first event says as much as ours."""

    @event("Joined")
    def __init__(
        self, unit: str, on: str, full_name: str, national_id: str, birth_date: str, phone: str = "", email: str = ""
    ) -> None:
        self.unit, self.on = unit, on
        self.full_name, self.national_id, self.birth_date = full_name, national_id, birth_date
        self.phone, self.email = phone, email

    @event("Renamed")
    def rename(self, full_name: str) -> None:
        """Give a new name."""
        self.full_name = full_name


def person(number: int = 1) -> Person:
    """A new one."""
    return Person(UNIT, DAY.isoformat(), NAME, f"{number:012d}", BORN.isoformat())


def environment(conninfo: str) -> dict[str, str]:
    """How the library is told of a database; its cache is on."""
    parts = conninfo_to_dict(conninfo)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
        "POSTGRES_POOL_SIZE": "40",
        "AGGREGATE_CACHE_MAXSIZE": "10000",
    }


@contextmanager
def stock_application(ground: Ground) -> Iterator[Application[UUID]]:
    """The library's application on its own recorder, in a fresh database."""
    with ground.database(migrated=False) as conninfo, Application[UUID](environment(conninfo)) as application:
        yield application


@contextmanager
def application_on_our_recorder(ground: Ground) -> Iterator[Application[UUID]]:
    """The library's application on ours, in a fresh database."""
    with ground.database() as conninfo:
        recorder = LibraryRecorder("library", conninfo, secret=SECRET)

        class OnOurRecorder(Application[UUID]):
            def construct_recorder(self) -> ApplicationRecorder:
                return recorder

        try:
            with OnOurRecorder({"AGGREGATE_CACHE_MAXSIZE": "10000"}) as application:
                yield application
        finally:
            recorder.close()


def fill_application(application: Application[UUID], people: int) -> None:
    """Save new aggregates, a hundred together."""
    for _ in range(people // 100):
        application.save(*[person() for _ in range(100)])


def saved(application: Application[UUID], threads: int, saves: int) -> float:
    """New aggregates, saved one by one in threads; how many a second."""

    def save(thread: int) -> None:
        for number in range(saves // threads):
            application.save(person(number))

    return saves / in_threads(range(threads), save)


def in_threads(subjects: Sequence[T], work: Callable[[T], None]) -> float:
    """A thread for each subject; how many seconds they took together."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(subjects)) as pool:
        for future in [pool.submit(work, subject) for subject in subjects]:
            future.result()
    return time.perf_counter() - began
