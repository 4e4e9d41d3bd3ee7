"""A federation to look at, made from the published figures of three real years; its people never were.

:func:`sample` gives it as commands in stages. Nothing here knows how a command is sent, and no figure that is printed is
written here: it follows from the events.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from congdoan.sample import announcements, duties, gifts, honours, initiatives, officers, people, units
from congdoan.sample.duties import Item
from congdoan.sample.steps import Chapter, Sender, Step, alongside

__all__ = ["SUMMARIES", "Sample", "Sender", "Step", "sample"]

SUMMARIES = ((units.VINH_PHUC, 2024), (units.FEDERATION, 2024), (units.HA_NOI, 2023))
"""The years that the sample tells of: unit and year."""


@dataclass(frozen=True, slots=True)
class Sample:
    """All commands in their stages, and the one thing that is there only after all of them."""

    stages: Chapter
    seal: Item
    """Its completion is the last command: who finds it completed knows that everything before took effect."""


@cache
def sample() -> Sample:
    """The sample federation."""
    stages = [
        *units.chapter(),
        *officers.chapter(),
        *people.chapter(),
        *alongside(
            *(gifts.chapter(), honours.chapter(), initiatives.chapter()),
            *(duties.reports(), duties.plans(), announcements.chapter()),
        ),
    ]
    seal = Item(units.VINH_PHUC, 2024, "focal", "Hội nghị tổng kết hoạt động công đoàn năm 2024", _digest(stages))
    return Sample([*stages, [seal.added()], [seal.completed(honours.VINH_PHUC_CONFERENCE)]], seal)


def _digest(stages: Chapter) -> str:
    """Another sample has another seal."""
    told = sha256()
    for stage in stages:
        for step in stage:
            told.update(repr((step.service, step.rpc, sorted(step.fields.items()), step.sender)).encode())
    return told.hexdigest()[:16]
