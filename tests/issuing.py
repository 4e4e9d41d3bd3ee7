"""Tokens for tests of all services, from an issuer whose key is the same in every run."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.credentials import Credentials
from chassis.security import Caller
from congdoan.issuer import AUDIENCE, ISSUER, Issuer

SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LIFETIME_S = 3_600


@cache
def issuer() -> Issuer:
    """The issuer of this run; its folder ends with the run."""
    folder = Path(tempfile.mkdtemp(prefix="congdoan-issuer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Issuer.open(folder, signing=SIGNING_KEY)


def keys_file() -> Path:
    """The key set of the issuer."""
    return issuer().published


def token_settings() -> dict[str, Any]:
    """What the settings of every service say of tokens."""
    return {"token_issuer": ISSUER, "token_audience": AUDIENCE, "token_keys": str(keys_file())}


def token_of(caller: Caller, lifetime_s: float = LIFETIME_S) -> str:
    """A token that says the caller.

    :raises RoleNotIssued: the caller is a service, which has a certificate instead.
    """
    return issuer().issue(caller.id, caller.role, caller.unit, lifetime_s)


def credentials_of(caller: Caller, authority: Path | None = None) -> Credentials:
    """Credentials of a user; over an unencrypted connection where no authority is given."""
    source = issuer().token_source(caller.id, caller.role, caller.unit)
    return Credentials(token=source, authority=authority, language=caller.language)
