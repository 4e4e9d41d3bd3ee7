"""Does everything that is deployed hold what it must hold, and would each property be missed if it did not?

Every property is asserted over every overlay. Where one need not hold it says why, and then must really not hold: an exception
that is idle is an error too. For each property manifests are broken, and it must be the one that complains.
"""

import pytest

from tests.deploy.breaking import BREAKING, Break
from tests.deploy.properties import PROPERTIES
from tests.deploy.rendered import OVERLAYS, rendered

EXCEPTIONS = {
    ("dev", "databases_are_kept_elsewhere_too"): "what is tried on a cluster for trying is not kept",
    ("dev", "somebody_is_woken"): "nobody is woken for it, and it needs no Prometheus",
    ("province", "all_five_services_are_there"): "a province mirrors its branch and runs no service of the federation",
    ("province", "somebody_is_woken"): "a province has a watch of its own",
}


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_has_every_property(overlay: str, name: str) -> None:
    complaints = list(PROPERTIES[name](rendered(overlay)))
    if (overlay, name) in EXCEPTIONS:
        assert complaints, "the exception is not needed any more"
    else:
        assert complaints == []


@pytest.mark.parametrize("broken", BREAKING, ids=str)
def test_what_is_broken_is_reported_under_its_name(broken: Break) -> None:
    manifests = rendered(broken.overlay)
    broken.do(manifests)
    assert list(PROPERTIES[broken.name](manifests))
    complaining = {
        name for name, check in PROPERTIES.items() if (broken.overlay, name) not in EXCEPTIONS and list(check(manifests))
    }
    assert complaining == {broken.name}


def test_each_property_was_seen_broken() -> None:
    assert {broken.name for broken in BREAKING} == PROPERTIES.keys()
