"""What audit makes of an event: how it is sealed, what it contributes to which figure, and where units stand."""

from audit.domain import awards_figures, membership_figures, notifications_figures, welfare_figures
from audit.domain.contribution import CONTRIBUTIONS

__all__ = ["CONTRIBUTIONS", "awards_figures", "membership_figures", "notifications_figures", "welfare_figures"]
