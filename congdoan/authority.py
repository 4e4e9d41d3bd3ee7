"""Who says which process is which service, on one machine? An authority that lives as long as the suite.

Its key is nowhere but in the memory of this process, so nobody can be certified once the suite has ended. Services are
certified for a day and anew at half of it; they take the new files by themselves (:mod:`chassis.identities`). On
Kubernetes cert-manager does the same, with files of the same names.
"""

import shutil
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chassis.files import write_whole
from chassis.identities import SERVICE_URI, Identity
from congdoan.embedded.folder import make_private_folder

LIFETIME = timedelta(hours=24)
OUTLIVES_EVERY_SUITE = timedelta(days=3_650)
"""How long the authority itself is valid; it ends earlier, with its key."""

LOOK_EVERY_S = 30.0
"""How often the time is looked at: a waiting thread does not notice how long a laptop slept."""

AUTHORITY_FILE = "authority.pem"

Clock = Callable[[], datetime]
_log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """By which certificates are valid."""
    return datetime.now(UTC)


class Authority:
    """Certifies services, with a key of its own that never leaves this object. Keys are ECDSA P-256.

    :param clock: gives the aware time from which a certificate is valid.
    """

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock, self._key = clock, ec.generate_private_key(ec.SECP256R1())
        self._name = _name("congdoan")
        builder = self._builder(self._name, self._key.public_key(), OUTLIVES_EVERY_SUITE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(certifies=True), critical=True)
        self.pem = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        """Its own certificate, for whoever is to trust it."""

    def certify(
        self, service: str, lifetime: timedelta = LIFETIME, *, names: Iterable[x509.GeneralName] | None = None
    ) -> tuple[bytes, bytes]:
        """A new certificate and its key, in PEM, for a service on this machine.

        :param names: what the certificate says the bearer is; the service, by its URI and addresses, when left out.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(service), key.public_key(), lifetime)
        both_ends = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        for extension, critical in (
            (x509.SubjectAlternativeName(names_of(service) if names is None else names), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(certifies=False), True),
            (x509.ExtendedKeyUsage(both_ends), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False),
        ):
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        return certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta) -> x509.CertificateBuilder:
        now = self._clock()
        return (
            x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + lifetime)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


class Certificates:
    """The identities of some services in a folder, renewed while this lasts (``with``).

    Each service's files lie in a folder of their own that a symbolic link names. A renewal makes a new folder and
    turns the link, so no reader finds a certificate beside the key of another.

    :raises OSError: the files cannot be written.
    """

    def __init__(self, folder: Path, services: Iterable[str], *, lifetime: timedelta = LIFETIME, clock: Clock = utc_now) -> None:
        self.folder, self.services, self.lifetime = folder, tuple(services), lifetime
        self.authority_file = folder / AUTHORITY_FILE
        self._clock, self._authority = clock, Authority(clock)
        self._due, self._turn = clock(), 0
        self._ending = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="certificates", daemon=True)

    def __enter__(self) -> Self:
        make_private_folder(self.folder)
        write_whole(self.authority_file, self._authority.pem)
        self.renew_if_due()
        self._renewing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._renewing.join()

    def identity(self, service: str) -> Identity:
        """Where a service finds its certificate, its key, and whom it trusts."""
        current = self.folder / service / "current"
        return Identity(current / "tls.crt", current / "tls.key", current / "ca.crt")

    def renew_if_due(self) -> None:
        """Certify every service anew when half of the time has passed."""
        now = self._clock()
        if now >= self._due:
            self._turn += 1
            for service in self.services:
                self._put(self.folder / service)
            self._due = now + self.lifetime / 2

    def _renew(self) -> None:
        while not self._ending.wait(min(LOOK_EVERY_S, self.lifetime.total_seconds() / 8)):
            try:
                self.renew_if_due()
            except OSError as error:  # a full disk, perhaps: half of the time is left to try again
                _log.error("the certificates could not be renewed", reason=error.strerror)

    def _put(self, folder: Path) -> None:
        new, link = folder / str(self._turn), folder / "current"
        shutil.rmtree(new, ignore_errors=True)  # half-made by a turn that failed
        for made in (folder, new):
            make_private_folder(made)
        certificate, key = self._authority.certify(folder.name, self.lifetime)
        for name, pem in (("tls.crt", certificate), ("tls.key", key), ("ca.crt", self._authority.pem)):
            write_whole(new / name, pem)
        turned = folder / "next"
        turned.unlink(missing_ok=True)
        turned.symlink_to(new.name)
        turned.replace(link)
        for old in folder.iterdir():
            if old not in (new, link):
                shutil.rmtree(old)


def names_of(service: str) -> list[x509.GeneralName]:
    """What a service of this machine is called: its identity, and the addresses at which it may be called."""
    return [
        x509.UniformResourceIdentifier(SERVICE_URI + service),
        x509.DNSName(service),
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        key_cert_sign=certifies,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
