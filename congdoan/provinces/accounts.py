"""How are provinces and auditors let in by NATS servers elsewhere, on a cluster? By files that whoever operates them puts there.

::

    accounts.conf           who is let in: what the secret `nats-accounts` holds
    keys.json               the keys of provinces' systems: what the secret `province-keys` holds
    services.url            where services find NATS: what the secret `nats-services` holds
    system.url              the same for whoever has it read its configuration: what the secret `nats-system` holds
    nats.token nats.system  the passwords in it, made once
    ha-noi.nk               the seed of a province, and of an auditor likewise: handed over, then deleted
    provinces/ auditors/    who was granted what

A folder of the operator's, kept as keys are. All of it follows from what was granted: written anew, it is the same.
"""

import secrets
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from chassis.files import write_whole
from chassis.tokens import is_unit
from congdoan.provinces.auditors import Auditors
from congdoan.provinces.configuration import SERVICES_USER, SYSTEM_USER, render_accounts
from congdoan.provinces.granting import NoCode, NotGranted, with_credentials
from congdoan.provinces.grants import Grant, Grants, identities

ACCOUNTS, KEYS, SERVICES_URL, SYSTEM_URL = "accounts.conf", "keys.json", "services.url", "system.url"
TOKEN, SYSTEM_PASSWORD = "nats.token", "nats.system"
SERVER = "nats:4222?authority=/run/tls/ca.crt"
"""Where services find NATS in their namespace, and by whose certificate."""


class NotAnAuditor(Exception):
    """There is no such auditor."""


def grant(folder: Path, code: str, now: datetime, *, renew: bool = False) -> Path:
    """Note that a branch is let in, and write its seed, ``<code>.nk``; what is done already is not done again.

    :param renew: by another key.
    :raises NoCode: it cannot be the code of a branch. :raises CredentialsInTheWay: the file holds another key.
    """
    if not is_unit(code):
        raise NoCode(code)
    grants, file = Grants(folder), folder / f"{code}.nk"
    found = grants.get(code)
    if found is None or found.ending:
        found = Grant(code, now)
    if not found.complete or renew:
        begun = with_credentials(grants, found, file)
        grants.put(replace(begun, key=begun.next_key, next_key=""))
    return file


def revoke(folder: Path, code: str) -> None:
    """Note that a branch is let in no more; its account stays until :func:`forget`, so that its copy can be taken away.

    :raises NotGranted: it has no account.
    """
    Grants(folder).put(replace(_granted(folder, code), ending=True))


def forget(folder: Path, code: str) -> None:
    """Forget a branch whose copy was taken away.

    :raises NotGranted: it has no account, or was not revoked.
    """
    if not _granted(folder, code).ending:
        raise NotGranted(code)
    Grants(folder).remove(code)


def admit(folder: Path, name: str, now: datetime, *, renew: bool = False) -> Path:
    """Note an auditor and write the key, ``<name>.nk``; who is noted already keeps the key that was handed over.

    :param renew: by another key.
    :raises NoAuditorName, KeyInTheWay: nothing was changed.
    """
    file, auditors = folder / f"{name}.nk", Auditors(folder)
    if renew or auditors.get(name) is None:
        if renew:
            file.unlink(missing_ok=True)
        auditors.admit(name, file, now)
    return file


def dismiss(folder: Path, name: str) -> None:
    """Let an auditor in no more.

    :raises NotAnAuditor: there is none of the name.
    """
    if not Auditors(folder).remove(name):
        raise NotAnAuditor(name)


def write(folder: Path) -> list[Path]:
    """Write what the secrets hold, as everything was granted; the files, for their owner alone."""
    granted = Grants(folder).all()
    passwords = _secret(folder, TOKEN), _secret(folder, SYSTEM_PASSWORD)
    contents = {
        ACCOUNTS: render_accounts(*passwords, granted, Auditors(folder).all()).encode(),
        KEYS: identities(granted),
        SERVICES_URL: _url(SERVICES_USER, passwords[0]),
        SYSTEM_URL: _url(SYSTEM_USER, passwords[1]),
    }
    for name, content in contents.items():
        write_whole(folder / name, content)
    return [folder / name for name in contents]


def _url(user: str, password: str) -> bytes:
    return f"tls://{user}:{quote(password)}@{SERVER}".encode()


def _granted(folder: Path, code: str) -> Grant:
    found = Grants(folder).get(code)
    if found is None:
        raise NotGranted(code)
    return found


def _secret(folder: Path, name: str) -> str:
    file = folder / name
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, secrets.token_urlsafe(24).encode())
    return file.read_text()
