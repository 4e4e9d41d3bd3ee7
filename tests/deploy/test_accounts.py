"""Are provinces and auditors let in on a cluster, by what the guide says and with the manifests as they are?

NATS threefold from its manifest, the accounts that the command writes, a province's own server from the overlay `province`.
Secrets change while the servers run, so the pods have paths rewritten and no mounts: a file can be replaced as the kubelet does.
"""

import asyncio
import json
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from typer.testing import CliRunner

from chassis.nats_addresses import secured
from chassis.streams import set_up
from congdoan.auditing.messages import StreamUnavailable, entered
from congdoan.cli import app
from congdoan.provinces.configuration import render_accounts
from congdoan.services import RECORDING
from tests import identities
from tests.deploy.place import certified
from tests.deploy.pods import Machine
from tests.deploy.rendered import K8S, rendered
from tests.folders import fast_folder
from tests.provinces.province import announce, silent

ACCOUNTS = "accounts.conf"
RUNNER = CliRunner()


class Hub:
    """The centre's NATS, and the operator's folder."""

    def __init__(self, folder: Path) -> None:
        self.kept, self._place = folder / "kept", folder / "hub"
        self._place.mkdir()
        self.run("accounts", str(self.kept))
        manifests, secrets = rendered("national"), dict[str, dict[str, str]]()
        self._machine = Machine(manifests, self._place, secrets, {}, mounts=False)
        addresses = self._machine.addresses.values()
        (certificate,) = [each for each in manifests.of("Certificate") if each["metadata"]["name"] == "nats"]
        secrets["nats-tls"] = certified(certificate["spec"], addresses)
        secrets["nats-accounts"] = {ACCOUNTS: (self.kept / ACCOUNTS).read_text()}
        pod = manifests.pod("StatefulSet", "nats")
        self._machine.wait(*[self._machine.start(pod, name) for name in self._machine.addresses])
        self.address = next(iter(addresses))

    def end(self) -> None:
        """End the servers."""
        self._machine.end()

    def run(self, *words: str) -> str:
        """What a command of provinces prints."""
        result = RUNNER.invoke(app, ["provinces", *words])
        assert result.exit_code == 0, result.output
        return result.output

    def told(self, *changes: str) -> None:
        """The operator grants or admits, puts the file into the secret, and has the servers read it."""
        self.run("accounts", str(self.kept), *changes)
        for name in self._machine.addresses:
            place = self._place / f"{name}.root" / "etc/accounts" / ACCOUNTS
            place.chmod(0o600)
            shutil.copy(self.kept / ACCOUNTS, place)
        assert json.loads(self.run("reload", "--server", self.url("system"), "--json")) == {"servers": 3}

    def url(self, whose: str) -> str:
        """Where somebody of the centre finds NATS, from outside of the cluster."""
        told = (self.kept / f"{whose}.url").read_text()
        return told.replace("@nats:", f"@{self.address}:").replace("/run/tls/ca.crt", str(identities.authority_file()))


class Leaf:
    """The server of a province, from the overlay."""

    def __init__(self, folder: Path, hub: Hub, seed: str) -> None:
        folder.mkdir()
        manifests = rendered("province")
        (told,) = [each["data"] for each in manifests.of("ConfigMap") if "HUB" in each["data"]]
        told["HUB"] = f"tls://{hub.address}:7422"
        self.machine = Machine(manifests, folder, self._secrets(seed), {}, mounts=False)
        self.url = f"nats://subscribers:letters@{self.machine.addresses['leaf-0']}:4222"
        self.machine.wait(self.machine.start(manifests.pod("StatefulSet", "leaf"), "leaf-0"))
        self.machine.run(manifests.pod("Job", "leaf-mirror"))

    def _secrets(self, seed: str) -> dict[str, dict[str, str]]:
        return {
            "leaf-key": {"seed": seed},
            "leaf-subscribers": {"password": "letters", "url": "nats://subscribers:letters@leaf:4222"},
            "hub-authority": {"ca.crt": identities.authority().pem.decode()},
        }


@pytest.fixture
def hub() -> Iterator[Hub]:
    with fast_folder() as folder:
        made = Hub(folder)
        try:
            yield made
        finally:
            made.end()


def test_the_example_is_what_the_command_writes_when_nobody_was_granted_anything() -> None:
    example = (K8S / "components/nats/accounts.example.conf").read_text()
    written = [line for line in example.splitlines(keepends=True) if not line.startswith("#")]
    assert "".join(written) == render_accounts("CHANGE-ME-services", "CHANGE-ME-operator", ())


def test_a_province_and_an_auditor_are_let_in_on_a_cluster(hub: Hub) -> None:
    hub.told("--grant", "ha-noi", "--admit", "state-audit")
    asyncio.run(set_up(hub.url("services"), RECORDING, replicas=3))
    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(_unverified(hub.url("services").partition("?")[0]))
    assert "ha-noi" in hub.run("streams", "ha-noi", "--server", hub.url("services"))
    asyncio.run(_announced(hub, [1, 2, 3]))
    leaf = Leaf(hub.kept.parent / "leaf", hub, (hub.kept / "ha-noi.nk").read_text())
    try:
        assert asyncio.run(_mirrored(leaf.url, 3)) == 3
    finally:
        leaf.machine.end()
    key = hub.kept / "state-audit.nk"
    assert asyncio.run(_seen(hub.address, key)) == 3
    hub.told("--dismiss", "state-audit", "--revoke", "ha-noi")
    with pytest.raises(StreamUnavailable):
        asyncio.run(_seen(hub.address, key))
    keys = json.loads((hub.kept / "keys.json").read_text())
    assert keys == {"keys": []}
    hub.run("streams", "ha-noi", "--remove", "--server", hub.url("services"))
    hub.told("--forget", "ha-noi")
    assert (hub.kept / ACCOUNTS).read_text().count("ha-noi") == 0


def test_what_was_granted_is_written_the_same_again(tmp_path: Path) -> None:
    def run() -> dict[str, bytes]:
        assert RUNNER.invoke(app, ["provinces", "accounts", str(tmp_path), "--grant", "ha-noi"]).exit_code == 0
        return {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}

    assert run() == run()
    for name in ("accounts.conf", "nats.token", "ha-noi.nk", "services.url"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("word", ["--grant", "--admit"])
def test_a_key_that_was_handed_over_is_replaced_only_when_that_is_wanted(tmp_path: Path, word: str) -> None:
    def run(*more: str) -> str:
        result = RUNNER.invoke(app, ["provinces", "accounts", str(tmp_path), word, "ha-noi", "--json", *more])
        assert result.exit_code == 0, result.output
        written = json.loads(result.output)["credentials"]
        assert written == ([str(tmp_path / "ha-noi.nk")] if (tmp_path / "ha-noi.nk").exists() else [])
        return (tmp_path / ACCOUNTS).read_text()

    first = run()
    (tmp_path / "ha-noi.nk").unlink()
    assert run() == first
    assert run("--renew") != first
    assert (tmp_path / "ha-noi.nk").exists()


@pytest.mark.parametrize(
    "words", [["--grant", "Hà Nội"], ["--revoke", "hue"], ["--forget", "hue"], ["--dismiss", "x"], ["--admit", "A B"]]
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, words: list[str]) -> None:
    assert RUNNER.invoke(app, ["provinces", "accounts", str(tmp_path), *words]).exit_code == 2
    assert not (tmp_path / ACCOUNTS).exists()


async def _announced(hub: Hub, numbers: list[int]) -> None:
    client = await nats.connect(hub.url("services"), error_cb=silent, **secured(hub.url("services")))
    await announce(client, "ha-noi", numbers)
    await client.close()


async def _unverified(url: str) -> None:
    """Whoever is not told of the authority trusts nobody who shows a certificate of it."""
    await nats.connect(url, error_cb=silent, allow_reconnect=False, **secured(url))


async def _mirrored(url: str, count: int) -> int:
    """How many events of its branch the province has, once it has so many."""
    client = await nats.connect(url, error_cb=silent)
    try:
        async with asyncio.timeout(60):
            while (found := (await client.jetstream().stream_info("BRANCH")).state.messages) < count:
                await asyncio.sleep(0.2)
        return found
    finally:
        await client.close()


async def _seen(address: str, key: Path) -> int:
    """How many messages an auditor sees in the stream of membership."""
    server = f"tls://{address}:4222?authority={identities.authority_file()}"
    async with entered(server, key) as client:
        answer = await client.request("$JS.federation.API.STREAM.INFO.FEDERATION_MEMBERSHIP", b"", timeout=20)
        return int(json.loads(answer.data)["state"]["messages"])
