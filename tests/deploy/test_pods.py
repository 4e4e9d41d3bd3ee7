"""Do the manifests run as they are rendered, and does nobody notice that every pod is replaced?

The dev overlay, without a cluster: three NATS servers from their manifest, the steps before the start, the services, and a caller
with the settings of our clients, while each pod in its turn gives way to a new one. Pods have mounts of their own where the
machine lets them, and else their paths rewritten; the latter way is also run by `make long`, wherever it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from congdoan.embedded import EmbeddedPostgres
from tests.deploy.place import Place, rolled
from tests.deploy.pods import possible
from tests.deploy.rendered import SERVICES
from tests.folders import fast_folder


@contextmanager
def placed(postgres: EmbeddedPostgres, *, mounts: bool) -> Iterator[Place]:
    """A place of one's own."""
    with fast_folder() as folder:
        made = Place(postgres, folder, mounts=mounts)
        try:
            yield made
        finally:
            made.machine.end()


@pytest.mark.timeout(900)
def test_deployments_are_rolled_and_no_call_fails(postgres: EmbeddedPostgres) -> None:
    """The one that is asked by everybody; `make long` rolls all of them."""
    with placed(postgres, mounts=possible()) as place:
        rolled(place, "membership")


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_every_deployment_in_two_pods_is_rolled_and_no_call_fails(postgres: EmbeddedPostgres) -> None:
    with placed(postgres, mounts=possible()) as place:
        rolled(place, *SERVICES, pods=2)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_pods_without_mounts_are_rolled_and_no_call_fails(postgres: EmbeddedPostgres) -> None:
    with placed(postgres, mounts=False) as place:
        rolled(place, *SERVICES)
