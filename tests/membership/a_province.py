"""A province's copy of its branch, kept from what it is told and from nothing else: plain JSON in, rows out."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Row = dict[str, Any]
Told = Mapping[str, Any]
Page = Mapping[str, Any]
Ask = Callable[[Mapping[str, Any]], Awaitable[Page]]
"""A request for a snapshot, and its answer."""

TOP_OF = {"line": "line_parent", "functional": "functional_parent"}


class Copy:
    """Units and members of one branch, as the events so far have set them."""

    def __init__(self, branch: str) -> None:
        self.branch = branch
        self.units: dict[str, Row] = {}
        self.members: dict[str, Row] = {}
        self.position = 0

    def take(self, topic: str, told: Told, position: int) -> list[str]:
        """One event of the branch; what must be asked for besides comes back: units that have arrived.

        Twice is as once, and none may be missing.
        """
        if position <= self.position:
            return []
        assert position == self.position + 1, f"{self.branch} misses what comes before {position}"
        self.position = position
        return self._set(topic.partition(".")[2], told) or []

    def _set(self, what: str, told: Told) -> list[str] | None:
        unit, member, on = told["unit"], told.get("member_id", ""), told["on"]
        match what:
            case "unit_established":
                named = {name: told[name] for name in ("name", "level", "line_parent", "functional_parent")}
                self.put_unit({"unit": unit, **named, "established_on": on, "dissolved_on": None})
            case "unit_renamed":
                self._change(self.units, unit, name=told["name"])
            case "unit_attached":
                self._change(self.units, unit, **{TOP_OF[told["attachment"]]: told["parent"]})
            case "unit_dissolved":
                self._change(self.units, unit, dissolved_on=on)
            case "unit_moved_away":
                self._drop(told["units"])
            case "unit_arrived":
                return list(told["units"])
            case "member_joined":
                self.put_member({"member_id": member, "unit": unit, "joined_on": on, "left_on": None, "hardship": None})
            case "hardship_recorded":
                self._change(self.members, member, hardship=told["grade"])
            case "hardship_ended":
                self._change(self.members, member, hardship=None)
            case "member_left":
                self._change(self.members, member, left_on=on, hardship=None)
            case "member_moved_away":
                self.members.pop(member, None)
            case "transfer_accepted":
                said = {"joined_on": told["joined_on"], "hardship": told["hardship"]}
                self.put_member({"member_id": member, "unit": unit, **said, "left_on": None})
        return None

    def put_unit(self, row: Row) -> None:
        """As a snapshot tells it."""
        self.units[row["unit"]] = dict(row)

    def put_member(self, row: Row) -> None:
        """As a snapshot tells it."""
        self.members[row["member_id"]] = dict(row)

    @staticmethod
    def _change(rows: dict[str, Row], key: str, **values: Any) -> None:
        # Of one that has gone since, a later event of the branch that it went to says the rest.
        if key in rows:
            rows[key] |= values

    def _drop(self, units: list[str]) -> None:
        for unit in units:
            self.units.pop(unit, None)
        self.members = {key: row for key, row in self.members.items() if row["unit"] not in units}

    async def walk(self, ask: Ask, unit: str | None = None, between: Callable[[], Awaitable[None]] | None = None) -> int:
        """Take in a snapshot, of the branch or of what lies under a unit; its position.

        :param between: done between two pages.
        """
        request, first = {"unit": unit} if unit else {}, 0
        while True:
            page = await ask(request)
            if "error" in page:
                assert page["error"]["rule"] == "UnitElsewhere", page
                return first
            first = first or page["position"]
            for row in page["units"]:
                self.put_unit(row)
            for row in page["members"]:
                self.put_member(row)
            if page["next"] is None:
                return first
            request = {**request, "after": page["next"]}
            if between:
                await between()

    async def fetch(self, ask: Ask, arrived: list[str]) -> None:
        """Ask for units that have arrived; what comes with the first need not be asked for."""
        had = set(self.units)
        for unit in arrived:
            if unit not in self.units or unit in had:
                await self.walk(ask, unit)
