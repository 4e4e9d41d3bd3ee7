"""Random trees of units, and the few lines that say by themselves who stands above whom.

Nothing here is taken from the product: what is told of a tree is walked over what was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

from hypothesis import strategies as st

BEGINNING, MOVED, GONE = date(2000, 1, 1), date(2025, 1, 1), date(2025, 2, 1)
LINE, FUNCTIONAL = "line", "functional"


@dataclass(frozen=True)
class Move:
    """From a day on a unit lies under another parent, by line or by function; under none where `parent` is empty."""

    on: date
    unit: str
    kind: str
    parent: str


@dataclass
class DrawnTree:
    """Units in an order in which parents come first, every place they ever had, and those that are no more."""

    units: list[str]
    moves: list[Move]
    dissolved: dict[str, date] = field(default_factory=dict)

    def places(self, unit: str, on: date | None = None) -> dict[str, str]:
        """Its parents by kind on a day; as of now when None."""
        places = {move.kind: move.parent for move in self.moves if move.unit == unit and (on is None or move.on <= on)}
        return {kind: parent for kind, parent in places.items() if parent}

    def parents(self, unit: str, on: date | None = None) -> set[str]:
        """Its parents on a day; as of now when None."""
        return set(self.places(unit, on).values())

    def above(self, unit: str, on: date | None = None) -> set[str]:
        """The unit itself and everything above it; nothing for one that is not there."""
        if unit not in self.units:
            return set()
        found = {unit}
        for parent in self.parents(unit, on):
            found |= self.above(parent, on)
        return found

    def seen_from(self, unit: str) -> set[str]:
        """Everything whose ancestor-or-self a unit is now, dissolved or not."""
        return {code for code in self.units if unit in self.above(code)}

    def there(self, unit: str, on: date | None, dissolved: bool) -> bool:
        """Whether a unit counts on a day."""
        ended = self.dissolved.get(unit)
        return dissolved or ended is None or (on is not None and on < ended)

    def subtree(self, top: str, on: date | None = None, dissolved: bool = False) -> set[str]:
        """What lay under a unit on a day, itself included."""
        there = {code for code in self.units if self.there(code, on, dissolved)}
        return {code for code in there if top in self.above(code, on)} if top in there else set()


def planted(layers: Sequence[Sequence[str]], chance: Random, moves: int, gone: int) -> DrawnTree:
    """A tree in which each unit lies under one of a layer above, some under two, some moved, and some are no more.

    :param moves: how often a unit is put elsewhere; :param gone: how many units with nothing below them are dissolved.
    """
    tree = DrawnTree([code for layer in layers for code in layer], [])
    above: dict[str, list[str]] = {}
    for number, layer in enumerate(layers):
        above |= {code: [parent for higher in layers[:number] for parent in higher] for code in layer}
    for code in tree.units[len(layers[0]) :]:
        tree.moves.append(Move(BEGINNING, code, LINE, chance.choice(above[code])))
        if chance.random() < 0.3:
            tree.moves.append(Move(BEGINNING, code, FUNCTIONAL, chance.choice(above[code])))
    for _ in range(moves if len(layers) > 1 else 0):
        code, kind = chance.choice(tree.units[len(layers[0]) :]), chance.choice((LINE, FUNCTIONAL))
        former = tree.places(code).get(kind, "")
        others = [parent for parent in (*above[code], *([""] if kind == FUNCTIONAL else [])) if parent != former]
        if others:
            tree.moves.append(Move(MOVED, code, kind, chance.choice(others)))
    for code in chance.sample(tree.units[len(layers[0]) :], len(tree.units) - len(layers[0])):
        if len(tree.dissolved) < gone and tree.subtree(code) == {code}:
            tree.dissolved[code] = GONE
    return tree


@st.composite
def trees(draw: st.DrawFn) -> DrawnTree:
    """Trees of up to ten units, each a layer of its own."""
    layers = [[f"u{number:02d}"] for number in range(draw(st.integers(1, 10)))]
    chance = Random(draw(st.integers(0, 2**32)))
    return planted(layers, chance, draw(st.integers(0, 4)), draw(st.integers(0, 2)))
