"""Where does each service answer, and as whom does the command line ask it?

Beside a suite of this machine: where the suite's note says, with tokens of the suite's own issuer. Elsewhere the
environment says all of it: ``CONGDOAN_MEMBERSHIP_TARGET`` and so on, ``CONGDOAN_TOKEN``, and
``CONGDOAN_TLS_AUTHORITY_FILE``, the authority by which the services are known. A token is shown to nobody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chassis.credentials import Credentials, Token
from congdoan import whereabouts
from congdoan.clients import Vouch
from congdoan.issuer import Issuer, operator
from congdoan.services import SERVICES
from congdoan.texts import Language

TARGET, TOKEN, AUTHORITY = "CONGDOAN_{}_TARGET", "CONGDOAN_TOKEN", "CONGDOAN_TLS_AUTHORITY_FILE"


class NotAllSaid(Exception):
    """The environment names the services' addresses, but not the variable of this message."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the services are called; `vouch` gives tokens of other callers, where there is an issuer."""

    targets: Mapping[str, str]
    credentials: Credentials
    vouch: Vouch | None = None


def find(data: Path | None, environment: Mapping[str, str], language: Language, shown: Token | None = None) -> Access:
    """How to call the suite that the environment names, else the one on a data folder or begun last.

    :param shown: gives the token to call with, of somebody who makes its own.
    :raises NotAllSaid: the environment says only a part.
    :raises NoSuite: it is not said, and nothing runs; :raises NoIssuer: its data folder is not whole.
    """
    told = {name: target for name in SERVICES if (target := environment.get(TARGET.format(name.upper())))}
    if len(told) == len(SERVICES):
        if missing := [name for name in (*(() if shown else (TOKEN,)), AUTHORITY) if not environment.get(name)]:
            raise NotAllSaid(missing[0])
        authority = Path(environment[AUTHORITY])
        return Access(told, Credentials(shown or (lambda: environment[TOKEN]), authority=authority, language=language))
    note = whereabouts.find(data.resolve() if data else None)
    if shown:
        return Access({**note.services, **told}, Credentials(shown, authority=Path(note.authority), language=language))
    issuer = Issuer.of(Path(note.data))
    return Access({**note.services, **told}, operator(issuer, Path(note.authority), language), issuer.token_source)


def issuer_of(data: Path | None) -> Issuer:
    """The issuer of a data folder, whether its suite runs or not, else of the suite that began last.

    :raises NoSuite: nothing runs; :raises NoIssuer: there is none on the folder.
    """
    return Issuer.of(data.resolve() if data else Path(whereabouts.find().data))
