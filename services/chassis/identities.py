"""By what does a process show which service it is? A certificate, its key, and the authority it trusts, each in a file.

The files are renewed under the running process (by ``congdoan up``, by cert-manager on Kubernetes): a server looks at
each handshake whether they changed, a client at a call. What is read is checked to fit together, so a renewal caught
half-way is not taken; the last good one stays in use until the next look. Connections that stand are not touched;
servers end each after some minutes (`grpc.max_connection_age_ms`), so what is no longer trusted is soon gone.

gRPC takes keys of ECDSA P-256 and RSA; it finds no common signature algorithm for Ed25519.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SERVICE_URI = "spiffe://congdoan/service/"
"""With the name of a service behind it: the subject alternative name that says which it is. Nothing else does."""

READINGS = 5
"""How often files are read that change while they are read."""

Stamp = tuple[tuple[int, int, int], ...]
"""Of some files: inode, time of change in ns, length. Whenever one is replaced or written, it is another."""

_SERVICE = re.compile(re.escape(SERVICE_URI) + "([a-z][a-z-]{0,39})")
_log = structlog.get_logger("chassis.identities")


class NotPresentable(Exception):
    """The files of an identity or authority cannot be read, or do not fit together; names the file, never a key."""


@dataclass(frozen=True, slots=True)
class Pems:
    """What the files held at one moment, in PEM; `certificate` and `key` are empty where only an authority is trusted."""

    stamp: Stamp
    authority: bytes
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)

    @property
    def service(self) -> str:
        """The service the certificate names, or nothing."""
        if not self.certificate:
            return ""
        certificate = x509.load_pem_x509_certificate(self.certificate)
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ""
        return _service_in(names.get_values_for_type(x509.UniformResourceIdentifier))

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """For a client: trust the authority, show the certificate if there is one."""
        return grpc.ssl_channel_credentials(self.authority, self.key or None, self.certificate or None)

    def server_configuration(self) -> grpc.ServerCertificateConfiguration:
        """For a server: show the certificate, and trust clients of the authority."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], root_certificates=self.authority)


@dataclass(frozen=True, slots=True)
class Identity:
    """The files of a process's certificate (with its chain), its key, and the certificates of those it trusts."""

    certificate: Path
    key: Path
    authority: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All three."""
        return self.authority, self.certificate, self.key

    def read(self) -> Pems:
        """What they hold now.

        :raises NotPresentable: one cannot be read, or the key is not the certificate's.
        """
        stamp, (authority, certificate, key) = _settled(self.files)
        _check_authority(authority, self.authority)
        try:
            shown = x509.load_pem_x509_certificate(certificate)
            fits = load_pem_private_key(key, None).public_key() == shown.public_key()
        except (ValueError, TypeError):  # what the parser says could quote the file
            raise NotPresentable(f"{self.certificate} and {self.key} are not a certificate and its key") from None
        if not fits:
            raise NotPresentable(f"{self.key} is not the key of {self.certificate}")
        return Pems(stamp, authority, certificate, key)

    def expires(self) -> float:
        """Until when the certificate that lies there is valid, in seconds since 1970; 0 when there is none to be read."""
        try:
            return x509.load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc.timestamp()
        except (OSError, ValueError):
            return 0.0

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """For a client, from what the files hold now.

        :raises NotPresentable: see `read`.
        """
        return self.read().channel_credentials()

    def server_credentials(self, *, services_only: bool) -> grpc.ServerCredentials:
        """For a server; every later handshake is made with what the files hold then.

        :param services_only: let only clients in that show a certificate of the authority.
        :raises NotPresentable: see `read`.
        """
        pems = self.read()
        # The stubs do not know that a fetcher may answer None.
        renewed: Callable[[], Any] = _renewal(self, pems.stamp)
        return grpc.dynamic_ssl_server_credentials(pems.server_configuration(), renewed, services_only)


def read_authority(file: Path) -> Pems:
    """The certificates of those whom a caller without an identity trusts.

    :raises NotPresentable: there is none in the file.
    """
    stamp, (authority,) = _settled((file,))
    _check_authority(authority, file)
    return Pems(stamp, authority)


def stamp_of(files: Iterable[Path]) -> Stamp:
    """Of what the files hold now; costs some microseconds.

    :raises NotPresentable: one is not there.
    """
    try:
        found = [os.stat(file) for file in files]
    except OSError as error:
        raise NotPresentable(f"{error.filename}: {error.strerror}") from None
    return tuple((file.st_ino, file.st_mtime_ns, file.st_size) for file in found)


def peer_service(auth_context: Mapping[str, Iterable[bytes]]) -> str:
    """The service whose certificate the other end of a call showed, or nothing.

    gRPC gives a SPIFFE id only where the verified certificate has exactly one URI among its alternative names.
    """
    return _service_in(uri.decode("ascii", "replace") for uri in auth_context.get("peer_spiffe_id", ()))


def _service_in(uris: Iterable[str]) -> str:
    match list(uris):
        case [uri] if found := _SERVICE.fullmatch(uri):
            return found[1]
    return ""


def _renewal(identity: Identity, known: Stamp) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
    """What gRPC asks, on a thread of its own, before each handshake: the new certificate, or None where it is the old one."""
    complaint = ""

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal known, complaint
        try:
            if stamp_of(identity.files) == known:
                return None
            pems = identity.read()
        except NotPresentable as error:
            if complaint != str(error):  # once, not at each handshake
                complaint = str(error)
                _log.warning("the renewed certificate cannot be taken, the last one stays", reason=complaint)
            return None
        known, complaint = pems.stamp, ""
        _log.info("the certificate was renewed")
        return pems.server_configuration()

    return renewed


def _settled(files: tuple[Path, ...]) -> tuple[Stamp, list[bytes]]:
    """The contents of files that belong together, none of which changed while they were read."""
    for _ in range(READINGS):
        before = stamp_of(files)
        try:
            contents = [file.read_bytes() for file in files]
        except OSError as error:
            raise NotPresentable(f"{error.filename}: {error.strerror}") from None
        if stamp_of(files) == before:
            return before, contents
    raise NotPresentable(f"{files[0]} and what belongs to it keep changing")


def _check_authority(pem: bytes, file: Path) -> None:
    try:
        x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise NotPresentable(f"{file} holds no certificate of an authority") from None
