"""Is every service of the suite certified, for its time only, and never found half-way between two certificates?"""

import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from chassis.identities import SERVICE_URI, Identity, NotPresentable
from congdoan.authority import LIFETIME, Authority, Certificates

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SERVICES = ("membership", "welfare")


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def certificates(tmp_path: Path, clock: Clock) -> Iterator[Certificates]:
    with Certificates(tmp_path / "tls", SERVICES, clock=clock) as held:
        yield held


def certificate_of(identity: Identity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identity.certificate.read_bytes())


def accepted(certificate: bytes, authority: bytes, at: datetime, host: str | None = None) -> bool:
    """Whether another implementation than gRPC's takes a certificate, as a client's or as a host's, at a time."""
    builder = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(authority))).time(at)
    shown = x509.load_pem_x509_certificate(certificate)
    try:
        if host is None:
            builder.build_client_verifier().verify(shown, [])
        else:
            name = ip_address(host) if host[0].isdigit() else None
            builder.build_server_verifier(x509.IPAddress(name) if name else x509.DNSName(host)).verify(shown, [])
    except VerificationError:
        return False
    return True


def test_a_service_is_certified_for_a_day_as_caller_and_at_its_addresses(certificates: Certificates) -> None:
    for service in SERVICES:
        pems = certificates.identity(service).read()

        assert pems.service == service
        assert pems.authority == certificates.authority_file.read_bytes()
        for host in (None, service, "localhost", "127.0.0.1"):
            assert accepted(pems.certificate, pems.authority, NOON, host)
            assert accepted(pems.certificate, pems.authority, NOON + LIFETIME, host)
            assert not accepted(pems.certificate, pems.authority, NOON + LIFETIME + timedelta(seconds=1), host)
            assert not accepted(pems.certificate, pems.authority, NOON - timedelta(seconds=1), host)
        assert not accepted(pems.certificate, pems.authority, NOON, "elsewhere")
        assert not accepted(pems.certificate, pems.authority, NOON, "127.0.0.2")
        assert not accepted(pems.certificate, Authority().pem, NOON)


def test_keys_are_of_the_kind_that_grpc_takes_and_no_two_alike(certificates: Certificates) -> None:
    first, second = (load_pem_private_key(certificates.identity(service).key.read_bytes(), None) for service in SERVICES)

    assert all(isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1" for key in (first, second))
    assert first.public_key() != second.public_key()


def test_a_service_certifies_nobody(certificates: Certificates) -> None:
    constraints = certificate_of(certificates.identity("welfare")).extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate_of(certificates.identity("welfare")).extensions.get_extension_for_class(x509.KeyUsage)

    assert constraints.critical
    assert not constraints.value.ca
    assert not usage.value.key_cert_sign


def test_nobody_else_may_read_a_key_and_the_authoritys_is_written_nowhere(certificates: Certificates, tmp_path: Path) -> None:
    files = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_dir()} == {0o700}
    keys = [path for path in files if b"PRIVATE KEY" in path.read_bytes()]
    assert {path.parent.parent.name for path in keys} == set(SERVICES)
    authority = x509.load_pem_x509_certificate(certificates.authority_file.read_bytes()).public_key()
    assert all(load_pem_private_key(path.read_bytes(), None).public_key() != authority for path in keys)


def test_a_certificate_is_renewed_at_half_of_its_life_and_no_earlier(certificates: Certificates, clock: Clock) -> None:
    identity = certificates.identity("welfare")
    first = certificate_of(identity)

    clock.now = NOON + LIFETIME / 2 - timedelta(seconds=1)
    certificates.renew_if_due()
    assert certificate_of(identity) == first

    clock.now = NOON + LIFETIME / 2
    certificates.renew_if_due()
    second = certificate_of(identity)
    assert second.serial_number != first.serial_number
    assert second.not_valid_after_utc == clock.now + LIFETIME
    assert certificates.identity("membership").read().authority == certificates.authority_file.read_bytes()

    clock.now += LIFETIME / 2
    certificates.renew_if_due()
    assert certificate_of(identity) not in (first, second)


def test_what_was_replaced_is_gone(certificates: Certificates, clock: Clock) -> None:
    for _ in range(3):
        clock.now += LIFETIME
        certificates.renew_if_due()

        for service in SERVICES:
            folder = certificates.folder / service
            current = folder / "current"
            assert current.is_symlink()
            assert set(folder.iterdir()) == {current, current.resolve()}


def test_what_a_failed_renewal_left_does_not_stand_in_the_way(certificates: Certificates, clock: Clock) -> None:
    identity = certificates.identity("welfare")
    first = certificate_of(identity)
    for leaving in ("2", "3"):
        half_made = certificates.folder / "welfare" / leaving
        half_made.mkdir()
        (half_made / "tls.key").write_text("half of a k")
    (certificates.folder / "welfare" / "next").symlink_to("nowhere")

    clock.now += LIFETIME
    certificates.renew_if_due()

    assert identity.read().service == "welfare"
    assert certificate_of(identity) != first


def test_no_reader_ever_finds_a_certificate_beside_another_key(certificates: Certificates, clock: Clock) -> None:
    identity = certificates.identity("membership")
    serials: set[int] = set()
    failed: list[NotPresentable] = []
    ending = threading.Event()

    def read() -> None:
        while not ending.is_set():
            try:
                serials.add(x509.load_pem_x509_certificate(identity.read().certificate).serial_number)
            except NotPresentable as error:
                failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(100):
        clock.now += LIFETIME
        certificates.renew_if_due()
    ending.set()
    for reader in readers:
        reader.join()

    assert not failed
    assert len(serials) > 1, "some renewals were seen"


def test_while_the_suite_runs_certificates_are_renewed_by_themselves(tmp_path: Path) -> None:
    with Certificates(tmp_path / "tls", ["welfare"], lifetime=timedelta(seconds=2)) as held:
        identity = held.identity("welfare")
        first, renewed = certificate_of(identity), threading.Event()
        while certificate_of(identity) == first:
            assert not renewed.wait(0.02)
    assert not [thread for thread in threading.enumerate() if thread.name == "certificates"]


def test_one_uri_names_the_service(certificates: Certificates) -> None:
    names = certificate_of(certificates.identity("welfare")).extensions.get_extension_for_class(x509.SubjectAlternativeName)

    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == [SERVICE_URI + "welfare"]
