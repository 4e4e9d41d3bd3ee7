"""What do notifications' events contribute to the figures?"""

from collections.abc import Iterable

from audit.domain.contribution import CONTRIBUTIONS, Contribution, Derivation, Late, Said


def _one_more(figure: str) -> Derivation:
    def derive(said: Said, late: Late) -> Iterable[Contribution]:
        yield Contribution(figure, said.text("unit"), said.whole("year"), said.day("on"), 1)

    return derive


CONTRIBUTIONS.of("notifications.announcement_published")(_one_more("announcements"))
# At the unit that owes the report, in the year reported on.
CONTRIBUTIONS.of("notifications.reminder_fired")(_one_more("reminders_sent"))
CONTRIBUTIONS.of("notifications.escalation_raised")(_one_more("escalations"))
