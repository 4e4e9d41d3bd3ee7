"""The questions awards answers, one a file: rows, a pure evolve, the query."""

from typing import Any

from awards.read_models.award_counts import AWARD_COUNTS
from awards.read_models.child_honour_counts import CHILD_HONOUR_COUNTS
from awards.read_models.child_honour_rounds import CHILD_HONOUR_ROUNDS
from awards.read_models.child_honours import CHILD_HONOURS
from awards.read_models.initiative_counts import INITIATIVE_COUNTS
from awards.read_models.initiatives import INITIATIVES
from awards.read_models.nominations import NOMINATIONS
from awards.read_models.programmes import PROGRAMMES
from awards.read_models.quotas import QUOTAS
from chassis.read_models import ReadModel

OWN: tuple[ReadModel[Any], ...] = (NOMINATIONS, AWARD_COUNTS, QUOTAS, PROGRAMMES, INITIATIVES, INITIATIVE_COUNTS)
"""Those that follow awards' own history; the tree of units is kept besides."""

OF_CHILDREN: tuple[ReadModel[Any], ...] = (CHILD_HONOURS, CHILD_HONOUR_COUNTS, CHILD_HONOUR_ROUNDS)
"""Those about the honours of members' children; they too follow awards' own history."""
