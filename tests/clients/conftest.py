"""What a province runs, for every test of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.programs import Program, follow, javascript_folder, javascript_subscriber, python_subscriber


@pytest.fixture(scope="session")
def javascript() -> Iterator[Path]:
    """The JavaScript client with its packages."""
    with javascript_folder() as folder:
        yield folder


@pytest.fixture
def programs(javascript: Path, tmp_path: Path) -> list[Program]:
    """All three, each with nothing kept yet."""
    return [python_subscriber(tmp_path), javascript_subscriber(javascript, tmp_path), follow(tmp_path)]
