"""Certificates for tests: one authority for a whole run, made once, and each service's files made at first use."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from chassis.credentials import Credentials
from chassis.identities import Identity
from congdoan.authority import AUTHORITY_FILE, Authority


@cache
def authority() -> Authority:
    """The authority that every server of the tests trusts."""
    return Authority()


@cache
def authority_file() -> Path:
    """Its certificate, for clients."""
    return put(_folder() / AUTHORITY_FILE, authority().pem)


@cache
def identity_of(service: str) -> Identity:
    """The files of a service."""
    return identity_in(_folder() / service, service)


def identity_in(
    folder: Path, service: str, by: Authority | None = None, trusts: bytes | None = None, **certified: Any
) -> Identity:
    """Files in a folder of the test's own, for an identity that is to be renewed, or is in no good order.

    :param by: who certifies; the authority of the run unless given.
    :param trusts: the certificates of those whom the bearer trusts; of the run's authority unless given.
    :param certified: see :meth:`Authority.certify`.
    """
    certificate, key = (by or authority()).certify(service, **certified)
    files = {"crt": certificate, "key": key, "ca": authority().pem if trusts is None else trusts}
    return Identity(*(put(folder / name, pem) for name, pem in files.items()))


def service(name: str) -> Credentials:
    """What a service of the suite calls with."""
    return Credentials(identity=identity_of(name))


def tls_settings(service: str) -> dict[str, str]:
    """The settings that tell a service where its certificate lies."""
    identity = identity_of(service)
    return {
        "tls_certificate_file": str(identity.certificate),
        "tls_key_file": str(identity.key),
        "tls_authority_file": str(identity.authority),
    }


def put(file: Path, content: bytes) -> Path:
    """Write a file as one does who takes care: whole, then under its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.write_bytes(content)
    return unfinished.replace(file)


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="congdoan-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
