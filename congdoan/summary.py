"""What came out of a unit's year: each figure twice, once from the service that owns it and once from the auditor?"""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

from congdoan.clients import Federation
from congdoan.services import RECORDING

Value = int | str | None
"""Whole numbers as such, decimal ones as text, None where there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as its service tells it, as the auditor derives it, and the number of events it stands on."""

    value: Value
    audited: Value
    events: int

    @property
    def agreed(self) -> bool:
        """Whether both are the same."""
        return self.value == self.audited


@dataclass(frozen=True, slots=True)
class Summary:
    """A unit's year as of a day."""

    unit: str
    name: str
    year: int
    as_of: str
    figures: dict[str, Figure]

    @property
    def agreed(self) -> bool:
        """Whether service and auditor agree on every figure."""
        return all(figure.agreed for figure in self.figures.values())

    @property
    def document(self) -> dict[str, object]:
        """The same as JSON knows it."""
        figures = {
            name: {"value": figure.value, "audited": figure.audited, "events": figure.events}
            for name, figure in self.figures.items()
        }
        return {"unit": self.unit, "year": self.year, "as_of": self.as_of, "figures": figures}


async def summarise(federation: Federation, unit: str, year: int, as_of: date) -> Summary:
    """Ask every service and the auditor for the figures of a unit's year.

    :raises Refused: there is no such unit, or a service cannot be asked.
    """
    asked: dict[str, object] = {"unit": unit, "year": year, "as_of": as_of}
    *told, audited, found = await asyncio.gather(
        *(federation.call(service, "GetFigures", asked) for service in RECORDING),
        federation.call("audit", "GetFigures", asked),
        federation.call("membership", "GetUnit", {"unit": unit}),
    )
    by_auditor = {figure.name: figure for figure in audited.figures}
    by_service = {figure.name: figure for answer in told for figure in answer.figures}
    figures = {
        name: Figure(
            _value(by_service.get(name)), _value(by_auditor.get(name)), by_auditor[name].events if name in by_auditor else 0
        )
        for name in by_service | by_auditor
    }
    return Summary(unit, found.name, year, audited.as_of, figures)


def _value(figure: Any) -> Value:
    """What a figure of the contract says; None when it is not there, or is there without a value."""
    kind = figure.WhichOneof("value") if figure is not None else None
    return getattr(figure, kind) if kind else None
