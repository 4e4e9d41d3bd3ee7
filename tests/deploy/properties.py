"""What must hold of every overlay, whatever it is put together of? Each property tells what speaks against it.

A property's name is what a broken manifest is reported under. Those of pods are in :mod:`tests.deploy.pod_properties`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from chassis.run import STOP_PATIENCE_S
from congdoan.services import SERVICES
from tests.deploy.edges import database_of
from tests.deploy.pod_properties import POD_PROPERTIES
from tests.deploy.rendered import Rendered, reaches, secrets_of, selects
from tests.deploy.variables import told_wrong

Property = Callable[[Rendered], Iterator[str]]

PROPERTIES: dict[str, Property] = dict(POD_PROPERTIES)
FLUSH_S = 2
"""What :meth:`chassis.telemetry.Tracing.flush` may take, after everything else has stopped."""

HASHED = re.compile(r".+-[2456789bcdfghkmt]{10}")
ALERTED = {
    "PublisherBacklogAge": "congdoan_publisher_waiting_since_timestamp_seconds",
    "FollowerLag": "congdoan_follower_position",
    "DeadLetters": "congdoan_parked_events",
    "CheckpointAge": "congdoan_checkpoint_size",
    "DiskFillsUp": "kubelet_volume_stats_available_bytes",
}
"""What somebody is woken for, and the metric by which it is seen."""


def holds(check: Property) -> Property:
    """Have a property checked, under its name."""
    PROPERTIES[check.__name__] = check
    return check


@holds
def drain_ends_before_the_grace_period(rendered: Rendered) -> Iterator[str]:
    for pod in rendered.services:
        (container,) = pod.spec["containers"]
        asleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = float(rendered.environment(container).get("CONGDOAN_DRAIN_S", "inf"))
        if not asleep:
            yield f"{pod.told} is told to stop while calls are still sent to it"
        if asleep + drain + STOP_PATIENCE_S + FLUSH_S >= pod.spec["terminationGracePeriodSeconds"]:
            yield f"{pod.told} is killed before it has drained"
    for pod in rendered.bus:
        (container,) = pod.spec["containers"]
        if container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])[1:] != ["--signal", "ldm=1"]:
            yield f"{pod.told} leaves without a word to its clients"
        waits = [int(seconds) for seconds in re.findall(r"^lame_duck_\w+: (\d+)s", _nats_configuration(rendered, pod.name), re.M)]
        if len(waits) != 2 or sum(waits) >= pod.spec["terminationGracePeriodSeconds"]:
            yield f"{pod.told} is killed before its clients have left"


@holds
def a_roll_takes_nobody_away(rendered: Rendered) -> Iterator[str]:
    for pod in rendered.services:
        strategy = pod.document["spec"].get("strategy", {})
        rolling = strategy.get("rollingUpdate", {})
        if strategy.get("type") != "RollingUpdate" or rolling.get("maxUnavailable") != 0 or not rolling.get("maxSurge"):
            yield f"{pod.told} loses a pod before there is another"
    for pod in rendered.bus:
        if pod.document["spec"].get("updateStrategy", {}).get("type") != "RollingUpdate":
            yield f"{pod.told} is not rolled"
    for cluster in rendered.of("Cluster"):
        if cluster["spec"].get("primaryUpdateMethod") != "switchover":
            yield f"{cluster['metadata']['name']} restarts its primary instead of handing over"


@holds
def disruption_is_bounded(rendered: Rendered) -> Iterator[str]:
    budgets = [budget["spec"] for budget in rendered.of("PodDisruptionBudget")]
    for pod in rendered.pods:
        bounding = [budget for budget in budgets if selects(budget["selector"], pod.labels)]
        if pod.stays and [budget.get("maxUnavailable") for budget in bounding] != [1]:
            yield f"{pod.told} has no budget of its own that lets one pod go"
    for cluster in rendered.of("Cluster"):
        if cluster["spec"].get("enablePDB") is not True:
            yield f"{cluster['metadata']['name']} has no disruption budget"


@holds
def there_is_another_pod(rendered: Rendered) -> Iterator[str]:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicas"] for each in rendered.of("HorizontalPodAutoscaler")
    }
    for pod in rendered.services:
        told, least = pod.document["spec"].get("replicas"), scaled.get(pod.name)
        if least is not None and told is not None:
            yield f"{pod.told} has its replicas from two sides"
        if (least or told or 1) < 2:
            yield f"{pod.told} has one pod"


@holds
def services_are_headless(rendered: Rendered) -> Iterator[str]:
    services = rendered.of("Service")
    for pod in rendered.pods:
        found = [each for each in services if reaches(each, pod)] if pod.stays else []
        if pod.stays and (not found or any(each["spec"].get("clusterIP") != "None" for each in found)):
            yield f"{pod.told} is not reached pod by pod"


@holds
def everything_is_denied_by_default(rendered: Rendered) -> Iterator[str]:
    both = ["Egress", "Ingress"]
    denying = [
        policy
        for policy in rendered.of("NetworkPolicy")
        if policy["spec"]["podSelector"] == {}
        and sorted(policy["spec"]["policyTypes"]) == both
        and not policy["spec"].get("ingress")
        and not policy["spec"].get("egress")
    ]
    if not denying:
        yield "no policy denies everything to everybody, both ways"


@holds
def every_peer_is_exact(rendered: Rendered) -> Iterator[str]:
    for policy in rendered.of("NetworkPolicy"):
        for rule, peers in _rules(policy["spec"]):
            told = f"{policy['metadata']['name']}: {rule}"
            if not rule.get("ports") or any("port" not in port for port in rule["ports"]):
                yield f"{told} names no port"
            if not peers or any(not any(peer.values()) for peer in peers):
                yield f"{told} names nobody"
            for peer in peers:
                if any(selector == {} for name, selector in peer.items() if name.endswith("Selector")):
                    yield f"{told} lets everybody"
                if int(peer.get("ipBlock", {}).get("cidr", "/32").rpartition("/")[2]) < 24:
                    yield f"{told} lets a whole network"


@holds
def configuration_is_hashed_and_immutable(rendered: Rendered) -> Iterator[str]:
    used: set[str] = set()
    for pod in rendered.pods:
        for container in pod.containers:
            used |= {source["configMapRef"]["name"] for source in container.get("envFrom", ())}
            sources = [variable.get("valueFrom", {}) for variable in container.get("env", ())]
            used |= {source["configMapKeyRef"]["name"] for source in sources if "configMapKeyRef" in source}
        used |= {volume["configMap"]["name"] for volume in pod.spec.get("volumes", ()) if "configMap" in volume}
    there = {each["metadata"]["name"]: each for each in rendered.of("ConfigMap")}
    used |= {name for name, each in there.items() if "grafana_dashboard" in each["metadata"].get("labels", {})}
    for name, configuration in there.items():
        if not HASHED.fullmatch(name) or configuration.get("immutable") is not True:
            yield f"{name} can be changed under who reads it"
    yield from (f"{name} is read and not there" for name in sorted(used - there.keys()))
    yield from (f"{name} is there and not read" for name in sorted(there.keys() - used))


@holds
def every_variable_is_read_and_supplied(rendered: Rendered) -> Iterator[str]:
    return told_wrong(rendered)


@holds
def steps_are_jobs_that_can_be_repeated(rendered: Rendered) -> Iterator[str]:
    jobs = {pod.name: pod for pod in rendered.pods if pod.kind == "Job"}
    for pod in rendered.services:
        step = jobs.get(f"{pod.name}-prepare")
        commands = [container["command"] for container in step.containers] if step else []
        if commands != [["python", "-m", pod.name, "migrate"], ["python", "-m", pod.name, "streams"]]:
            yield f"{pod.told}: its schema and its streams are not made before it starts"
    for pod in jobs.values():
        spec = pod.document["spec"]
        if not spec.get("backoffLimit") or not spec.get("ttlSecondsAfterFinished") or pod.spec["restartPolicy"] != "OnFailure":
            yield f"{pod.told} is not repeated, or stays in the way of the next"


@holds
def nats_is_threefold_and_syncs_always(rendered: Rendered) -> Iterator[str]:
    for pod in rendered.bus:
        configuration = _nats_configuration(rendered, pod.name)
        if not re.search(r"^\s*(jetstream \{.*)?\bsync_interval: always\b", configuration, re.M):
            yield f"{pod.told} acknowledges what a power cut takes away"
        if pod.name == "nats" and (pod.document["spec"]["replicas"] != 3 or configuration.count("nats-route://") != 3):
            yield f"{pod.told} is not threefold"
    for pod in rendered.services:
        if rendered.environment(pod.spec["containers"][0]).get("CONGDOAN_STREAM_REPLICAS") != "3":
            yield f"{pod.told} makes streams that one server alone has"


@holds
def nothing_is_answered_before_two_databases_have_it(rendered: Rendered) -> Iterator[str]:
    clusters = {each["metadata"]["name"]: each["spec"] for each in rendered.of("Cluster")}
    for name, spec in clusters.items():
        synchronous = spec["postgresql"].get("synchronous", {})
        if synchronous.get("method") != "any" or not 1 <= synchronous.get("number", 0) < spec["instances"]:
            yield f"{name} does not wait for a second server"
        if synchronous.get("dataDurability") != "required":
            yield f"{name} waits for a second server only while there is one"
        for parameter in ("fsync", "full_page_writes", "synchronous_commit"):
            if spec["postgresql"].get("parameters", {}).get(parameter, "on") != "on":
                yield f"{name} has {parameter} off"
    for pod in rendered.pods:
        for container in pod.containers:
            for variable, source in rendered.environment(container).items():
                if variable.endswith("DATABASE_URL") and database_of(source["secretKeyRef"]["name"]) not in clusters:
                    yield f"{pod.told}: {variable} is of no cluster that is there"


@holds
def keys_lie_outside_the_databases(rendered: Rendered) -> Iterator[str]:
    having: dict[str, set[str]] = {}
    for pod in rendered.pods:
        for name, source, _ in secrets_of(pod):
            having.setdefault(name, set()).add(pod.labels["app.kubernetes.io/name"])
            if source.get("defaultMode", 0o644) & 0o007:
                yield f"{pod.told}: {name} is open to everyone"
    for name, owner in {"wrapping-keys": {"membership"}, "ledger-key": {"audit"}}.items():
        if rendered.services and having.get(name) != owner:
            yield f"{name} is mounted by {sorted(having.get(name, ()))} and is {owner}'s alone"
    for name, pods in having.items():
        if name.endswith(("-secret", "-tls")) and len(pods) > 1:
            yield f"{name} is shared by {sorted(pods)}"


@holds
def services_show_certificates(rendered: Rendered) -> Iterator[str]:
    certificates = {each["spec"]["secretName"]: each["spec"] for each in rendered.of("Certificate")}
    for pod in rendered.services:
        shown = [certificates[name] for name, _, path in secrets_of(pod) if path == "/run/tls" and name in certificates]
        if not shown:
            yield f"{pod.told} has no certificate"
        for certificate in shown:
            if certificate.get("uris") != [f"spiffe://congdoan/service/{pod.name}"] or pod.name not in certificate["dnsNames"]:
                yield f"{pod.told} shows a certificate of somebody else"
            if (
                not {"server auth", "client auth"} <= set(certificate["usages"])
                or certificate["privateKey"]["algorithm"] != "ECDSA"
            ):
                yield f"{pod.told} cannot use its certificate at both ends"
        told = rendered.environment(pod.spec["containers"][0])
        for host in (value.removeprefix("dns:///").partition(":")[0] for name, value in told.items() if name.endswith("_TARGET")):
            if not any(host in certificate.get("dnsNames", ()) for certificate in certificates.values()):
                yield f"{pod.told} calls {host}, and nobody can show to be that"
        if (told.get("PGSSLMODE"), told.get("PGSSLROOTCERT")) != ("verify-full", "/run/tls/ca.crt"):
            yield f"{pod.told} does not look whom it takes for its database"
    for cluster in rendered.of("Cluster"):
        name, secret = cluster["metadata"]["name"], cluster["spec"].get("certificates", {}).get("serverTLSSecret")
        if not {f"{name}-rw", f"{name}-ro"} <= set(certificates.get(secret, {}).get("dnsNames", ())):
            yield f"{name} shows no certificate that is its own"
    if rendered.services and not re.search(r"^tls \{ cert_file", _nats_configuration(rendered, "nats"), re.M):
        yield "passwords go to NATS for everybody to read"
    if rendered.services and "verify: true" not in _nats_configuration(rendered, "nats"):
        yield "whoever reaches the port becomes one of the NATS servers"


@holds
def renewed_certificates_are_taken(rendered: Rendered) -> Iterator[str]:
    """A service looks at its files, CloudNativePG at its secrets; NATS's servers have to be told."""
    often = [
        int(re.match(r"\d+ \*/(\d+) \* \* \*$", pod.document["spec"]["schedule"])[1])  # type: ignore[index]
        for pod in rendered.pods
        if pod.kind == "CronJob" and pod.containers[0]["command"] == ["congdoan", "provinces", "reload"]
    ]
    for certificate in rendered.of("Certificate"):
        spec = certificate["spec"]
        shown = {pod.name for pod in rendered.bus for name, _, _ in secrets_of(pod) if name == spec["secretName"]}
        if shown and not any(hours < int(spec["renewBefore"].removesuffix("h")) for hours in often):
            yield f"{shown} show a certificate whose end they do not notice"
        if spec["secretName"].endswith("-server") and "cnpg.io/reload" not in spec.get("secretTemplate", {}).get("labels", {}):
            yield f"{spec['secretName']} is not read again when it is renewed"


@holds
def databases_are_kept_elsewhere_too(rendered: Rendered) -> Iterator[str]:
    scheduled = {each["spec"]["cluster"]["name"] for each in rendered.of("ScheduledBackup")}
    stores = {each["metadata"]["name"]: each["spec"] for each in rendered.of("ObjectStore")}
    where: dict[str, Any] = {}
    for cluster in rendered.of("Cluster"):
        name, plugins = cluster["metadata"]["name"], cluster["spec"].get("plugins", ())
        archived = [plugin["parameters"]["barmanObjectName"] for plugin in plugins if plugin.get("isWALArchiver")]
        if name not in scheduled or len(archived) != 1 or archived[0] not in stores:
            yield f"{name} has no backup"
        else:
            where[name] = stores[archived[0]]
    for name in ("membership-db", "membership-keys-db"):
        if where and where.get(name, {}).get("retentionPolicy") != "7d":
            yield f"{name}: whoever was erased is in copies for longer than was promised"
    where = {name: store["configuration"] for name, store in where.items()}
    keys = where.pop("membership-keys-db", None)
    for name, store in where.items():
        if keys and (store["destinationPath"], store["s3Credentials"]) == (keys["destinationPath"], keys["s3Credentials"]):
            yield f"{name} is kept beside the keys that open it"
        if keys and store["s3Credentials"]["accessKeyId"]["name"] == keys["s3Credentials"]["accessKeyId"]["name"]:
            yield f"whoever may read the backup of {name} may read that of the keys"


@holds
def somebody_is_woken(rendered: Rendered) -> Iterator[str]:
    rules = [rule for each in rendered.of("PrometheusRule") for group in each["spec"]["groups"] for rule in group["rules"]]
    alerts = {rule["alert"]: rule for rule in rules}
    for name, metric in ALERTED.items():
        if metric not in alerts.get(name, {}).get("expr", ""):
            yield f"no alert {name} looks at {metric}"
    for name, rule in alerts.items():
        if rule["labels"].get("severity") not in ("page", "ticket") or not {"vi", "en"} <= rule["annotations"].keys():
            yield f"{name} does not say how urgent it is, and what it is about"
    monitored = [each["spec"]["selector"] for each in rendered.of("PodMonitor")]
    for pod in rendered.services:
        if not any(selects(selector, pod.labels) for selector in monitored):
            yield f"{pod.told} is not watched"


@holds
def all_five_services_are_there(rendered: Rendered) -> Iterator[str]:
    commands = {pod.name: pod.spec["containers"][0]["command"] for pod in rendered.services}
    for name in SERVICES:
        if commands.get(name) != ["python", "-m", name, "serve"]:
            yield f"{name} is not run"


def _rules(spec: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each rule of a policy with its peers."""
    for rule in spec.get("ingress", ()):
        yield rule, rule.get("from", [])
    for rule in spec.get("egress", ()):
        yield rule, rule.get("to", [])


def _nats_configuration(rendered: Rendered, name: str) -> str:
    mounted = [
        volume["configMap"]["name"] for volume in rendered.pod("StatefulSet", name).spec["volumes"] if "configMap" in volume
    ]
    return str(rendered.one("ConfigMap", mounted[0])["data"]["nats.conf"])
