"""Does the bill of materials name what is in the image, each package as the lock has it, and nothing that is not locked?"""

import tomllib
from pathlib import Path

import pytest

from deploy.bill_of_materials import bill

LOCK = tomllib.loads((Path(__file__).parents[2] / "uv.lock").read_text())
VERSIONS = {package["name"]: package["version"] for package in LOCK["package"]}
STATUS = (
    "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9+deb12u13\nArchitecture: amd64\nDescription: C library\n more\n"
)


def root_with(folder: Path, **installed: str) -> Path:
    """The files of an image in which some Python packages are installed."""
    status = folder / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    (status / "libc6").write_text(STATUS)
    for name, version in installed.items():
        told = folder / "opt/congdoan/lib/python3.11/site-packages" / f"{name}-{version}.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


def test_the_bill_names_every_package_with_the_hashes_of_the_lock(tmp_path: Path) -> None:
    root = root_with(
        tmp_path, PyNaCl=VERSIONS["pynacl"], typing_extensions=VERSIONS["typing-extensions"], congdoan=VERSIONS["congdoan"]
    )
    made = bill(root, LOCK)
    assert (made["bomFormat"], made["specVersion"], made["metadata"]["component"]["name"]) == ("CycloneDX", "1.6", "congdoan")
    found = {component["name"]: component for component in made["components"]}
    assert found.keys() == {"libc6", "pynacl", "typing-extensions"}
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64&distro=debian-12"
    assert found["pynacl"]["purl"] == f"pkg:pypi/pynacl@{VERSIONS['pynacl']}"
    locked = next(package for package in LOCK["package"] if package["name"] == "typing-extensions")
    digests = {file["hash"].removeprefix("sha256:") for file in (*locked["wheels"], locked["sdist"])}
    told = [each["hashes"] for each in found["typing-extensions"]["externalReferences"]]
    assert {digest["content"] for hashes in told for digest in hashes} == digests
    assert bill(root, LOCK) == made


@pytest.mark.parametrize(("name", "version"), [("pip", "25.0"), ("orjson", "0.1")])
def test_what_is_not_as_locked_is_refused(tmp_path: Path, name: str, version: str) -> None:
    with pytest.raises(ValueError, match=f"{name} {version} is installed"):
        bill(root_with(tmp_path, **{name: version}), LOCK)
