"""The questions membership answers, one a file: rows, a pure evolve, the query."""

from typing import Any

from chassis.read_models import ReadModel
from membership.events import UNITS
from membership.read_models.member_counts import MEMBER_COUNTS
from membership.read_models.members import MEMBERS
from membership.read_models.plan_items import PLAN_ITEMS
from membership.read_models.reports import REPORTS

ALL: tuple[ReadModel[Any], ...] = (UNITS, MEMBERS, MEMBER_COUNTS, REPORTS, PLAN_ITEMS)
