"""Can a provincial developer copy the clients as they stand? Small, whole, with packages from where everybody has them."""

import json
import re
import subprocess
from importlib.metadata import version

from tests.clients.programs import CLIENTS, JAVASCRIPT, NODE, REPOSITORY

SUBSCRIBERS = {"python": CLIENTS / "python" / "subscriber.py", "node": JAVASCRIPT / "subscriber.mjs"}


def test_each_subscriber_is_small_and_says_how_it_is_run() -> None:
    for program, file in SUBSCRIBERS.items():
        lines = file.read_text().splitlines()
        assert len(lines) < 150
        assert any(f"{program} {file.name} ha-noi" in line for line in lines[:10])


def test_node_can_read_what_is_written_for_it() -> None:
    for file in JAVASCRIPT.glob("*.mjs"):
        subprocess.run([NODE, "--check", file], check=True, capture_output=True)


def test_packages_come_from_where_everybody_has_them() -> None:
    packages = json.loads((JAVASCRIPT / "package-lock.json").read_text())["packages"]
    assert all(each["resolved"].startswith("https://registry.npmjs.org/") for name, each in packages.items() if name)
    for line in (CLIENTS / "python" / "requirements.txt").read_text().splitlines():
        if pinned := re.fullmatch(r"([\w-]+)==(.+)", line):
            assert version(pinned[1]) == pinned[2]


def test_the_clients_take_nothing_of_ours() -> None:
    ours = {file.name for file in (REPOSITORY / "services").iterdir() if file.is_dir()} | {"congdoan", "federation"}
    for file in (CLIENTS / "python").glob("*.py"):
        assert not ours & set(re.findall(r"^(?:from|import) (\w+)", file.read_text(), re.MULTILINE))
