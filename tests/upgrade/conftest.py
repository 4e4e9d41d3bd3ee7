"""The first release: put back once in a run, and a copy of it for whoever changes something."""

from collections.abc import Iterator

import pytest

from congdoan.embedded import EmbeddedPostgres
from tests.folders import fast_folder
from tests.upgrade.past import Release, release


@pytest.fixture(scope="session")
def kept(postgres: EmbeddedPostgres) -> Iterator[Release]:
    """The databases of the first release as it left them; nobody changes them."""
    with fast_folder() as folder, release(postgres, folder) as found:
        yield found


@pytest.fixture
def first_release(kept: Release) -> Iterator[Release]:
    """A copy for one test."""
    with kept.copied() as copy:
        yield copy
