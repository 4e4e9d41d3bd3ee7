"""What do welfare's events contribute to the figures? A share counts where its recipient is, in the campaign's year."""

from collections.abc import Iterable

from audit.domain.contribution import CONTRIBUTIONS, Contribution, Late, Said


@CONTRIBUTIONS.of("welfare.gift_distributed")
def gift_distributed(said: Said, late: Late) -> Iterable[Contribution]:
    """One more share, and its worth; a collective gift is one share."""
    yield from _share(said, 1)


@CONTRIBUTIONS.of("welfare.gift_returned")
def gift_returned(said: Said, late: Late) -> Iterable[Contribution]:
    """A share that came back, and its worth, count no longer."""
    yield from _share(said, -1)


def _share(said: Said, by: int) -> Iterable[Contribution]:
    unit, year, on = said.text("unit"), said.whole("year"), said.day("on")
    yield Contribution("gift_shares", unit, year, on, by)
    yield Contribution("gift_amount_vnd", unit, year, on, by * said.whole("amount_vnd"))
