"""Can every step of the schema be taken back, and does the program of yesterday go on where the step was taken?"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.database import STORE_MIGRATIONS, SchemaLacks, StepStays, migrate, require_schema, steps_of, take_back
from chassis.key_store import KEY_STEPS
from congdoan.embedded import EmbeddedPostgres
from tests.databases import fresh_database
from tests.serving import PATIENCE_S, SERVICES
from tests.upgrade.dumps import schema_of
from tests.upgrade.past import Release
from tests.upgrade.pods import environment_of
from tests.upgrade.record import FIRST, KEYS, STEPS, main, steps_told
from tests.upgrade.told import digest_of

RECORDED: dict[str, Any] = json.loads((FIRST / "recorded.json").read_text())
RELEASED = {package: RECORDED["steps"][name] for name, package in STEPS.items()}


def later(package: str) -> list[str]:
    """The steps that came after the first release."""
    return [name for name in steps_of(package) if name not in RELEASED[package]]


@pytest.mark.parametrize("package", STEPS.values())
def test_a_released_step_is_never_changed(package: str) -> None:
    today = steps_told(package)
    assert {name: today.get(name) for name in RELEASED[package]} == RELEASED[package]
    assert list(steps_of(package))[: len(RELEASED[package])] == list(RELEASED[package]), "what comes later has a higher number"


@pytest.mark.parametrize("package", STEPS.values())
def test_every_later_step_has_a_way_back(package: str) -> None:
    undone = {step.name.removesuffix(".undo.sql") for step in files(package).iterdir() if step.name.endswith(".undo.sql")}
    assert undone == {name.removesuffix(".sql") for name in later(package)}


def rows_of(conninfo: str, columns: dict[str, list[str]]) -> dict[str, str]:
    """A digest of every table, of the columns it had then."""
    with psycopg.connect(conninfo) as connection:
        return {
            table: digest_of(sorted(map(repr, connection.execute(f"select {', '.join(names)} from {table}".encode()))))
            for table, names in columns.items()
        }


COLUMNS = """select table_schema || '.' || table_name, column_name, data_type, is_nullable, column_default, is_generated
               from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')"""
FUNCTIONS = """select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' || pg_get_function_result(p.oid)
                 from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'public'"""


def shape_of(conninfo: str) -> tuple[dict[tuple[str, str], tuple[Any, ...]], set[str]]:
    """Every column and every function."""
    with psycopg.connect(conninfo) as connection:
        columns = {(table, name): tuple(rest) for table, name, *rest in connection.execute(COLUMNS)}
        return columns, {str(name) for (name,) in connection.execute(FUNCTIONS)}


def columns_of(conninfo: str) -> dict[str, list[str]]:
    """The columns of each table by name."""
    found: dict[str, list[str]] = {}
    for table, column in shape_of(conninfo)[0]:
        found.setdefault(table, []).append(column)
    return found


def test_each_step_taken_and_taken_back_leaves_schema_and_rows_as_they_were(first_release: Release) -> None:
    for name, package in (("membership", STORE_MIGRATIONS), (KEYS, KEY_STEPS)):
        conninfo = first_release.conninfo(name)
        had = columns_of(conninfo)
        del had["public.migrations"]
        standing, last = [], list(RELEASED[package])[-1]
        for step in later(package):
            standing.append((last, schema_of(conninfo), rows_of(conninfo, had)))
            with psycopg.connect(conninfo) as connection:
                connection.execute(steps_of(package)[step].read_bytes())
                connection.execute("insert into migrations (name) values (%s)", (step,))
            last = step
        assert migrate(conninfo, steps=package) == []
        for (was, schema, rows), step in zip(reversed(standing), reversed(later(package)), strict=True):
            assert take_back(conninfo, was, package) == [step]
            assert schema_of(conninfo) == schema, step
            assert rows_of(conninfo, had) == rows, step
        assert take_back(conninfo, list(RELEASED[package])[-1], package) == []


def test_what_the_first_release_stands_on_is_there_after_every_later_step(first_release: Release) -> None:
    """Steps only add, so that the program of yesterday goes on beside the one of today."""
    before = {name: shape_of(first_release.conninfo(name)) for name in first_release.names}
    first_release.migrate()
    for name, (columns, functions) in before.items():
        columns_now, functions_now = shape_of(first_release.conninfo(name))
        assert {key: columns_now.get(key) for key in columns} == columns, name
        assert functions <= functions_now, name
        old_tables = {table for table, _ in columns}
        for (table, column), (_, nullable, default, generated) in columns_now.items():
            if table in old_tables and (table, column) not in columns:
                assert nullable == "YES" or default or generated == "ALWAYS", (
                    f"{name}: an old program cannot write {table}.{column}"
                )


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of steps of the test's own."""
    name = f"steps_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    for file, content in {
        "__init__.py": "",
        "0001_first.sql": "create table first (a integer)",
        "0002_second.sql": "create table second (a integer)",
        "0002_second.undo.sql": "do $$ begin if exists (select from second) then raise exception 'rows would be lost'; end if;"
        " end $$; drop table second",
        "0003_third.sql": "alter table first add column b integer",
        "0003_third.undo.sql": "alter table first drop column b",
    }.items():
        (folder / file).write_text(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


def taken(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        return [str(name) for (name,) in connection.execute("select name from migrations order by name")]


def test_a_step_that_cannot_go_back_stays_with_all_before_it(postgres: EmbeddedPostgres, scratch: str, tmp_path: Path) -> None:
    every = ["0001_first.sql", "0002_second.sql", "0003_third.sql"]
    with fresh_database(postgres, steps=scratch) as conninfo:
        with psycopg.connect(conninfo) as connection:
            connection.execute("insert into second values (1)")
        with pytest.raises(StepStays, match=r"^0002_second\.sql stays: rows would be lost$"):
            take_back(conninfo, "0001_first.sql", scratch)
        assert taken(conninfo) == every, "all of it or nothing: the third is there too"
        assert take_back(conninfo, "0002_second.sql", scratch) == ["0003_third.sql"]
        with psycopg.connect(conninfo) as connection:
            connection.execute("delete from second")
        assert take_back(conninfo, "0001_first.sql", scratch) == ["0002_second.sql"]
        assert migrate(conninfo, steps=scratch) == every[1:]
        with pytest.raises(StepStays, match=r"^0001_first\.sql has no way back$"):
            take_back(conninfo, "", scratch)
        for step in tmp_path.glob("*/0003*"):
            step.unlink()
        with pytest.raises(StepStays, match=r"^0003_third\.sql was taken by a later version, which alone can take it back$"):
            take_back(conninfo, "0001_first.sql", scratch)
        assert taken(conninfo) == every


def test_two_who_go_forth_and_back_at_once_leave_whole_steps(postgres: EmbeddedPostgres, scratch: str) -> None:
    with fresh_database(postgres, steps=scratch) as conninfo:
        with ThreadPoolExecutor(8) as threads:
            forth = [threads.submit(migrate, conninfo, (), scratch) for _ in range(4)]
            back = [threads.submit(take_back, conninfo, "0001_first.sql", scratch) for _ in range(4)]
        for each in (*forth, *back):
            each.result()
        migrate(conninfo, steps=scratch)
        assert taken(conninfo) == ["0001_first.sql", "0002_second.sql", "0003_third.sql"]
        assert columns_of(conninfo)["public.first"] == ["a", "b"]


async def test_what_a_database_lacks_is_named_and_what_it_has_more_is_not(postgres: EmbeddedPostgres, scratch: str) -> None:
    postgres.create_database("nothing_there")
    empty, tables = postgres.conninfo("nothing_there"), ["create table if not exists shelf_v2 (a integer)"]
    with pytest.raises(SchemaLacks, match=r"^0001_first\.sql, 0002_second\.sql, 0003_third\.sql, shelf_v2$"):
        await require_schema(empty, tables, scratch)
    migrate(empty, tables, scratch)
    with psycopg.connect(empty) as connection:
        connection.execute("insert into migrations (name) values ('0004_of_a_later_version.sql')")
    await require_schema(empty, tables, scratch)


ONE_AFTER_THE_OTHER = """
import json, sys
from chassis.run import run
from welfare.settings import Settings
from welfare.wiring import real
for arguments in json.loads(sys.argv[1]):
    code = run("welfare", Settings, real, arguments, streams=())
    print(code, file=sys.stderr)
"""


def test_the_steps_are_taken_back_by_the_command_of_the_job(first_release: Release) -> None:
    """What the operator's guide says: migrate, go back, go back again, and what is refused."""
    released = list(RELEASED[STORE_MIGRATIONS])[-1].removesuffix(".sql")
    asked = [["serve"], ["migrate"], *(["migrate", "--to", step] for step in (released, "0001_event_store", "0999_dreamt_of"))]
    command = [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps([*asked, ["migrate", "--from", "0"]])]
    environment = environment_of(first_release.service("welfare").settings)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    said = re.split(r"^(\d)\n", done.stderr, flags=re.MULTILINE)
    assert said[1::2] == ["3", "0", "0", "3", "2", "2"], done.stderr
    early, forth, back, too_far, unknown, strange = said[:-1:2]
    assert "run the step `migrate` first" in early
    assert all(name in text for text in (early, forth, back) for name in later(STORE_MIGRATIONS))
    assert too_far == "welfare: 0004_generations.sql has no way back; nothing was changed\n"
    assert unknown == "welfare: no step is called 0999_dreamt_of\n"
    assert strange.startswith("usage: python -m welfare [serve|migrate [--to STEP]|streams")
    assert taken(first_release.conninfo("welfare")) == list(RELEASED[STORE_MIGRATIONS])


def test_the_recording_is_of_every_service_and_is_never_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(RECORDED["services"]) == set(SERVICES)
    assert main(FIRST) == 2
    assert "stays as it is" in capsys.readouterr().err
