"""Of what is the image made? CycloneDX 1.6: Debian's packages as unpacked, Python's as installed, with the hashes of the lock.

Run where the image is built: ``python3 bill_of_materials.py --root /image --lock uv.lock``. Standard library alone.
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

Component = dict[str, Any]
STATUS = "var/lib/dpkg/status.d"
"""Where the image keeps what dpkg would know of each package."""

OURS = "congdoan"


def bill(root: Path, lock: Mapping[str, Any]) -> dict[str, Any]:
    """The bill of materials of an image whose files lie below `root`. The same image gives the same bill.

    :raises ValueError: a Python package is installed that the lock does not name, or in another version.
    """
    installed = {normalized(one.name): one for one in python_packages(root)}
    locked = {package["name"]: package for package in lock["package"]}
    check(installed, locked)
    components = [*debian_components(root), *(python_component(locked[name]) for name in sorted(installed) if name != OURS)]
    version = locked[OURS]["version"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(components, sort_keys=True))}",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": OURS, "version": version, "bom-ref": f"{OURS}@{version}"}},
        "components": components,
    }


def check(installed: Mapping[str, Distribution], locked: Mapping[str, Any]) -> None:
    """:raises ValueError: what is installed is not what the lock says."""
    for name, one in installed.items():
        said = locked.get(name, {}).get("version")
        if said != one.version:
            raise ValueError(f"{name} {one.version} is installed, and the lock says {said}")


def python_packages(root: Path) -> Iterator[Distribution]:
    """What is installed below `root`."""
    for folder in sorted(root.glob("opt/*/lib/python3.*/site-packages")):
        yield from distributions(path=[str(folder)])


def normalized(name: str) -> str:
    """A package's name as the lock writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def python_component(package: Mapping[str, Any]) -> Component:
    """A package of the lock; its hashes are those of every file that the lock allows to be installed."""
    name, version = package["name"], package["version"]
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{quote(version)}",
        "bom-ref": f"pkg:pypi/{name}@{quote(version)}",
        "externalReferences": [
            {"type": "distribution", "url": file["url"], "hashes": hashes([file["hash"]])} for file in files if "hash" in file
        ],
    }


def debian_components(root: Path) -> Iterator[Component]:
    """The packages of Debian that were unpacked."""
    for file in sorted((root / STATUS).iterdir()):
        said = HeaderParser().parsestr(file.read_text())
        name, version, architecture = said["Package"], said["Version"], said["Architecture"]
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}&distro=debian-12"
        yield {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def hashes(told: Iterable[str]) -> list[dict[str, str]]:
    """``sha256:…`` as CycloneDX says it."""
    return [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")} for digest in told if digest.startswith("sha256:")]


def main() -> None:
    """Write the bill on standard output."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--root", type=Path, required=True)
    asked.add_argument("--lock", type=Path, required=True)
    told = asked.parse_args()
    json.dump(bill(told.root, tomllib.loads(told.lock.read_text())), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
