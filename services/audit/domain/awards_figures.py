"""What do awards' events contribute to the figures? An award counts at its recipient's unit, until it is revoked."""

from collections.abc import Iterable

from audit.domain.contribution import CONTRIBUTIONS, Contribution, Late, Said

FLAG, PUBLIC_HONOUR = "flag", "public_honour"
FORMS = {
    FLAG: "flags_received",
    "certificate_of_merit": "certificates_of_merit",
    "commendation": "commendations",
    PUBLIC_HONOUR: "honoured_delegates",
}
BY_LEVEL = {"confederation": "flags_by_confederation", "federation": "flags_by_federation"}
LEVELS = ("confederation", "federation", "province", "ministry", "grassroots", "section", "group")


def awarded(said: Said, late: Late) -> Iterable[Contribution]:
    """One more of its form, for the year of the award."""
    yield from _award(said, 1)


for _topic in ("flag_awarded", "certificate_of_merit_awarded", "commendation_awarded", "public_honour_awarded"):
    CONTRIBUTIONS.of(f"awards.{_topic}")(awarded)


@CONTRIBUTIONS.of("awards.award_revoked")
def award_revoked(said: Said, late: Late) -> Iterable[Contribution]:
    """From this day on it counts no longer."""
    yield from _award(said, -1)


def _award(said: Said, by: int) -> Iterable[Contribution]:
    unit, year, on = said.text("unit"), said.whole("year"), said.day("on")
    form, level = said.one_of("form", FORMS), said.one_of("decider_level", LEVELS)
    if form != PUBLIC_HONOUR or said.is_given("member_id"):
        # Honoured delegates are persons; a unit that is honoured is none.
        yield Contribution(FORMS[form], unit, year, on, by)
    if form == FLAG and level in BY_LEVEL:
        yield Contribution(BY_LEVEL[level], unit, year, on, by, decider=said.text("decider"))


@CONTRIBUTIONS.of("awards.initiative_programme_opened")
def initiative_programme_opened(said: Said, late: Late) -> Iterable[Contribution]:
    """So many initiatives are aimed at."""
    yield Contribution("initiative_target", said.text("unit"), said.whole("year"), said.day("on"), said.whole("target"))


@CONTRIBUTIONS.of("awards.initiative_accepted")
def initiative_accepted(said: Said, late: Late) -> Iterable[Contribution]:
    """One more initiative."""
    yield Contribution("initiatives", said.text("unit"), said.whole("year"), said.day("on"), 1)
