"""What does an event say of an award? A row for the register, which can then be asked on both clocks by index."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from audit.domain.awards_figures import FORMS
from audit.domain.contribution import said_by
from chassis.recorded import RecordedEvent

GIVEN = "given"
STEPS = {
    "awards.flag_awarded": GIVEN,
    "awards.certificate_of_merit_awarded": GIVEN,
    "awards.commendation_awarded": GIVEN,
    "awards.public_honour_awarded": GIVEN,
    "awards.award_presented": "presented",
    "awards.award_revoked": "revoked",
    "awards.artefact_recovered": "recovered",
}


@dataclass(frozen=True, slots=True)
class AwardStep:
    """What happened to an award at a position of awards' history, from a day on."""

    position: int
    nomination_id: UUID
    step: str
    day: date
    unit: str
    year: int
    member_id: str
    form: str
    scope: str
    theme: str
    decider: str
    decision_number: str
    decided_on: date


@dataclass(frozen=True, slots=True)
class AwardThen:
    """An award as it stood: how it was given, and on which days what became of it."""

    given: AwardStep
    presented_on: date | None = None
    revoked_on: date | None = None
    recovered_on: date | None = None

    @property
    def later(self) -> dict[str, date | None]:
        """What became of it, by name."""
        return {"presented_on": self.presented_on, "revoked_on": self.revoked_on, "recovered_on": self.recovered_on}


def award_step(event: RecordedEvent) -> AwardStep:
    """The row of an event of `STEPS`.

    :raises NotReadable: it lacks what its topic promises.
    """
    said = said_by(event)
    return AwardStep(
        position=event.position,
        nomination_id=event.aggregate_id,
        step=STEPS[event.topic],
        day=said.day("on"),
        unit=said.text("unit"),
        year=said.whole("year"),
        member_id=said.text("member_id") if said.is_given("member_id") else "",
        form=said.one_of("form", FORMS),
        scope=said.text("scope"),
        theme=said.text("theme"),
        decider=said.text("decider"),
        decision_number=said.text("decision_number"),
        decided_on=said.day("decided_on"),
    )


def awards_then(given: Iterable[AwardStep], later: Iterable[AwardStep]) -> list[AwardThen]:
    """Some awards with what became of them.

    :param later: the steps that count, in the order in which they were recorded.
    """
    awards = {step.nomination_id: AwardThen(step) for step in given}
    for step in later:
        awards[step.nomination_id] = replace(awards[step.nomination_id], **{f"{step.step}_on": step.day})  # type: ignore[arg-type]
    return list(awards.values())
