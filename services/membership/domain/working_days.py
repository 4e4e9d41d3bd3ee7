"""Which days are working days in Viet Nam?

Monday to Friday (Labour Code 2019, art. 105 and 111), save the public holidays of art. 112 with their substitutes. The
holidays come from the `holidays` library, which reckons the lunar ones (Tết, the Hùng kings' day). It does not know every
yearly decision of the Prime Minister: days exchanged against a Saturday become known a few weeks before, and until a
release of the library has them they can be given as `exceptions`.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache

import holidays

ONE_DAY = timedelta(days=1)
FRIDAY = 4

Closed = Callable[[date], bool]
"""Whether no work is done on a day."""


def working_day_after(day: date, n: int, closed: Closed) -> date:
    """The n-th working day after a day, which itself does not count (Civil Code 2015, art. 147); n is at least 1."""
    if n < 1:
        raise ValueError("the first working day after a day is number 1")
    left = n
    while left:
        day += ONE_DAY
        left -= not closed(day)
    return day


def closed_in_viet_nam(exceptions: Mapping[date, bool] | None = None) -> Closed:
    """Weekends and public holidays.

    :param exceptions: days that decisions on exchanged days made closed (True) or working days (False).
    """
    decreed = dict(exceptions or {})

    def closed(day: date) -> bool:
        known = decreed.get(day)
        return day.weekday() > FRIDAY or day in _public_holidays(day.year) if known is None else known

    return closed


@lru_cache(64)
def _public_holidays(year: int) -> frozenset[date]:
    # Asked for one year, the library also answers a substitute that falls into the next.
    return frozenset(holidays.country_holidays("VN", years=(year - 1, year)))
