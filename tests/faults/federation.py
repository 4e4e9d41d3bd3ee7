"""In which federation does the load work? A small one, established once: provinces, chairs, programmes, grassroots unions."""

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from chassis.security import Role
from congdoan.clients import Federation

PROVINCES = tuple(f"p-{number}" for number in range(1, 5))
GRASSROOTS = 5
"""Under each province."""
SINCE, ELECTED_ON, ON = "2000-01-01", "2023-01-02", "2024-06-03"
YEAR = 2024

Fields = dict[str, object]


def named(*words: object) -> str:
    """An id, by the name of the thing."""
    return str(uuid5(NAMESPACE_OID, "/".join(map(str, ("faults", *words)))))


def chair_of(province: str) -> str:
    """The subject of the token of whoever signs there."""
    return f"chair-of-{province}"


def programme_of(province: str) -> str:
    """The id of the programme in which the province's initiatives are registered."""
    return named("programme", province)


def grassroots_of(province: str) -> list[str]:
    """The codes of its grassroots unions."""
    return [f"{province}-cs-{number}" for number in range(1, GRASSROOTS + 1)]


def _unit(code: str, level: str, parent: str) -> Fields:
    return {"command_id": named("unit", code), "unit": code, "name": code, "level": level, "line_parent": parent, "on": SINCE}


def _chair(province: str) -> Fields:
    position = {"position_id": named("chair", province), "unit": province, "officer": chair_of(province), "office": "chair"}
    return {"command_id": named("appoint", province), **position, "on": ELECTED_ON}


def _programme(province: str) -> Fields:
    told = {"unit": province, "year": YEAR, "name": "01 triệu sáng kiến", "target": 1_000_000}
    window = {"opens_on": f"{YEAR}-01-01", "closes_on": f"{YEAR}-12-31"}
    return {"command_id": named("open", province), "programme_id": programme_of(province), **told, **window}


def _campaign(province: str) -> Fields:
    told = {"unit": province, "year": YEAR, "name": "Tết sum vầy", "on": ON}
    return {"command_id": named("campaign", province), "campaign_id": named("campaign of", province), **told}


UNITS = [_unit("tld", "confederation", ""), _unit("cdvcvn", "federation", "tld")]
UNITS += [_unit(province, "province", "cdvcvn") for province in PROVINCES]
UNITS += [_unit(code, "grassroots", province) for province in PROVINCES for code in grassroots_of(province)]

_FIGURES: Fields = {"unit": "tld", "year": YEAR}
PROBES: dict[str, tuple[str, Fields]] = {
    "membership": ("EstablishUnit", UNITS[0]),
    "welfare": ("OpenGiftCampaign", _campaign(PROVINCES[0])),
    "awards": ("OpenInitiativeProgramme", _programme(PROVINCES[0])),
    "notifications": ("GetFigures", _FIGURES),
    "audit": ("GetFigures", _FIGURES),
}
"""What shows that a service is back: a command of the first day, which must be given its first answer; or a question."""


async def establish(federation: Federation) -> dict[str, Any]:
    """Make it, as the operator; answers what the commands among the probes were answered."""
    first: dict[str, Any] = {}
    for unit in UNITS:
        first.setdefault("EstablishUnit", await federation.call("membership", "EstablishUnit", unit))
    for province in PROVINCES:
        appointed = await federation.call("membership", "AppointOfficer", _chair(province))
    seen = {"membership": appointed.position}
    for province in PROVINCES:
        programme = await federation.call("awards", "OpenInitiativeProgramme", _programme(province), at_least=seen)
        first.setdefault("OpenInitiativeProgramme", programme)
        first.setdefault(
            "OpenGiftCampaign", await federation.call("welfare", "OpenGiftCampaign", _campaign(province), at_least=seen)
        )
    return first


def officer(federation: Federation, province: str, subject: str) -> Federation:
    """The same services, called by an officer of the province."""
    return federation.acting_as(subject, Role.PROVINCE_OFFICER, province)
