"""Do the rendered manifests run? Their containers are started as a kubelet would, without a cluster.

Each container is a process with exactly its command, its variables and its files, on a root of its own that cannot be
written, as the user that the manifest says (:mod:`tests.deploy.container`). Probes are asked as the manifest says, names lead
to the pods that are ready, and a pod that is to go is first taken from its name, waits as its `preStop` says, is sent SIGTERM
and has its grace period. One thing alone is not as written: all pods live on one machine, so "every address" (``0.0.0.0``) is
the address of the pod. Where the machine lets nobody have mounts, paths and names are rewritten too (:mod:`tests.deploy.plain`).
"""

import base64
import http.client
import json
import os
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from congdoan.embedded import ChildProcess
from congdoan.embedded.nats import server_binary
from tests.deploy import plain
from tests.deploy.rendered import Pod, Rendered, reaches, volume

CONTAINER = Path(__file__).with_name("container.py")
REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 120.0
POLL_S = 0.2
EVERYWHERE = "0.0.0.0"
IMAGE_SAYS = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
IMAGE_PATH = "/opt/congdoan/bin"
"""What deploy/Dockerfile says of the environment; PATH only where the image itself is run."""

Secrets = Mapping[str, Mapping[str, str]]
"""What comes from outside of the manifests: the keys of each secret, with what is in them."""


_numbers = count()
"""No two pods of a process have the same address, whatever machine they are of."""


@cache
def possible() -> bool:
    """Whether this machine lets a process have mounts of its own: root in a container often may not."""
    script = "import ctypes, os; os._exit(ctypes.CDLL(None).unshare(0x00020000 | (0x10000000 if os.geteuid() else 0)) != 0)"
    return subprocess.run([sys.executable, "-I", "-S", "-c", script], check=False).returncode == 0


@dataclass
class Running:
    """A pod that was started."""

    pod: Pod
    name: str
    address: str
    process: ChildProcess
    log: Path
    environment: Mapping[str, str] = field(repr=False)

    @property
    def container(self) -> dict[str, Any]:
        return dict(self.pod.spec["containers"][0])


class Machine:
    """Starts the pods of some manifests on this machine.

    :param folder: short-lived, of nobody else.
    :param secrets: what the pods' secrets hold.
    :param beside: what every container sees besides, by its path there: the sockets of servers on this machine.
    :param mounts: whether containers have mounts of their own; else their paths are rewritten.
    :param image: the root of the image of the services, in which they run; what is installed here when left out.
    """

    def __init__(
        self,
        manifests: Rendered,
        folder: Path,
        secrets: Secrets,
        beside: Mapping[str, Path],
        *,
        mounts: bool = True,
        image: Path | None = None,
    ) -> None:
        self._manifests, self._folder, self._secrets, self._beside = manifests, folder, secrets, beside
        self._mounts, self._image = mounts, image
        self._hosts = folder / "hosts"
        self._hosts.write_text("127.0.0.1 localhost\n")
        self._hosts.chmod(0o644)
        self.running: list[Running] = []
        self._ready: list[Running] = []
        self.addresses = {name: self._address() for name in _members(manifests)}
        self._names = None if mounts else plain.Names(self._found)

    def run(self, pod: Pod) -> None:
        """Run the containers of a job one after the other.

        :raises AssertionError: one did not end well.
        """
        for container in pod.containers:
            started = self._start(pod, container, f"{pod.name}-{container['name']}")
            code = started.process.wait(PATIENCE_S)
            started.process.kill()
            assert code == 0, f"{pod.told}, {container['name']}: {code}\n{started.process.log_tail()}"

    def start(self, pod: Pod, name: str = "") -> Running:
        """Start a pod without waiting for it."""
        started = self._start(pod, pod.spec["containers"][0], name or f"{pod.name}-{next(_numbers)}")
        self.running.append(started)
        self._tell()
        return started

    def wait(self, *started: Running) -> None:
        """Wait until pods have started and are ready, as their probes say; names lead to them from then on."""
        for each in started:
            for probe in ("startupProbe", "readinessProbe"):
                self._until(each, lambda each=each, probe=probe: asked(each, each.container[probe]), probe)  # type: ignore[misc]
            assert asked(each, each.container["livenessProbe"]), f"{each.name} is ready and not alive"
            self._ready.append(each)
        self._tell()

    def stop(self, started: Running) -> float:
        """Have a pod go as the kubelet does; the seconds it took from SIGTERM to its end.

        :raises AssertionError: it was not gone at the end of its grace period, or did not end well.
        """
        self._ready.remove(started)
        self.running.remove(started)
        self._tell()
        grace = float(started.pod.spec["terminationGracePeriodSeconds"])
        asleep = float(started.container["lifecycle"]["preStop"]["sleep"]["seconds"])
        time.sleep(asleep)
        began = time.monotonic()
        code = started.process.terminate(grace - asleep)
        assert code == 0, f"{started.name} ended with {code}\n{started.process.log_tail()}"
        return time.monotonic() - began

    def exec(
        self, name: str, command: list[str], environment: Mapping[str, str], files: Mapping[str, str], folders: Mapping[str, Path]
    ) -> ChildProcess:
        """Run something else beside the pods, where their names lead to them."""
        contents = {path: content.encode() for path, content in files.items()}
        seen = {path: str(folder) for path, folder in folders.items()}
        return self._launch(name, command, {**IMAGE_SAYS, **environment}, contents, seen, 10_001)[0]

    def end(self) -> None:
        """End everything at once."""
        for started in self.running:
            started.process.kill()
        if self._names:
            self._names.close()

    def _address(self) -> str:
        number, worker = next(_numbers), os.getpid()
        return f"127.{64 + (worker >> 8) % 128}.{worker % 256}.{2 + number % 250}"

    def _start(self, pod: Pod, container: Mapping[str, Any], name: str) -> Running:
        address = self.addresses.get(name) or self._address()
        told = {**IMAGE_SAYS, **self._variables(container, name)}
        told = {variable: value.replace(EVERYWHERE, address) for variable, value in told.items()}
        files, folders = self._files(pod, container, name)
        contents = {path: content.replace(EVERYWHERE, address).encode() for path, content in files.items()}
        uid = pod.spec["securityContext"]["runAsUser"]
        image = self._image if "congdoan" in container["image"] else None
        process, log = self._launch(name, container["command"], told, contents, folders, uid, image)
        return Running(pod, name, address, process, log, told)

    def _variables(self, container: Mapping[str, Any], name: str) -> dict[str, str]:
        """Exactly what the manifest says: a secret that may be missing, and is, gives no variable."""
        told: dict[str, str] = {}
        for variable, value in self._manifests.environment(container).items():
            if isinstance(value, str):
                told[variable] = value
            elif reference := value.get("secretKeyRef"):
                secret = self._secrets.get(reference["name"])
                if secret is not None or not reference.get("optional"):
                    told[variable] = (secret or {})[reference["key"]]
            else:
                assert value == {"fieldRef": {"fieldPath": "metadata.name"}}
                told[variable] = name
        return told

    def _files(self, pod: Pod, container: Mapping[str, Any], name: str) -> tuple[dict[str, str], dict[str, str]]:
        """Exactly what the manifest mounts: files, and folders that may be written."""
        files, folders = dict[str, str](), dict[str, str]()
        claims = {claim["metadata"]["name"] for claim in pod.document["spec"].get("volumeClaimTemplates", ())}
        for mount in container.get("volumeMounts", ()):
            path = mount["mountPath"]
            if mount["name"] in claims:
                folder = self._folder / name / mount["name"]
                folder.mkdir(parents=True, exist_ok=True)
                if os.geteuid() == 0:
                    os.chown(folder, pod.spec["securityContext"]["runAsUser"], pod.spec["securityContext"]["fsGroup"])
                folders[path] = str(folder)
                continue
            source = volume(pod, mount["name"])
            if "configMap" in source:
                content = self._manifests.one("ConfigMap", source["configMap"]["name"])["data"]
            else:
                content = self._secrets[source["secret"]["secretName"]]
                items = source["secret"].get("items")
                content = {item["path"]: content[item["key"]] for item in items} if items else content
            files |= {f"{path}/{key}": text for key, text in content.items()}
        return files, folders

    def _launch(
        self,
        name: str,
        command: list[str],
        told: Mapping[str, str],
        files: Mapping[str, bytes],
        folders: Mapping[str, str],
        uid: int,
        image: Path | None = None,
    ) -> tuple[ChildProcess, Path]:
        log = self._folder / f"{name}.log"
        root = self._folder / f"{name}.root"
        root.mkdir(exist_ok=True)
        beside = {path: str(at) for path, at in self._beside.items()}
        if command[0] == "/nats-server":
            command = [str(server_binary()), *command[1:]]
        if not self._mounts:
            return self._launch_plain(root, command, told, files, {**beside, **folders}, log), log
        specification = {
            "root": str(root),
            "shown": sorted({str(REPOSITORY), sys.prefix, sys.base_prefix}),
            "image": str(image) if image else "",
            "files": {path: [base64.b64encode(content).decode(), 0o440] for path, content in files.items()},
            "folders": {"/etc/hosts": str(self._hosts), **beside, **folders},
            "uid": uid,
            "environment": {"PATH": IMAGE_PATH if image else sysconfig.get_path("scripts"), **told},
            "command": command,
        }
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(specification))
        file.chmod(0o600)
        # The launcher of `ChildProcess` becomes ours, and ours the program: its parent stays this process.
        return ChildProcess([sys.executable, "-I", "-S", CONTAINER, file, str(os.getpid())], log=log, env={}), log

    def _launch_plain(
        self,
        root: Path,
        command: list[str],
        told: Mapping[str, str],
        files: Mapping[str, bytes],
        folders: Mapping[str, str],
        log: Path,
    ) -> ChildProcess:
        places = plain.laid_out(root, files, folders)

        def rewritten(text: str) -> str:
            return self._named(plain.moved(text, places))

        plain.put(root, files, rewritten)
        scripts = Path(sysconfig.get_path("scripts"))
        program = command[0] if command[0].startswith("/") else str(scripts / command[0])
        environment = {"PATH": str(scripts), **{variable: rewritten(value) for variable, value in told.items()}}
        return ChildProcess([program, *(rewritten(word) for word in command[1:])], log=log, env=environment)

    def _named(self, text: str) -> str:
        """A text in which names are asked of the server of the tests, or are addresses."""
        assert self._names
        text = text.replace("dns:///", f"dns://127.0.0.1:{self._names.server_address[1]}/")
        for name, address in self.addresses.items():
            service = name.rpartition("-")[0]
            text = re.sub(rf"(?<=//){name}\.[a-z-]+(?=:)", address, text)
            if name.endswith("-0"):
                text = re.sub(rf"(?<=@){service}(?=:)", address, text)
        return text

    def _lead(self) -> dict[str, list[Running]]:
        """Whom the names of services lead to: the pods that are ready; those of peers every pod there is."""
        return {
            service["metadata"]["name"]: [
                each
                for each in (self.running if service["spec"].get("publishNotReadyAddresses") else self._ready)
                if reaches(service, each.pod)
            ]
            for service in self._manifests.of("Service")
        }

    def _found(self, name: str) -> list[str] | None:
        found = self._lead().get(name)
        return None if found is None else [each.address for each in found]

    def _tell(self) -> None:
        """Write the names down in place: the file is mounted."""
        lines = ["127.0.0.1 localhost"]
        for name, found in self._lead().items():
            lines += [f"{each.address} {name} {each.name}.{name}" for each in found]
        self._hosts.write_text("\n".join(lines) + "\n")

    def _until(self, started: Running, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert started.process.running, f"{started.name} ended\n{started.process.log_tail()}"
            assert time.monotonic() < until, f"{started.name}: {what} never says yes\n{started.process.log_tail()}"
            time.sleep(POLL_S)


def _members(manifests: Rendered) -> list[str]:
    """The pods whose names are known before they start."""
    return [
        f"{document['metadata']['name']}-{number}"
        for document in manifests.of("StatefulSet")
        for number in range(document["spec"]["replicas"])
    ]


def asked(started: Running, probe: Mapping[str, Any]) -> bool:
    """Whether a probe says yes, asked as the kubelet asks."""
    if "grpc" in probe:
        return _asked_grpc(
            f"{started.address}:{probe['grpc']['port']}", probe["grpc"].get("service", ""), probe["timeoutSeconds"]
        )
    (port,) = [port["containerPort"] for port in started.container["ports"] if port["name"] == probe["httpGet"]["port"]]
    connection = http.client.HTTPConnection(started.address, port, timeout=probe["timeoutSeconds"])
    try:
        connection.request("GET", probe["httpGet"]["path"])
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _asked_grpc(target: str, service: str, timeout_s: float) -> bool:
    with grpc.insecure_channel(target) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        try:
            answer: Any = check(HealthCheckRequest(service=service), timeout=timeout_s)
        except grpc.RpcError:
            return False
        return bool(answer.status == HealthCheckResponse.SERVING)
