"""The questions welfare answers, one a file: rows, a pure evolve, the query."""

from typing import Any

from chassis.read_models import ReadModel
from welfare.read_models.campaigns import CAMPAIGNS
from welfare.read_models.care_history import CARE_HISTORY
from welfare.read_models.gifts_by_day import GIFTS_BY_DAY
from welfare.read_models.shares import SHARES

ALL: tuple[ReadModel[Any], ...] = (CAMPAIGNS, SHARES, CARE_HISTORY, GIFTS_BY_DAY)
