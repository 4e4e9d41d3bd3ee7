"""Does the image do what the manifests say? Its root is run, not what is installed here; by ``deploy/try_image.sh`` alone.

``IMAGE_ROOT`` is a copy of the image's root, which mounts add folders to.
"""

import os
import stat
from pathlib import Path

import pytest

from congdoan.embedded import EmbeddedPostgres
from tests.deploy.place import Place, rolled
from tests.deploy.rendered import SERVICES
from tests.folders import fast_folder

ROOT = Path(os.environ["IMAGE_ROOT"])
SHELLS = {"sh", "bash", "dash", "ash", "zsh", "busybox", "apt", "apt-get", "dpkg", "perl"}


def test_there_is_no_shell_and_nothing_that_becomes_somebody_else() -> None:
    programs = [path for path in ROOT.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o111]
    assert programs
    assert not {path.name for path in programs} & SHELLS
    assert not [path for path in programs if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]


@pytest.mark.timeout(1_800)
def test_the_services_start_from_the_image_and_are_rolled(postgres: EmbeddedPostgres) -> None:
    with fast_folder() as folder:
        place = Place(postgres, folder, mounts=True, image=ROOT)
        try:
            rolled(place, *SERVICES)
        finally:
            place.machine.end()
