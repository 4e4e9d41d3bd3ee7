"""Does what clients were told, what was recorded and what was made of it agree? If not: which invariant is broken, and where?

Pure, and it knows nothing of the services: three sequences of lines in (:mod:`tests.faults.history`,
:mod:`tests.faults.evidence`), breaches out, each under the name of its invariant (docs/reliability.md).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.history import Line


class Breach(StrEnum):
    """What can be broken."""

    LOST = "I1 an acknowledged command is lost"
    NOT_APPLIED = "I2 an event is missing in a read model"
    APPLIED_TWICE = "I2 an event took effect twice in a read model"
    OUT_OF_ORDER = "I2 a follower did not take its events in order"
    ROWS_DIFFER = "I2 the rows of a read model are not those that the events make"
    STALE = "I2 a question did not see what its caller had written"
    VERSIONS = "I3 the versions of an aggregate are not contiguous"
    POSITIONS = "I3 the positions of a history are not contiguous"
    LEDGER = "I4 the history is not what the ledger signed"
    TOTALS = "I5 a total is not that of the events"
    TWO_EFFECTS = "I6 a command has two effects"
    ANOTHER_ANSWER = "I6 a command was given another answer than its first, or than its effect"
    REFUSED_WITH_EFFECT = "I7 a refused command has an effect"
    NOT_REFUSED = "I7 a command that a rule forbids was taken"
    NOT_RECOVERED = "I8 the services did not come back in time"
    UNSETTLED = "I8 the outcome of a command is still not known"
    DID_NOT_STRIKE = "I9 a fault did not strike"
    INTERNAL = "a caller was told INTERNAL or UNKNOWN"


@dataclass(frozen=True, slots=True)
class Broken:
    """One breach, and of what."""

    breach: Breach
    what: str

    def __str__(self) -> str:
        return f"{self.breach}: {self.what}"


Effects = dict[str, tuple[str, int, str, int]]
"""By command id, its last event: service, position, aggregate, version."""


def check(
    history: Iterable[Line], events: Iterable[Line], evidence: Iterable[Line] = (), since: Mapping[str, int] | None = None
) -> list[Broken]:
    """Everything that is broken.

    :param events: of each service in order; what an aggregate had before the first of them stands in front (``before``).
    :param since: the position of each service before the first event; what was answered with an earlier one is not looked for.
    """
    effects: Effects = {}
    counts: Counter[str] = Counter()
    broken = list(_of_events(events, effects, counts, since or {}))
    broken += _of_history(history, effects, since or {})
    broken += (found for line in evidence for found in _of_evidence(line, counts))
    return broken


def _of_events(events: Iterable[Line], effects: Effects, counts: Counter[str], since: Mapping[str, int]) -> Iterator[Broken]:
    last, branches, versions = dict(since), dict[tuple[str, str], int](), dict[tuple[str, str], int]()
    for event in events:
        service, aggregate, version, command = event["service"], event["aggregate"], event["version"], event["command"]
        before, versions[service, aggregate] = versions.get((service, aggregate), 0), version
        if event.get("before"):
            continue
        if before != version - 1:
            yield Broken(Breach.VERSIONS, f"{service} {aggregate}: {version} after {before}")
        position, branch = event["position"], (service, event["branch"])
        if position != last.get(service, 0) + 1:
            yield Broken(Breach.POSITIONS, f"{service}: {position} after {last.get(service, 0)}")
        elif branches.setdefault(branch, event["branch_position"] - 1) != event["branch_position"] - 1:
            yield Broken(Breach.POSITIONS, f"{service} in {branch[1]}: {event['branch_position']} after {branches[branch]}")
        last[service], branches[branch] = position, event["branch_position"]
        counts[event["topic"]] += 1
        # The events of one command stand one after the other.
        if command in effects and effects[command][:2] != (service, position - 1):
            yield Broken(
                Breach.TWO_EFFECTS, f"{command}: {service}/{position} beside {effects[command][0]}/{effects[command][1]}"
            )
        elif command:
            effects[command] = (service, position, aggregate, version)


def _of_history(history: Iterable[Line], effects: Effects, since: Mapping[str, int]) -> Iterator[Broken]:
    answers: Effects = {}
    forbidden, open_, won = set[str](), set[str](), dict[str, str]()
    for line in history:
        op, command = line["op"], line["id"]
        match op:
            case "invoke":
                open_.add(command)
                if line.get("forbidden"):
                    forbidden.add(command)
            case "ok":
                open_.discard(command)
                answer = (line["service"], line["position"], line["aggregate"], line["version"])
                if answers.setdefault(command, answer) != answer:
                    yield Broken(Breach.ANOTHER_ANSWER, f"{command}: {answer} after {answers[command]}")
                elif command in forbidden:
                    yield Broken(Breach.NOT_REFUSED, f"{command}: {answer}")
                elif (race := line.get("race")) and won.setdefault(race, command) != command:
                    yield Broken(Breach.NOT_REFUSED, f"{command}: {race} was won by {won[race]}")
            case "fail":
                open_.discard(command)
                if command in effects:
                    yield Broken(Breach.REFUSED_WITH_EFFECT, f"{command}: {line['rule']}, and {effects[command]}")
            case "read" if line["found"] < line["position"]:
                yield Broken(Breach.STALE, f"{line['service']}: {line['found']} instead of {line['position']}")
        if line.get("status") in ("INTERNAL", "UNKNOWN"):
            yield Broken(Breach.INTERNAL, f"{command}: {line['status']}")
    for command, answer in answers.items():
        if answer[1] > since.get(answer[0], 0) and (effect := effects.get(command)) != answer:
            yield Broken(Breach.ANOTHER_ANSWER if effect else Breach.LOST, f"{command}: {answer}, recorded {effect}")
    yield from (Broken(Breach.UNSETTLED, command) for command in open_)


def _of_evidence(line: Line, counts: Counter[str]) -> Iterator[Broken]:
    what = line.get("what", "")
    match line["kind"]:
        case "follower":
            if line["missing"] or line["parked"] or line["position"] < line["head"]:
                yield Broken(Breach.NOT_APPLIED, f"{what}: {line['missing'] or line['parked'] or line['position']}")
            if line["twice"]:
                yield Broken(Breach.APPLIED_TWICE, f"{what}: {line['twice']}")
            if line["verdict"] == "out_of_order" or (line["verdict"] == "unnamed" and not line["parked"]):
                yield Broken(Breach.OUT_OF_ORDER, f"{what}: {line['verdict']}")
        case "rows" if line["differing"] or line["only_live"] or line["only_beside"]:
            yield Broken(Breach.ROWS_DIFFER, f"{what}: {line['differing']}/{line['only_live']}/{line['only_beside']}")
        case "total":
            counted = (
                line["before"] + sum(counts[topic] for topic in line["plus"]) - sum(counts[topic] for topic in line["minus"])
            )
            if not line["told"] == line["audited"] == counted:
                yield Broken(Breach.TOTALS, f"{what}: told {line['told']}, audited {line['audited']}, counted {counted}")
        case "ledger" if not line["whole"] or (line["size"] and not line["covered"]):
            yield Broken(Breach.LEDGER, f"{what}: {line['covered']} of {line['size']} under checkpoints, {line['flaws']}")
        case "fault":
            if not line["struck"]:
                yield Broken(Breach.DID_NOT_STRIKE, what)
            if line["recovered_s"] is None:
                yield Broken(Breach.NOT_RECOVERED, f"{what}: {line.get('why', '')}")
