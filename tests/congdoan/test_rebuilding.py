"""Does the command line find the read model that is meant, and tell what differs, what is proven and what is stale?"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner

from chassis.messages import message_of
from congdoan import cli, rebuilding
from congdoan.commands import read_models
from congdoan.operations import DeadLetter, stale
from congdoan.rebuilding import InSeveralServices, NoSuchReadModel, Place
from federation.operations.v1 import operations_pb2 as pb

MEMBERS = Place("membership", "members.v2")


@dataclass
class Told:
    """Two services that both keep units, and one that also keeps members, whose second generation comes nearer."""

    beside: list[int] = field(default_factory=list)
    services: tuple[str, ...] = ("membership", "welfare")
    asked: list[str] = field(default_factory=list)
    built: bool = False
    differing: int = 7
    verdict: int = pb.PROOF_VERDICT_EXACTLY_ONCE

    async def operate(self, service: str, rpc: str, **fields: Any) -> Any:
        self.asked.append(rpc)
        match rpc:
            case "ListGenerations":
                return pb.ListGenerationsResponse(generations=[self._standing(name) for name in self._names(service)])
            case "GetStatus":
                names = [*self._names(service), "watch_reports"]
                kinds = [pb.FOLLOWER_KIND_READ_MODEL if "." in name else pb.FOLLOWER_KIND_REACTION for name in names]
                followers = [pb.FollowerStatus(name=name, kind=kind) for name, kind in zip(names, kinds, strict=True)]
                return pb.GetStatusResponse(service=service, followers=followers)
            case "CompareGenerations":
                return pb.CompareGenerationsResponse(position=50_000, rows_live=3, rows_beside=3, differing=self.differing)
            case "ProveFollower":
                return pb.ProveFollowerResponse(follower=fields["follower"], source="membership", verdict=self.verdict)  # type: ignore[arg-type]
        self.built = rpc != "DropGeneration"
        return self._standing(fields["read_model"])

    def _names(self, service: str) -> list[str]:
        return ["members.v2", "units.v1"] if service == "membership" else ["units.v1"]

    def _standing(self, name: str) -> pb.Generations:
        position = self.beside.pop(0) if self.beside else 50_000
        more = {"beside": 2, "beside_position": position} if self.built else {}
        return pb.Generations(read_model=name, live=1, live_position=50_000, **more)  # type: ignore[arg-type]


async def test_a_name_is_found_with_or_without_its_version_and_service() -> None:
    told: Any = Told()
    for name in ("members", "members.v2", "membership/members", "membership/members.v2"):
        assert await rebuilding.located(told, name) == MEMBERS
    assert await rebuilding.located(told, "units", "welfare") == Place("welfare", "units.v1")
    with pytest.raises(InSeveralServices, match="membership, welfare"):
        await rebuilding.located(told, "units")
    with pytest.raises(NoSuchReadModel):
        await rebuilding.located(told, "member")
    assert await rebuilding.followers(told, "watch_reports", "welfare") == [Place("welfare", "watch_reports")]
    with pytest.raises(NoSuchReadModel):
        await rebuilding.followers(told, "nobody", None)


def typed(monkeypatch: pytest.MonkeyPatch, told: Told, *words: str) -> tuple[int, str]:
    """What comes of a command line, asked of no real suite."""
    monkeypatch.setattr(read_models, "asked", lambda ask, data, lang: asyncio.run(ask(told)))
    done = CliRunner().invoke(cli.app, ["readmodels", *words, "--lang", "en"])
    return done.exit_code, done.output


def test_what_is_typed_is_ordered_and_told_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    code, output = typed(monkeypatch, told, "rebuild", "members", "--switch-when-equal")
    assert (code, "7 rows differ" in " ".join(output.split()), "SwitchReadModel" in told.asked) == (1, True, False)
    told.differing = 0
    code, output = typed(monkeypatch, told, "rebuild", "members", "--switch-when-equal")
    assert (code, "generation 2 is followed on" in " ".join(output.split()), told.asked[-1]) == (0, True, "SwitchReadModel")
    for word, rpc in (("switch", "SwitchReadModel"), ("rollback", "RollBackReadModel"), ("drop", "DropGeneration")):
        code, output = typed(monkeypatch, told, word, "members", "--json")
        assert (code, json.loads(output)["read_model"], told.asked[-1]) == (0, "members.v2", rpc)
    code, output = typed(monkeypatch, told, "list", "--json")
    assert (code, {model["live_generation"] for model in json.loads(output)["read_models"]}) == (0, {1})
    assert typed(monkeypatch, told, "rebuild", "units")[0] == 2
    assert typed(monkeypatch, told, "prove", "nobody")[0] == 2


def test_a_proof_that_does_not_hold_or_rows_that_differ_end_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(differing=0)
    code, output = typed(monkeypatch, told, "prove", "--json")
    assert (code, len(json.loads(output)["proofs"])) == (0, 5)
    assert typed(monkeypatch, told, "prove", "members", "--rows")[0] == 0
    assert typed(monkeypatch, Told(), "prove", "members", "--rows")[0] == 1
    assert typed(monkeypatch, Told(verdict=pb.PROOF_VERDICT_TWICE), "prove", "members")[0] == 1


async def test_progress_is_told_until_both_are_near_and_what_was_built_to_compare_is_dropped() -> None:
    told: Any = Told(beside=[50_000, 50_000, 0, 20_000, 20_000, 45_000, 45_000])
    seen: list[tuple[int, int]] = []
    compared = await rebuilding.compared_anew(told, MEMBERS, 7, lambda done, of: seen.append((done, of)))
    assert (seen[0], seen[-1]) == ((0, 50_000), (50_000, 50_000))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert (compared.equal, compared.document["differing"], compared.document["beside_generation"]) == (False, 7, 2)
    assert told.asked[-1] == "DropGeneration"


def test_a_difference_is_told_in_words_without_a_personal_value() -> None:
    event = {"id": "membership/7", "topic": "membership.member_joined", "recorded_at": "2026-11-22T11:17:06.660955Z"}
    columns = [
        pb.DifferingColumn(name="full_name", personal=True),
        pb.DifferingColumn(name="unit", live="vp-1", set_by=pb.EventReference(**event)),
    ]
    row = {"key": ["id-1"], "stands": pb.ROW_STANDS_BOTH, "columns": columns, "events": 3}
    because = [pb.EventReference(**event)]
    altered = pb.Difference(cause=pb.DIFFERENCE_CAUSE_ALTERED, **row)  # type: ignore[arg-type]
    one_of = pb.Difference(
        cause=pb.DIFFERENCE_CAUSE_NOT_APPLIED,
        because_of=because,
        cause_events=13,
        alternatives=True,
        **row,  # type: ignore[arg-type]
    )
    first, second = rebuilding.rows_of(pb.CompareGenerationsResponse(differences=[altered, one_of]), "en")
    assert first[:2] == ("id-1", "full_name: differs (personal)\nunit: vp-1 → –")
    assert first[2:] == (
        "none of its 3 events explains it: altered by hand, or by earlier rules",
        "membership/7 membership.member_joined 2026-11-22T11:17:06Z → unit",
    )
    assert second[2:] == ("one of these was not applied", "membership/7 membership.member_joined 2026-11-22T11:17:06Z\n… +12")


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("cause", list(pb.DifferenceCause.values())[1:])
@pytest.mark.parametrize("alternatives", [False, True])
def test_every_cause_has_words(lang: Any, cause: Any, alternatives: bool) -> None:
    one_of = alternatives and cause in (pb.DIFFERENCE_CAUSE_NOT_APPLIED, pb.DIFFERENCE_CAUSE_APPLIED_TWICE)
    row = pb.Difference(cause=cause, stands=pb.ROW_STANDS_LIVE, events=2, later=1, alternatives=one_of)
    ((_, stands, why, _),) = rebuilding.rows_of(pb.CompareGenerationsResponse(differences=[row]), lang)
    assert stands
    assert why


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("verdict", list(pb.ProofVerdict.values())[1:])
def test_every_verdict_is_a_sentence_and_one_of_them_holds(lang: Any, verdict: Any) -> None:
    proof = message_of(
        pb.ProveFollowerResponse,
        follower="members.v2",
        source="membership",
        position=9,
        followed=5,
        applied=4,
        parked=1,
        since=2,
        missing_positions=[3, 4, 5, 8],
        twice_positions=[7],
        parked_positions=[6],
    )
    proof.verdict = verdict
    sentence = rebuilding.proof_sentence(MEMBERS, proof, lang)
    assert sentence.startswith("membership/members.v2: ")
    assert ("3–5, 8" in sentence) == (verdict in (pb.PROOF_VERDICT_MISSING, pb.PROOF_VERDICT_MISSING_AND_TWICE))
    assert rebuilding.holds(proof) == (verdict == pb.PROOF_VERDICT_EXACTLY_ONCE)


def test_what_is_stale_is_told_by_follower_and_aggregate_since_the_first_was_put_aside() -> None:
    def letter(service: str, follower: str, position: int, aggregate: str, waits_for: int | None) -> DeadLetter:
        reason = "not readable" if waits_for is None else f"waits for membership/{waits_for}"
        return DeadLetter(
            service, follower, "membership", position, aggregate, "topic", reason, waits_for, f"2026-01-0{position}T00:00:00Z"
        )

    letters = [
        letter("welfare", "units.v1", 3, "a", None),
        letter("welfare", "units.v1", 5, "a", 3),
        letter("welfare", "watch", 3, "a", None),
        letter("membership", "members.v2.beside", 7, "b", None),
    ]
    found = stale(letters, {("welfare", "units.v1"), ("membership", "members.v2")})
    assert [(one.service, one.follower, one.kind, one.aggregate_id, one.first, one.waiting) for one in found] == [
        ("welfare", "units.v1", "read_model", "a", 3, 2),
        ("welfare", "watch", "reaction", "a", 3, 1),
        ("membership", "members.v2.beside", "read_model", "b", 7, 1),
    ]
    assert (found[0].since, found[0].reason) == ("2026-01-03T00:00:00Z", "not readable")
