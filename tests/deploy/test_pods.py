"""Do the manifests run as they are rendered, and does nobody notice that every pod is replaced?

The dev overlay, without a cluster: three NATS servers from their manifest, the steps before the start, the services, and a caller
with the settings of our clients, while each pod in its turn gives way to a new one.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import psycopg
import pytest
from cryptography import x509

from chassis.ledger_keys import make_ledger_key
from chassis.streams import set_up
from chassis.wrapping_keys import WrappingKeys
from congdoan.embedded import ChildProcess, EmbeddedPostgres
from congdoan.issuer import jwk_of
from tests import identities
from tests.databases import new_name
from tests.deploy.pods import PATIENCE_S, Machine, Running, possible
from tests.deploy.rendered import K8S, SERVICES, Rendered, rendered
from tests.folders import fast_folder
from tests.issuing import SIGNING_KEY

DOOR = "/var/run/postgres"
SOCKET = ".s.PGSQL.5432"
PASSWORD = "letters-and-2"

pytestmark = pytest.mark.skipif(not possible(), reason="this machine lets nobody have mounts of his own")


class Place:
    """The manifests on this machine, with databases and keys of their own."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path) -> None:
        self.manifests: Rendered = rendered("dev")
        self._postgres, self.folder = postgres, folder
        self.databases = {f"{name}-db": new_name() for name in (*SERVICES, "membership-keys")}
        for database in self.databases.values():
            postgres.create_database(database)
        socket = Path(postgres.conninfo("x").partition("host=")[2].replace("%2F", "/")) / SOCKET
        socket.chmod(0o777)  # whoever may pass through the folders above it, which is nobody but the containers
        self.machine = Machine(self.manifests, folder, self._secrets(), {f"{DOOR}/{SOCKET}": socket})

    def _secrets(self) -> dict[str, dict[str, str]]:
        ledger, wrapping = self.folder / "ledger", self.folder / "wrapping"
        make_ledger_key(ledger)
        WrappingKeys(wrapping).put_first()
        accounts = (K8S / "components/nats/accounts.example.conf").read_text().replace("CHANGE-ME-services", PASSWORD)
        return {
            **{f"{name}-app": {"uri": f"postgresql://postgres@/{base}?host={DOOR}"} for name, base in self.databases.items()},
            **{f"{name}-secret": {"key": "ab" * 32} for name in SERVICES},
            **{each["spec"]["secretName"]: _certified(each["spec"]) for each in self.manifests.of("Certificate")},
            "nats-accounts": {"accounts.conf": accounts},
            "nats-services": {"url": f"nats://services:{PASSWORD}@nats:4222"},
            "token-keys": {"keys.json": json.dumps({"keys": [jwk_of(SIGNING_KEY)]})},
            "province-keys": {"keys.json": json.dumps({"keys": []})},
            "ledger-key": {"key": ledger.read_text()},
            "wrapping-keys": {"keys": wrapping.read_text()},
        }

    def prepared(self, *services: str) -> None:
        """NATS is there, threefold; databases and streams are as the services need them, and the streams of the others too."""
        pod = self.manifests.pod("StatefulSet", "nats")
        count = self.manifests.one("StatefulSet", "nats")["spec"]["replicas"]
        self.machine.wait(*[self.machine.start(pod, f"nats-{number}") for number in range(count)])
        for service in services:
            self.machine.run(self.manifests.pod("Job", f"{service}-prepare"))
        others = [name for name in SERVICES if name not in services]
        address = self.machine.running[0].address
        asyncio.run(set_up(f"nats://services:{PASSWORD}@{address}:4222", others, replicas=count))

    def served(self, *services: str, pods: int = 1) -> list[Running]:
        """So many pods of each service, ready; all start at once."""
        started = [self.machine.start(self.manifests.pod("Deployment", name)) for name in services for _ in range(pods)]
        self.machine.wait(*started)
        return started

    def called(self, asked: str) -> ChildProcess:
        """Somebody gives commands to membership and asks a service, from now on."""
        command = ["python", "-m", "tests.deploy.load", "/stop/now", asked]
        told = {"TOKEN": self._token(), "PYTHONPATH": str(Path(__file__).parents[2])}
        authority = {"/run/tls/ca.crt": identities.authority().pem.decode()}
        load = self.machine.exec("load", command, told, authority, {"/stop": self._stop})
        until = time.monotonic() + PATIENCE_S
        while "begun" not in load.log_tail():
            assert load.running, load.log_tail()
            assert time.monotonic() < until, load.log_tail()
            time.sleep(0.05)
        return load

    def heard(self, load: ChildProcess) -> dict[str, int]:
        """What became of every call."""
        (self._stop / "now").touch()
        assert load.wait(PATIENCE_S) == 0, load.log_tail()
        told = json.loads(load.log_tail(1))
        assert told["failed"] == []
        return dict(told["answered"])

    def units(self) -> int:
        """How many units membership has established."""
        query = "select count(*) from events where topic = 'membership.unit_established'"
        with psycopg.connect(self._postgres.conninfo(self.databases["membership-db"])) as connection:
            ((count,),) = connection.execute(query).fetchall()
        return int(count)

    @property
    def _stop(self) -> Path:
        folder = self.folder / "stop"
        folder.mkdir(exist_ok=True)
        return folder

    def _token(self) -> str:
        told = self.manifests.environment(self.manifests.pod("Deployment", "membership").spec["containers"][0])
        now = int(time.time())
        claims = {
            "iss": told["CONGDOAN_TOKEN_ISSUER"], "aud": told["CONGDOAN_TOKEN_AUDIENCE"], "jti": str(uuid4()), "sub": "founder",
            "role": "federation_officer", "unit": "tld", "iat": now, "nbf": now, "exp": now + 900,
        }  # fmt: skip
        return jwt.encode(claims, SIGNING_KEY, algorithm="EdDSA", headers={"kid": jwk_of(SIGNING_KEY)["kid"]})


def _certified(wanted: Mapping[str, Any]) -> dict[str, str]:
    """What cert-manager puts into a secret: of the names that the manifest says."""
    uris = [x509.UniformResourceIdentifier(uri) for uri in wanted.get("uris", ())]
    names = [*uris, *(x509.DNSName(name) for name in wanted.get("dnsNames", ()))]
    certificate, key = identities.authority().certify(wanted["secretName"], names=names)
    return {"tls.crt": certificate.decode(), "tls.key": key.decode(), "ca.crt": identities.authority().pem.decode()}


@pytest.fixture
def place(postgres: EmbeddedPostgres) -> Iterator[Place]:
    with fast_folder() as folder:
        made = Place(postgres, folder)
        try:
            yield made
        finally:
            made.machine.end()


def roll(place: Place, pods: list[Running]) -> None:
    """Each pod gives way to a new one: one more before one less, each within its grace period."""
    for old in pods:
        place.machine.wait(place.machine.start(old.pod))
        place.machine.stop(old)


def test_a_service_is_rolled_and_no_call_fails(place: Place) -> None:
    place.prepared("membership")
    pods = place.served("membership")
    load = place.called("membership")
    roll(place, pods)
    answered = place.heard(load)
    assert min(answered.values()) > 10
    assert place.units() == answered["commands"] + 1


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_every_service_in_two_pods_is_rolled_and_no_call_fails(place: Place) -> None:
    place.prepared(*SERVICES)
    pods = place.served(*SERVICES, pods=2)
    load = place.called("welfare")
    roll(place, pods)
    answered = place.heard(load)
    assert min(answered.values()) > 10
    assert place.units() == answered["commands"] + 1
