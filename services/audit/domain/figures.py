"""Which figures are there, and what is each, given what its events contributed?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

COUNTS = (
    "grassroots_units",
    "members",
    "plan_items",
    "plan_items_key_task",
    "plan_items_focal",
    "plan_items_regular",
    "late_reports",
    "gift_shares",
    "gift_amount_vnd",
    "flags_received",
    "flags_by_confederation",
    "flags_by_federation",
    "certificates_of_merit",
    "commendations",
    "honoured_delegates",
    "initiatives",
    "initiative_target",
    "announcements",
    "reminders_sent",
    "escalations",
)
"""The figures that are plain sums."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What some events contributed together, and how many they were."""

    amount: int = 0
    events: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.amount + other.amount, self.events + other.events)


Sums = Mapping[tuple[str, str], Sum]
"""Sums by figure and decider; the decider is empty where a figure is not told apart by it."""


@dataclass(frozen=True, slots=True)
class AuditedFigure:
    """A figure with the number of events it stands on.

    A percentage is a decimal number as text, and None where there is no target.
    """

    name: str
    value: int | str | None
    events: int


def audited(sums: Sums, lineage: Collection[str]) -> list[AuditedFigure]:
    """Every figure of a unit.

    :param lineage: the unit itself and all above it: those by whom a decision counts where a figure asks for it.
    """
    totals = dict.fromkeys(COUNTS, Sum())
    for (figure, decider), part in sums.items():
        if not decider or decider in lineage:
            totals[figure] += part
    figures = [AuditedFigure(name, total.amount, total.events) for name, total in totals.items()]
    reached, target = totals["initiatives"], totals["initiative_target"]
    share = percent(reached.amount, target.amount) if target.amount > 0 else None
    return [*figures, AuditedFigure("initiative_percent", share, (reached + target).events)]


def percent(result: int, target: int) -> str:
    """How much of a target was reached: half up, two decimals; ``117.78``."""
    hundredths = (20_000 * result + target) // (2 * target)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
