"""A small federation in which the tests of awards take place."""

from datetime import date

from awards.domain.standing import Standing
from membership.events import Level

UNITS: dict[str, Standing | None] = {
    unit.code: unit
    for unit in (
        Standing("tld", Level.CONFEDERATION, ("tld",)),
        Standing("cdvcvn", Level.FEDERATION, ("cdvcvn", "tld")),
        Standing("ldld-vinh-phuc", Level.FEDERATION, ("ldld-vinh-phuc", "tld")),
        # By line under its provincial labour federation, by function under the sector's federation.
        Standing("vinh-phuc", Level.PROVINCE, ("vinh-phuc", "ldld-vinh-phuc", "cdvcvn", "tld")),
        Standing("ha-noi", Level.PROVINCE, ("ha-noi", "cdvcvn", "tld")),
        Standing("so-y-te", Level.GRASSROOTS, ("so-y-te", "vinh-phuc", "ldld-vinh-phuc", "cdvcvn", "tld")),
        Standing("so-noi-vu", Level.GRASSROOTS, ("so-noi-vu", "vinh-phuc", "ldld-vinh-phuc", "cdvcvn", "tld")),
        Standing("gone", Level.GRASSROOTS, ("gone", "vinh-phuc", "ldld-vinh-phuc", "cdvcvn", "tld"), date(2023, 12, 31)),
        Standing("gone-province", Level.PROVINCE, ("gone-province", "cdvcvn", "tld"), date(2023, 12, 31)),
    )
}
