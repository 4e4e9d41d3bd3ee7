"""Who signs in the units that decide? Their chairs, elected for 2023 to 2028, and once somebody in a chair's place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from congdoan.sample.steps import Chapter, Sender, named, step
from congdoan.sample.units import CONFEDERATION, FEDERATION, HA_NOI, VINH_PHUC

LABOUR_FEDERATION = f"ldld-{VINH_PHUC}"


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody in an office of a unit, named by its token's subject."""

    unit: str
    office: str
    role: str
    elected_on: date

    @property
    def position_id(self) -> UUID:
        """Follows from unit and office."""
        return named("position", self.unit, self.office)

    @property
    def sender(self) -> Sender:
        """As whom it sends what it signs."""
        return Sender(f"{self.unit}-{self.office.replace('_', '-')}", self.role, self.unit)


CHAIRS: Mapping[str, Officer] = {
    unit: Officer(unit, "chair", role, elected_on)
    for unit, role, elected_on in (
        (CONFEDERATION, "federation_officer", date(2023, 12, 3)),
        (FEDERATION, "federation_officer", date(2023, 7, 21)),
        (LABOUR_FEDERATION, "federation_officer", date(2023, 9, 14)),
        (VINH_PHUC, "province_officer", date(2023, 5, 25)),
        (HA_NOI, "province_officer", date(2023, 4, 19)),
    )
}
IN_PLACE_OF_THE_CHAIR = Officer(VINH_PHUC, "standing_member", "province_officer", date(2023, 5, 25))
"""Signs the commendations of Vĩnh Phúc at the end of 2024, while its chair is away."""
AWAY_FROM, AWAY_UNTIL = date(2024, 12, 2), date(2024, 12, 13)


def chapter() -> Chapter:
    """Everybody is appointed from above; then one chair lets another sign for some days."""
    chair, deputy = CHAIRS[VINH_PHUC], IN_PLACE_OF_THE_CHAIR
    delegated = step(
        *("membership", "DelegateAuthority", deputy.position_id),
        delegation_id=named("delegation", VINH_PHUC, 2024), position_id=chair.position_id, unit=VINH_PHUC,
        to_officer=deputy.sender.subject, matters=["award_decision"], on=AWAY_FROM, until=AWAY_UNTIL,
    )  # fmt: skip
    return [
        [
            step(
                *("membership", "AppointOfficer", officer.position_id),
                position_id=officer.position_id, unit=officer.unit, officer=officer.sender.subject, office=officer.office,
                on=officer.elected_on,
            )
            for officer in (*CHAIRS.values(), deputy)
        ],
        [delegated.by(chair.sender)],
    ]  # fmt: skip


def signatory(unit: str) -> Sender:
    """Who signs at a unit as a rule."""
    return CHAIRS[unit].sender
