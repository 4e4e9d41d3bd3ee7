"""Does the checker find what is broken, and nothing else? Corruptions of a clean history, each reported under its right name."""

import time
from collections.abc import Callable
from copy import deepcopy
from random import Random
from uuid import UUID

import pytest

from tests.faults.checker import Breach, check
from tests.faults.history import Line

SERVICES = ("membership", "welfare", "awards")
SINCE = dict.fromkeys(SERVICES, 100)
TOPICS = ("membership.member_joined", "membership.member_left")


class Run:
    """What a clean run leaves: commands alone and of several events, refusals, repetitions, races, outcomes that were unknown."""

    def __init__(self, random: Random, commands: int) -> None:
        self.random = random
        self.history: list[Line] = []
        self.events: list[Line] = []
        self.since = dict(SINCE)
        self._heads, self._branches, self._versions = dict(SINCE), dict[tuple[str, str], int](), dict[str, int]()
        known = self._id()
        self.events.append({"service": "membership", "aggregate": known, "version": 7, "before": True, "command": None})
        self._versions[known] = 7
        self._aggregates = {service: [known] if service == "membership" else [self._id()] for service in SERVICES}
        for number in range(commands):
            self._command(SERVICES[number % len(SERVICES)], number)
        self.evidence = self._evidence()

    def _command(self, service: str, number: int) -> None:
        command = self._id()
        self._told("invoke", command, service, **({"forbidden": True} if number % 10 == 9 else {}))
        if number % 10 == 9:
            self._told("fail", command, service, status="FAILED_PRECONDITION", rule="Forbidden")
            return
        answer = self._recorded(command, service, events=1 + (number % 5 == 0))
        if number % 7 == 0:
            self._told("info", command, service, status="UNAVAILABLE")
        self._told("ok", command, service, **answer, **({"race": f"race {number}"} if number % 11 == 0 else {}))
        if number % 11 == 0:
            loser = self._id()
            self._told("invoke", loser, service)
            self._told("fail", loser, service, status="ABORTED", rule="AlreadyJudged")
        if number % 6 == 0:
            self._told("ok", command, service, **answer)
            self._told("read", "", service, position=answer["position"], found=answer["position"])

    def _recorded(self, command: str, service: str, events: int) -> Line:
        aggregate = self.random.choice(self._aggregates[service])
        if self.random.random() < 0.3:
            self._aggregates[service].append(aggregate := self._id())
        for _ in range(events):
            branch = self.random.choice(("ha-noi", "national"))
            self._heads[service] += 1
            self._versions[aggregate] = self._versions.get(aggregate, 0) + 1
            self._branches[service, branch] = self._branches.get((service, branch), 40) + 1
            self.events.append({
                "service": service, "position": self._heads[service], "aggregate": aggregate,
                "version": self._versions[aggregate], "topic": self.random.choice(TOPICS), "branch": branch,
                "branch_position": self._branches[service, branch], "command": command,
            })  # fmt: skip
        return {"aggregate": aggregate, "version": self._versions[aggregate], "position": self._heads[service]}

    def _evidence(self) -> list[Line]:
        topics = [event.get("topic") for event in self.events]
        members = 50 + topics.count(TOPICS[0]) - topics.count(TOPICS[1])
        head = self._heads["membership"]
        of_follower = {"verdict": "exactly_once", "position": head, "head": head, "parked": 0, "missing": [], "twice": []}
        return [
            dict(kind="follower", what="membership/members.v1", **of_follower),
            {"kind": "rows", "what": "membership/members.v1", "differing": 0, "only_live": 0, "only_beside": 0},
            {
                "kind": "total",
                "what": "members",
                "before": 50,
                "told": members,
                "audited": members,
                "plus": [TOPICS[0]],
                "minus": [TOPICS[1]],
            },
            {"kind": "ledger", "what": "membership", "whole": True, "covered": head - 3, "size": head, "flaws": []},
            {"kind": "fault", "what": "kill-nats", "struck": 1, "recovered_s": 0.7},
        ]

    def _told(self, op: str, command: str, service: str, **more: object) -> None:
        self.history.append({"op": op, "id": command, "service": service, **more})

    def _id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    # -- for those who corrupt it --------------------------------------------------------------------------------------

    def some(self, **wanted: object) -> Line:
        """A line of the history like this."""
        return self.random.choice([line for line in self.history if wanted.items() <= line.items()])

    def once(self) -> Line:
        """An answer that was given once, to a command of one event that nobody raced."""
        answers = [line["id"] for line in self.history if line["op"] == "ok"]
        by_command = [event["command"] for event in self.events]
        return self.random.choice([
            line for line in self.history
            if line["op"] == "ok" and "race" not in line and answers.count(line["id"]) == by_command.count(line["id"]) == 1
        ])  # fmt: skip

    def event(self, command: str) -> Line:
        """The last event of a command."""
        return [event for event in self.events if event["command"] == command][-1]

    def proof(self, kind: str) -> Line:
        """A line of the evidence."""
        return next(line for line in self.evidence if line["kind"] == kind)


def broken(run: Run) -> set[Breach]:
    return {found.breach for found in check(run.history, run.events, run.evidence, run.since)}


CORRUPTIONS: list[tuple[Breach, Callable[[Run], object]]] = []


def corruption(breach: Breach) -> Callable[[Callable[[Run], object]], Callable[[Run], object]]:
    def noted(corrupt: Callable[[Run], object]) -> Callable[[Run], object]:
        CORRUPTIONS.append((breach, corrupt))
        return corrupt

    return noted


@corruption(Breach.LOST)
def the_event_of_an_answer_is_of_nobody(run: Run) -> None:
    run.event(run.once()["id"])["command"] = None


@corruption(Breach.LOST)
def an_answer_is_beyond_the_history(run: Run) -> None:
    line = deepcopy(run.once())
    run.history += [{**line, "id": "lost", "op": "invoke"}, {**line, "id": "lost", "position": line["position"] + 10_000}]


@corruption(Breach.NOT_APPLIED)
def a_follower_left_an_event_out(run: Run) -> None:
    run.proof("follower").update(verdict="missing", missing=[107])


@corruption(Breach.NOT_APPLIED)
def an_event_lies_aside(run: Run) -> None:
    run.proof("follower").update(parked=1)


@corruption(Breach.NOT_APPLIED)
def a_follower_is_not_at_the_head(run: Run) -> None:
    run.proof("follower")["position"] -= 1


@corruption(Breach.APPLIED_TWICE)
def a_follower_took_an_event_twice(run: Run) -> None:
    run.proof("follower").update(verdict="twice", twice=[108])


@corruption(Breach.OUT_OF_ORDER)
def a_follower_took_two_events_the_other_way_round(run: Run) -> None:
    run.proof("follower").update(verdict="out_of_order")


@corruption(Breach.ROWS_DIFFER)
def a_row_is_another(run: Run) -> None:
    run.proof("rows").update(differing=1)


@corruption(Breach.ROWS_DIFFER)
def a_row_is_too_many(run: Run) -> None:
    run.proof("rows").update(only_live=1)


@corruption(Breach.STALE)
def a_question_saw_too_little(run: Run) -> None:
    run.some(op="read")["found"] -= 1


@corruption(Breach.VERSIONS)
def a_version_is_left_out(run: Run) -> None:
    last = run.events[-1]
    last["version"] += 1
    for line in run.history:
        if line["op"] == "ok" and line["id"] == last["command"]:
            line["version"] += 1


@corruption(Breach.VERSIONS)
def what_an_aggregate_had_before_is_forgotten(run: Run) -> None:
    used = {event["aggregate"] for event in run.events[1:]}
    assert run.events[0]["aggregate"] in used
    del run.events[0]


@corruption(Breach.POSITIONS)
def a_position_is_left_out(run: Run) -> None:
    run.since["welfare"] -= 1


@corruption(Breach.POSITIONS)
def a_branch_position_is_given_twice(run: Run) -> None:
    run.events[-1]["branch_position"] -= 1


@corruption(Breach.LEDGER)
def the_ledger_signed_something_else(run: Run) -> None:
    run.proof("ledger").update(whole=False, flaws=["root"])


@corruption(Breach.LEDGER)
def nothing_is_signed(run: Run) -> None:
    run.proof("ledger").update(covered=0)


@corruption(Breach.TOTALS)
def the_service_counts_one_too_many(run: Run) -> None:
    run.proof("total")["told"] += 1


@corruption(Breach.TOTALS)
def the_auditor_counts_one_too_few(run: Run) -> None:
    run.proof("total")["audited"] -= 1


@corruption(Breach.TOTALS)
def both_count_what_nobody_recorded(run: Run) -> None:
    run.proof("total").update(told=1, audited=1)


@corruption(Breach.TWO_EFFECTS)
def a_command_took_effect_again_later(run: Run) -> None:
    later = run.events[-1]
    earlier = next(e["command"] for e in run.events if e.get("command") and e["service"] == later["service"])
    alone = run._id()
    run._told("invoke", alone, later["service"])
    answer = run._recorded(alone, later["service"], events=1)
    run.history.append({"op": "ok", "id": alone, "service": later["service"], **answer})
    # The event of a command that nobody is waiting for any more.
    run.history = [line for line in run.history if line["id"] != alone]
    run.events[-1]["command"] = earlier
    run.evidence = run._evidence()


@corruption(Breach.ANOTHER_ANSWER)
def a_repetition_was_given_another_answer(run: Run) -> None:
    line = run.once()
    run.history.append({**line, "position": line["position"] + 1})


@corruption(Breach.ANOTHER_ANSWER)
def an_answer_is_not_that_of_its_effect(run: Run) -> None:
    run.once()["position"] -= 1


@corruption(Breach.REFUSED_WITH_EFFECT)
def a_refused_command_is_in_the_history(run: Run) -> None:
    refused, line = run.some(op="fail", rule="Forbidden")["id"], run.once()
    run.event(line["id"])["command"] = refused
    run.history = [one for one in run.history if one["id"] != line["id"]]


@corruption(Breach.NOT_REFUSED)
def what_a_rule_forbids_was_taken(run: Run) -> None:
    command = run.once()["id"]
    run.some(op="invoke", id=command)["forbidden"] = True


@corruption(Breach.NOT_REFUSED)
def both_have_won_a_race(run: Run) -> None:
    first, second = run.some(race="race 0"), run.once()
    second["race"] = first["race"]


@corruption(Breach.NOT_RECOVERED)
def nobody_came_back(run: Run) -> None:
    run.proof("fault").update(recovered_s=None)


@corruption(Breach.UNSETTLED)
def an_outcome_stays_unknown(run: Run) -> None:
    line = run.once()
    line.update(op="info", status="UNAVAILABLE")


@corruption(Breach.DID_NOT_STRIKE)
def nothing_was_struck(run: Run) -> None:
    run.proof("fault").update(struck=0)


@corruption(Breach.INTERNAL)
def a_caller_was_told_of_a_fault(run: Run) -> None:
    run.some(op="info")["status"] = "INTERNAL"


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_found_in_a_clean_run(seed: int) -> None:
    assert not broken(Run(Random(seed), 400))


@pytest.mark.parametrize(("breach", "corrupt"), CORRUPTIONS, ids=[corrupt.__name__ for _, corrupt in CORRUPTIONS])
def test_a_corruption_has_its_own_name_and_no_other(breach: Breach, corrupt: Callable[[Run], object]) -> None:
    for seed in range(2):
        run = Run(Random(seed), 400)
        corrupt(run)
        assert broken(run) == {breach}, f"seed {seed}"


def test_each_breach_is_injected_by_some_corruption() -> None:
    assert {breach for breach, _ in CORRUPTIONS} == set(Breach)


def test_a_hundred_thousand_operations_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(Random(1), 40_000)
    began = time.process_time()
    assert len(run.history) > 100_000
    assert not broken(run)
    with capsys.disabled():
        print(f" {len(run.history)} lines and {len(run.events)} events in {time.process_time() - began:.2f} s", end="")
