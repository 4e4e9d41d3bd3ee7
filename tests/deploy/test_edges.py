"""Do the network policies allow what the services' settings need, and nothing else, at both ends of every edge?"""

import pytest

from tests.deploy.edges import DNS, MAIL, POSTGRES, Edge, allowed, needed, outside
from tests.deploy.rendered import OVERLAYS, Rendered, rendered


def both(manifests: Rendered) -> tuple[set[Edge], set[Edge]]:
    """What the callers may, and what the called may."""
    return allowed(manifests, "Egress"), allowed(manifests, "Ingress")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_both_ends_allow_what_is_needed_and_nothing_else(overlay: str) -> None:
    manifests = rendered(overlay)
    wanted = needed(manifests)
    leaving, arriving = both(manifests)
    members = {edge.caller for edge in wanted if not edge.caller.startswith("namespace ")}
    assert leaving == {edge for edge in wanted if edge.caller in members}
    assert arriving == {edge for edge in wanted if edge.called in members}


def test_the_table_says_what_the_design_says() -> None:
    wanted = needed(rendered("national"))
    assert {edge.caller for edge in wanted if edge.called == "membership" and not outside(edge)} == {
        "welfare", "awards", "notifications", "audit"
    }  # fmt: skip
    assert {edge.caller for edge in wanted if edge.called == "membership-keys-db" and edge.port == POSTGRES} == {
        "membership", "membership-prepare", "membership-keys-db"
    }  # fmt: skip
    assert {edge.caller for edge in wanted if edge.called == MAIL} == {"notifications"}
    assert Edge("nats", DNS, 53) in wanted
    assert not [edge for edge in wanted if edge.caller == "nats" and edge.port == POSTGRES]


def test_a_policy_too_much_or_too_little_is_seen_at_its_end() -> None:
    manifests = rendered("national")
    leaving, arriving = both(manifests)
    audit = manifests.one("NetworkPolicy", "audit")["spec"]
    audit["egress"].append(
        {"to": [{"podSelector": {"matchLabels": {"cnpg.io/cluster": "membership-db"}}}], "ports": [{"port": 5432}]}
    )
    manifests.one("NetworkPolicy", "nats")["spec"]["ingress"].pop()
    now_leaving, now_arriving = both(manifests)
    assert now_leaving - leaving == {Edge("audit", "membership-db", 5432)}
    assert arriving - now_arriving == {Edge("namespace gateway", "nats", 7422)}


def test_a_new_call_needs_a_new_policy() -> None:
    manifests = rendered("national")
    (told,) = [each["data"] for each in manifests.of("ConfigMap") if each["metadata"]["name"].startswith("membership-")]
    told["CONGDOAN_WELFARE_TARGET"] = "dns:///welfare:50052"
    assert needed(manifests) - allowed(manifests, "Egress") >= {Edge("membership", "welfare", 50052)}
