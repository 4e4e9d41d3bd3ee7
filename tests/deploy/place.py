"""What do the pods of the dev overlay need beside their manifests, on this machine?

Databases, NATS threefold from its manifest, keys and certificates as operators and operator would make them, the steps before the
start, and a caller with the settings of our clients.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import psycopg
from cryptography import x509

from chassis.ledger_keys import make_ledger_key
from chassis.streams import set_up
from chassis.wrapping_keys import WrappingKeys
from congdoan.embedded import ChildProcess, EmbeddedPostgres
from congdoan.issuer import jwk_of
from tests import identities
from tests.databases import new_name
from tests.deploy.pods import PATIENCE_S, Machine, Running
from tests.deploy.rendered import K8S, SERVICES, Rendered, rendered
from tests.issuing import SIGNING_KEY

DOOR = "/var/run/postgres"
SOCKET = ".s.PGSQL.5432"
PASSWORD = "letters-and-2"
AUTHORITY = "/run/tls/ca.crt"


class Place:
    """The manifests on this machine, with databases and keys of their own."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path, *, mounts: bool, image: Path | None = None) -> None:
        self.manifests: Rendered = rendered("dev")
        self._postgres, self.folder = postgres, folder
        self.databases = {f"{name}-db": new_name() for name in (*SERVICES, "membership-keys")}
        for database in self.databases.values():
            postgres.create_database(database)
        socket = Path(postgres.conninfo("x").partition("host=")[2].replace("%2F", "/")) / SOCKET
        socket.chmod(0o777)  # whoever may pass through the folders above it, which is nobody but the containers
        secrets = dict[str, dict[str, str]]()
        beside = {f"{DOOR}/{SOCKET}": socket}
        self.machine = Machine(self.manifests, folder, secrets, beside, mounts=mounts, image=image)
        # Tests come by the address, and so do NATS's servers to each other where names cannot be asked.
        secrets |= self._secrets(self.machine.addresses.values())

    def _secrets(self, addresses: Iterable[str]) -> dict[str, dict[str, str]]:
        ledger, wrapping = self.folder / "ledger", self.folder / "wrapping"
        make_ledger_key(ledger)
        WrappingKeys(wrapping).put_first()
        accounts = (K8S / "components/nats/accounts.example.conf").read_text().replace("CHANGE-ME-services", PASSWORD)
        return {
            **{f"{name}-app": {"uri": f"postgresql://postgres@/{base}?host={DOOR}"} for name, base in self.databases.items()},
            **{f"{name}-secret": {"key": "ab" * 32} for name in SERVICES},
            **{each["spec"]["secretName"]: certified(each["spec"], addresses) for each in self.manifests.of("Certificate")},
            "nats-accounts": {"accounts.conf": accounts},
            "nats-services": {"url": f"tls://services:{PASSWORD}@nats:4222?authority={AUTHORITY}"},
            "nats-system": {"url": f"tls://operator:CHANGE-ME-operator@nats:4222?authority={AUTHORITY}"},
            "token-keys": {"keys.json": json.dumps({"keys": [jwk_of(SIGNING_KEY)]})},
            "province-keys": {"keys.json": json.dumps({"keys": []})},
            "ledger-key": {"key": ledger.read_text()},
            "wrapping-keys": {"keys": wrapping.read_text()},
        }

    def prepared(self, *services: str) -> None:
        """NATS is there, threefold; databases and streams are as the services need them, and the streams of the others too."""
        pod = self.manifests.pod("StatefulSet", "nats")
        self.machine.wait(*[self.machine.start(pod, name) for name in self.machine.addresses])
        for service in services:
            self.machine.run(self.manifests.pod("Job", f"{service}-prepare"))
        self.machine.run(self.manifests.pod("CronJob", "nats-reload"))
        others = [name for name in SERVICES if name not in services]
        address, authority = self.machine.running[0].address, identities.authority_file()
        url = f"tls://services:{PASSWORD}@{address}:4222?authority={authority}"
        asyncio.run(set_up(url, others, replicas=len(self.machine.addresses)))

    def served(self, *services: str, pods: int = 1) -> list[Running]:
        """So many pods of each service, ready; all start at once."""
        started = [self.machine.start(self.manifests.pod("Deployment", name)) for name in services for _ in range(pods)]
        self.machine.wait(*started)
        return started

    def called(self, *asked: str) -> ChildProcess:
        """Somebody gives commands to membership and asks services, from now on."""
        command = ["python", "-m", "tests.deploy.load", "/stop/now", *asked]
        told = {
            "TOKEN": self._token(), "AUTHORITY": AUTHORITY, "TARGETS": "dns:///{}:50051",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }  # fmt: skip
        authority = {AUTHORITY: identities.authority().pem.decode()}
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
        assert told["failed"] == [], told["failed"]
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


def certified(wanted: Mapping[str, Any], addresses: Iterable[str]) -> dict[str, str]:
    """What cert-manager puts into a secret: of the names that the manifest says."""
    uris = [x509.UniformResourceIdentifier(uri) for uri in wanted.get("uris", ())]
    names: list[x509.GeneralName] = [*uris, *(x509.DNSName(name) for name in wanted.get("dnsNames", ()))]
    names += [x509.IPAddress(IPv4Address(address)) for address in addresses]
    certificate, key = identities.authority().certify(wanted["secretName"], names=names)
    return {"tls.crt": certificate.decode(), "tls.key": key.decode(), "ca.crt": identities.authority().pem.decode()}


def roll(place: Place, pods: list[Running]) -> None:
    """Each pod gives way to a new one: one more before one less, each within its grace period."""
    for old in pods:
        place.machine.wait(place.machine.start(old.pod))
        place.machine.stop(old)


def rolled(place: Place, *services: str, pods: int = 1) -> None:
    """Deployments are rolled under load, and no call fails; every command that was answered took effect once."""
    place.prepared(*services)
    started = place.served(*services, pods=pods)
    load = place.called(*services)
    roll(place, started)
    answered = place.heard(load)
    assert answered.keys() == {"commands", *services}
    assert min(answered.values()) > 10
    assert place.units() == answered["commands"] + 1
