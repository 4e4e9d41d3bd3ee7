"""Does the command line say the right thing, in the right language, with the right code, and find the suite that runs?"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from rich.console import Console

from congdoan import cli, help_texts, texts, whereabouts
from congdoan.authority import Authority
from congdoan.catching_up import NotCaughtUp, caught_up
from congdoan.feeding import SampleRefused, feed, is_fed
from congdoan.operations import replay
from congdoan.sample import Sample
from congdoan.sample.duties import Item
from congdoan.sample.steps import step
from congdoan.services import RECORDING, SERVICES
from congdoan.summary import Figure, Summary, summarise
from congdoan.tables import summary_table
from congdoan.whereabouts import NoSuite, Note, UnsafeFolder
from federation.contract.v1 import contract_pb2
from federation.membership.v1 import membership_pb2
from federation.operations.v1 import operations_pb2


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Notes of this test's suites, apart from those of suites that really run."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith("CONGDOAN_")]:
        monkeypatch.delenv(name)
    return tmp_path / "runtime"


def congdoan(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from congdoan.cli import main; main()", *arguments],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


# -- words -----------------------------------------------------------------------------------------------------------


def test_every_command_and_option_is_explained_in_both_languages() -> None:
    command = typer.main.get_command(cli.app)
    assert help_texts.undocumented(command) == []
    for language in ("vi", "en"):
        help_texts.translate(command, language)
        assert command.commands["report"].commands["summary"].params[0].help == (  # type: ignore[attr-defined]
            "Mã đơn vị, ví dụ vinh-phuc." if language == "vi" else "Code of the unit, e.g. vinh-phuc."
        )


def test_an_option_without_words_is_noticed() -> None:
    app = typer.Typer()

    @app.command()
    def other(nothing_said: str = "") -> None: ...

    assert help_texts.undocumented(typer.main.get_command(app)) == [":nothing_said"]


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "vi"),
        (["up", "--lang", "en"], {}, "en"),
        (["up", "--lang=en"], {}, "en"),
        (["up"], {"CONGDOAN_LANG": "en"}, "en"),
        (["up", "--lang", "vi"], {"CONGDOAN_LANG": "en"}, "vi"),
    ],
)
def test_help_is_in_the_language_that_is_asked_for(
    arguments: Sequence[str], environment: Mapping[str, str], language: str
) -> None:
    assert help_texts.language_of(arguments, environment) == language


def test_every_phrase_has_the_same_facts_in_both_languages() -> None:
    def facts(phrase: str) -> set[str]:
        return {part.split("}")[0].split(":")[0] for part in phrase.split("{")[1:]}

    assert all(facts(vi) == facts(en) for vi, en in texts._PHRASES.values())


def test_help_and_wrong_usage_end_with_0_and_2() -> None:
    assert congdoan("up", "--help")[0] == 0
    assert congdoan("report", "summary", "--unit", "vinh-phuc")[0] == 2
    assert congdoan("report", "summary", "--unit", "vinh-phuc", "--year", "2024", "--as-of", "yesterday")[0] == 2


def test_a_service_that_there_is_not_ends_with_2_and_names_those_there_are() -> None:
    code, _, error = congdoan("serve", "treasury")
    assert code == 2
    assert "membership, welfare, awards, notifications, audit" in error


# -- finding a suite -------------------------------------------------------------------------------------------------


def a_note(data: Path, **other: Any) -> Note:
    own = whereabouts.note_of_this_process(
        data, data / "run", services={"audit": "127.0.0.1:1"}, metrics={}, authority=data / "ca.crt"
    )
    return Note(**{**{field: getattr(own, field) for field in own.__slots__}, **other})


def test_a_suite_is_found_while_it_runs_and_leaves_nothing(tmp_path: Path, runtime_folder: Path) -> None:
    with whereabouts.told(a_note(tmp_path)):
        assert whereabouts.find().services == {"audit": "127.0.0.1:1"}
        assert whereabouts.find(tmp_path).pid == os.getpid()
        (pointer,) = (runtime_folder / "congdoan").iterdir()
        assert pointer.stat().st_mode & 0o777 == 0o600
    assert list(runtime_folder.iterdir()) == []
    assert list(tmp_path.glob("*.json")) == []
    with pytest.raises(NoSuite):
        whereabouts.find()


def test_of_two_suites_the_one_that_began_last_is_found(tmp_path: Path) -> None:
    (tmp_path / "older").mkdir()
    older = subprocess.Popen(["sleep", "60"])
    try:
        began = whereabouts._began(older.pid)
        assert began is not None
        first = a_note(tmp_path / "older", pid=older.pid, began=began, services={"audit": "older"})
        with whereabouts.told(a_note(tmp_path)), whereabouts.told(first):
            latest = max((whereabouts._began(os.getpid()) or 0, "127.0.0.1:1"), (began, "older"))
            assert whereabouts.find().services["audit"] == latest[1]
            assert whereabouts.find(tmp_path / "older").services["audit"] == "older"
    finally:
        older.kill()
        older.wait()


def test_a_killed_suite_is_not_found_and_its_note_is_given_once(tmp_path: Path) -> None:
    gone = subprocess.Popen(["sleep", "60"])
    note = a_note(tmp_path, pid=gone.pid, began=whereabouts._began(gone.pid))
    told = whereabouts.told(note)
    told.__enter__()
    assert whereabouts.find().pid == gone.pid
    gone.kill()
    gone.wait()
    with pytest.raises(NoSuite):
        whereabouts.find()
    assert [each.pid for each in whereabouts.abandoned()] == [gone.pid]
    assert list(whereabouts.abandoned()) == []


def test_a_pid_that_is_anothers_by_now_is_no_suite(tmp_path: Path) -> None:
    with whereabouts.told(a_note(tmp_path, began=1)), pytest.raises(NoSuite):
        whereabouts.find()


def test_a_folder_that_others_may_write_is_neither_read_nor_written(tmp_path: Path, runtime_folder: Path) -> None:
    (runtime_folder / "congdoan").mkdir()
    (runtime_folder / "congdoan").chmod(0o777)
    (runtime_folder / "congdoan" / "1.json").write_bytes(orjson.dumps({"pid": 1}))
    with pytest.raises(NoSuite):
        whereabouts.find()
    with pytest.raises(UnsafeFolder), whereabouts.told(a_note(tmp_path)):
        pass


def test_without_a_suite_the_code_is_3(tmp_path: Path) -> None:
    code, out, error = congdoan("report", "summary", "--unit", "vinh-phuc", "--year", "2024")
    assert (code, out) == (3, "")
    assert "congdoan up" in error
    assert congdoan("readmodels", "list", "--data", str(tmp_path))[0] == 3


def test_the_environment_says_where_services_are_and_one_that_does_not_answer_is_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SERVICES:
        monkeypatch.setenv(f"CONGDOAN_{name.upper()}_TARGET", "127.0.0.1:1")
    code, _, error = congdoan("deadletters", "list")
    assert code == 2
    assert "CONGDOAN_TOKEN" in error
    monkeypatch.setenv("CONGDOAN_TOKEN", "a.b.c")
    monkeypatch.setenv("CONGDOAN_TLS_AUTHORITY_FILE", str(tmp_path / "authority.pem"))
    (tmp_path / "authority.pem").write_bytes(Authority().pem)
    code, out, error = congdoan("deadletters", "list", "--lang", "en")
    assert (code, out) == (3, "")
    assert "does not answer" in error


# -- summaries -------------------------------------------------------------------------------------------------------

Answers = Mapping[tuple[str, str], Any]


class Told:
    """A federation that answers what a test says."""

    def __init__(self, answers: Answers) -> None:
        self.services = tuple(dict.fromkeys(service for service, _ in answers))
        self.answers, self.asked = answers, list[tuple[str, str, Mapping[str, object]]]()

    async def call(self, service: str, rpc: str, fields: Mapping[str, object], **_: Any) -> Any:
        self.asked.append((service, rpc, fields))
        answer = self.answers[service, rpc]
        return answer(fields) if callable(answer) else answer

    async def operate(self, service: str, rpc: str, **fields: object) -> Any:
        return await self.call(service, rpc, fields)


def figures(**values: Any) -> contract_pb2.GetFiguresResponse:
    def figure(name: str, value: Any) -> contract_pb2.Figure:
        match value:
            case None:
                return contract_pb2.Figure(name=name)
            case str():
                return contract_pb2.Figure(name=name, decimal=value, events=3)
            case _:
                return contract_pb2.Figure(name=name, count=value, events=3)

    return contract_pb2.GetFiguresResponse(as_of="2024-12-31", figures=[figure(*item) for item in values.items()])


def told_by(audit: contract_pb2.GetFiguresResponse, **services: contract_pb2.GetFiguresResponse) -> Told:
    by_service = {(name, "GetFigures"): services.get(name, figures()) for name in RECORDING}
    unit = membership_pb2.Unit(unit="ha-noi", name="CĐVC Hà Nội")
    return Told({**by_service, ("audit", "GetFigures"): audit, ("membership", "GetUnit"): unit})


async def a_summary(federation: Told) -> Summary:
    return await summarise(federation, "ha-noi", 2023, date(2024, 12, 31))  # type: ignore[arg-type]


async def test_a_summary_holds_each_figure_as_told_and_as_audited() -> None:
    federation = told_by(
        figures(members=7, initiative_percent="117.78", nothing=None),
        membership=figures(members=7),
        awards=figures(initiative_percent="117.78", nothing=None),
    )
    summary = await a_summary(federation)
    assert summary.agreed
    assert summary.document == {
        "unit": "ha-noi",
        "year": 2023,
        "as_of": "2024-12-31",
        "figures": {
            "members": {"value": 7, "audited": 7, "events": 3},
            "initiative_percent": {"value": "117.78", "audited": "117.78", "events": 3},
            "nothing": {"value": None, "audited": None, "events": 0},
        },
    }


@pytest.mark.parametrize("audit", [{"members": 8}, {"members": None}, {}, {"members": "7"}])
async def test_another_figure_of_the_auditor_is_a_disagreement(audit: dict[str, Any]) -> None:
    assert not (await a_summary(told_by(figures(**audit), membership=figures(members=7)))).agreed


async def test_a_figure_that_only_the_auditor_tells_is_a_disagreement() -> None:
    assert not (await a_summary(told_by(figures(members=7)))).agreed


def printed(summary: Summary, language: str) -> str:
    console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(summary_table(summary, language))  # type: ignore[arg-type]
    return console.export_text(styles=True)


def test_a_table_has_numbers_as_its_reader_writes_them_and_leaves_out_what_says_nothing() -> None:
    told = {
        "members": Figure(4512, 4512, 5000),
        "initiative_percent": Figure("117.78", "117.78", 9),
        "late_reports": Figure(0, 0, 0),
    }
    summary = Summary("ha-noi", "Công đoàn [Viên chức]", 2023, "2024-12-31", told)
    vietnamese, english = printed(summary, "vi"), printed(summary, "en")
    assert "4.512" in vietnamese
    assert "117,78" in vietnamese
    assert "4,512" in english
    assert "117.78" in english
    assert "Công đoàn [Viên chức]" in vietnamese
    assert "Báo cáo chậm" not in vietnamese


def test_a_disagreement_is_red() -> None:
    told = {"members": Figure(1, 2, 3), "gift_shares": Figure(4, 4, 4)}
    lines = printed(Summary("x", "X", 2024, "2024-12-31", told), "vi").splitlines()
    assert any("\x1b[1;31m" in line and "Đoàn viên" in line for line in lines)
    assert not any("\x1b[1;31m" in line and "Suất quà" in line for line in lines)


# -- feeding and catching up -----------------------------------------------------------------------------------------

SEAL = Item("vinh-phuc", 2024, "focal", "Hội nghị")


def a_sample(*stages: int) -> Sample:
    """Stages of so many commands."""
    return Sample(
        [[step("membership", "DissolveUnit", at, n, unit=f"u{n}") for n in range(size)] for at, size in enumerate(stages)], SEAL
    )


def batch_answer(positions: Iterator[int], *, refuse: str = "") -> Any:
    def answer(fields: Mapping[str, Any]) -> Any:
        answers = contract_pb2.BatchAnswer()
        for item in fields["items"]:
            if item.unit == refuse:
                answers.items.add().refusal.rule = "UnitNotEmpty"
            else:
                answers.items.add().answer.position = next(positions)
        return answers

    return answer


async def test_a_sample_is_fed_stage_by_stage_in_batches_and_progress_is_told() -> None:
    federation = Told({("membership", "BatchDissolveUnit"): batch_answer(iter(range(1, 9_999)))})
    fed: list[int] = []
    positions = await feed(federation, a_sample(3, 1_200), fed.append)  # type: ignore[arg-type]
    assert positions == {"membership": 1_203}
    assert sorted(fed) == [3, 200, 500, 500]


async def test_a_refusal_ends_the_feeding_with_the_rule() -> None:
    federation = Told({("membership", "BatchDissolveUnit"): batch_answer(iter(range(1, 9_999)), refuse="u2")})
    with pytest.raises(SampleRefused, match="UnitNotEmpty"):
        await feed(federation, a_sample(3), lambda count: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("completed_on", "fed"), [("2025-01-09", True), ("", False)])
async def test_a_sample_is_all_there_when_its_seal_is_completed(completed_on: str, fed: bool) -> None:
    item = membership_pb2.PlanItem(item_id=str(SEAL.item_id), completed_on=completed_on)
    federation = Told({("membership", "ListPlanItems"): membership_pb2.ListPlanItemsResponse(items=[item])})
    assert await is_fed(federation, a_sample(1)) is fed  # type: ignore[arg-type]


def status(head: int, *followers: tuple[str, int], backlog: int = 0) -> operations_pb2.GetStatusResponse:
    following = [operations_pb2.FollowerStatus(name=source, source=source, position=position) for source, position in followers]
    return operations_pb2.GetStatusResponse(head=head, published=head - backlog, backlog=backlog, followers=following)


def in_turn(*answers: Any) -> Any:
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


async def test_everyone_has_caught_up_when_two_looks_find_the_same_and_nobody_behind() -> None:
    reacting = in_turn(
        status(0, ("membership", 3)), status(1, ("membership", 5)), status(1, ("membership", 5), ("notifications", 1))
    )
    federation = Told({("membership", "GetStatus"): status(5), ("notifications", "GetStatus"): reacting})
    found = await caught_up(federation)  # type: ignore[arg-type]
    assert found["notifications"].head == 1
    assert len(federation.asked) >= 2 * 4


@pytest.mark.parametrize("behind", [status(5, backlog=1), status(5, ("membership", 4))])
async def test_whoever_comes_no_further_is_named(behind: Any) -> None:
    federation = Told({("membership", "GetStatus"): behind})
    with pytest.raises(NotCaughtUp, match="of 5"):
        await caught_up(federation, patience_s=0.2)  # type: ignore[arg-type]


async def test_replay_asks_the_followers_that_have_something_aside() -> None:
    letters = [
        operations_pb2.DeadLetter(follower=name, source="membership", position=at) for at, name in enumerate(("a", "a", "b"), 1)
    ]
    federation = Told(
        {
            ("welfare", "ListDeadLetters"): operations_pb2.ListDeadLettersResponse(dead_letters=letters),
            ("welfare", "ReplayDeadLetters"): operations_pb2.ReplayDeadLettersResponse(taken=2, parked=0),
        }
    )
    assert [done.follower for done in await replay(federation)] == ["a", "b"]  # type: ignore[arg-type]
    assert [done.follower for done in await replay(federation, "b")] == ["b"]  # type: ignore[arg-type]


def test_a_broken_note_is_no_suite(tmp_path: Path) -> None:
    (tmp_path / whereabouts.NOTE).write_text("{")
    with pytest.raises(NoSuite):
        whereabouts.find(tmp_path)
