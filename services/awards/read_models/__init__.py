"""The questions awards answers, one a file: rows, a pure evolve, the query."""

from typing import Any

from awards.read_models.award_counts import AWARD_COUNTS
from awards.read_models.initiative_counts import INITIATIVE_COUNTS
from awards.read_models.initiatives import INITIATIVES
from awards.read_models.nominations import NOMINATIONS
from awards.read_models.programmes import PROGRAMMES
from awards.read_models.quotas import QUOTAS
from chassis.read_models import ReadModel

OWN: tuple[ReadModel[Any], ...] = (NOMINATIONS, AWARD_COUNTS, QUOTAS, PROGRAMMES, INITIATIVES, INITIATIVE_COUNTS)
"""Those that follow awards' own history; the tree of units is kept besides."""
