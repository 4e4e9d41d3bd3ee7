"""How can each property be broken? One change of the manifests of an overlay, and the name under which it is reported."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.deploy.rendered import Rendered

Change = Callable[[Rendered], object]


@dataclass(frozen=True)
class Break:
    """A change of an overlay, and the property that it breaks."""

    name: str
    do: Change
    overlay: str = "national"

    def __str__(self) -> str:
        return f"{self.name}-{BREAKING.index(self)}"


def spec(kind: str = "Deployment", name: str = "welfare") -> Callable[[Rendered], dict[str, Any]]:
    """The specification of a workload's pods."""
    return lambda rendered: rendered.pod(kind, name).spec


def container(kind: str = "Deployment", name: str = "welfare") -> Callable[[Rendered], dict[str, Any]]:
    """The container of a workload."""
    return lambda rendered: dict.__getitem__(rendered.pod(kind, name).spec, "containers")[0]


def of(kind: str, name: str) -> Callable[[Rendered], dict[str, Any]]:
    """The specification in a document."""
    return lambda rendered: rendered.one(kind, name)["spec"]


def configuration(of_whom: str, name: str = "welfare") -> Callable[[Rendered], dict[str, Any]]:
    """The data of a configuration, whatever its hash is."""

    def found(rendered: Rendered) -> dict[str, Any]:
        (one,) = [each for each in rendered.of("ConfigMap") if each["metadata"]["name"].rpartition("-")[0] == of_whom]
        return one["data"]  # type: ignore[no-any-return]

    return found


def put(where: Callable[[Rendered], dict[str, Any]], *path: Any) -> Change:
    """Set what stands at a path: keys, then the value."""

    def change(rendered: Rendered) -> None:
        *keys, last, value = path
        at: Any = where(rendered)
        for key in keys:
            at = at[key]
        at[last] = value

    return change


def take(where: Callable[[Rendered], dict[str, Any]], *path: Any) -> Change:
    """Take away what stands at a path."""

    def change(rendered: Rendered) -> None:
        *keys, last = path
        at: Any = where(rendered)
        for key in keys:
            at = at[key]
        del at[last]

    return change


def without(kind: str, name: str) -> Change:
    """Take a document away."""
    return lambda rendered: rendered.documents.remove(rendered.one(kind, name))


def replaced(where: Callable[[Rendered], dict[str, Any]], key: str, old: str, new: str) -> Change:
    """Write something else into a file."""

    def change(rendered: Rendered) -> None:
        data = where(rendered)
        assert old in data[key]
        data[key] = data[key].replace(old, new)

    return change


def variable(name: str, value: str) -> Change:
    """Tell welfare something more."""
    return lambda rendered: container()(rendered)["env"].append({"name": name, "value": value})


def alert(rendered: Rendered) -> list[dict[str, Any]]:
    """The alerts."""
    return rendered.one("PrometheusRule", "congdoan")["spec"]["groups"][0]["rules"]  # type: ignore[no-any-return]


def unhashed(rendered: Rendered) -> None:
    """A configuration is called the same whatever stands in it."""
    old = next(each for each in rendered.of("ConfigMap") if each["metadata"]["name"].startswith("welfare-"))["metadata"]["name"]
    rendered.one("ConfigMap", old)["metadata"]["name"] = "welfare"
    for kind, name in (("Deployment", "welfare"), ("Job", "welfare-prepare")):
        for each in rendered.pod(kind, name).containers:
            each["envFrom"][1]["configMapRef"]["name"] = "welfare"


def store(name: str) -> Callable[[Rendered], dict[str, Any]]:
    """Where backups go."""
    return of("ObjectStore", name)


def mounting_the_wrapping_keys(rendered: Rendered) -> None:
    """Welfare gets what is membership's."""
    spec()(rendered)["volumes"].append({"name": "wrapping", "secret": {"secretName": "wrapping-keys", "defaultMode": 0o440}})
    container()(rendered)["volumeMounts"].append({"name": "wrapping", "mountPath": "/run/wrapping", "readOnly": True})


WHO = "pods_have_a_service_account_of_their_own_without_a_token"
TWO = "nothing_is_answered_before_two_databases_have_it"
ONE_STEP = container("Job", "audit-prepare")

BREAKING = (
    Break("pods_are_restricted", put(spec(), "hostNetwork", True)),
    Break("pods_are_restricted", lambda all: spec()(all)["volumes"].append({"name": "host", "hostPath": {"path": "/"}})),
    Break("pods_are_restricted", put(container("StatefulSet", "leaf"), "ports", 0, "hostPort", 4222), "province"),
    Break("pods_are_restricted", put(ONE_STEP, "securityContext", "allowPrivilegeEscalation", True)),
    Break("pods_are_restricted", put(container(), "securityContext", "privileged", True)),
    Break("pods_run_as_nobody", put(spec(), "securityContext", "runAsNonRoot", False)),
    Break("pods_run_as_nobody", put(spec("StatefulSet", "nats"), "securityContext", "runAsUser", 1000)),
    Break("pods_run_as_nobody", put(container(), "securityContext", "runAsUser", 0)),
    Break(WHO, put(spec(), "automountServiceAccountToken", True)),
    Break(WHO, put(spec("Job", "awards-prepare"), "serviceAccountName", "default")),
    Break("the_root_is_read_only", put(container(), "securityContext", "readOnlyRootFilesystem", False)),
    Break(
        "no_capability_is_left", put(container("StatefulSet", "nats"), "securityContext", "capabilities", {"drop": ["NET_RAW"]})
    ),
    Break("no_capability_is_left", put(container(), "securityContext", "capabilities", "add", ["NET_ADMIN"])),
    Break("system_calls_are_filtered", put(spec(), "securityContext", "seccompProfile", {"type": "Unconfined"})),
    Break("images_stay_the_same", put(container(), "image", "congdoan:latest")),
    Break("images_stay_the_same", put(ONE_STEP, "image", "registry:5000/congdoan")),
    Break("probes_ask_by_themselves", take(container(), "startupProbe")),
    Break("probes_ask_by_themselves", take(container(), "readinessProbe", "grpc", "service")),
    Break("probes_ask_by_themselves", put(container(), "livenessProbe", "grpc", "service", "ready")),
    Break("probes_ask_by_themselves", put(container("StatefulSet", "nats"), "readinessProbe", "httpGet", "path", "/")),
    Break("pods_are_spread", lambda all: spec()(all)["topologySpreadConstraints"].pop()),
    Break("resources_are_asked_for_and_limited", take(ONE_STEP, "resources", "limits", "memory")),
    Break("nothing_is_told_that_nobody_asked_for", take(spec(), "enableServiceLinks")),
    Break("drain_ends_before_the_grace_period", take(container(), "lifecycle")),
    Break("drain_ends_before_the_grace_period", put(configuration("federation"), "CONGDOAN_DRAIN_S", "60")),
    Break("drain_ends_before_the_grace_period", put(spec("StatefulSet", "nats"), "terminationGracePeriodSeconds", 30)),
    Break("drain_ends_before_the_grace_period", take(container("StatefulSet", "nats"), "lifecycle")),
    Break("a_roll_takes_nobody_away", put(of("Deployment", "audit"), "strategy", "rollingUpdate", "maxUnavailable", 1)),
    Break("a_roll_takes_nobody_away", put(of("Deployment", "audit"), "strategy", {"type": "Recreate"})),
    Break("disruption_is_bounded", without("PodDisruptionBudget", "nats")),
    Break("disruption_is_bounded", put(of("Cluster", "audit-db"), "enablePDB", False)),
    Break("there_is_another_pod", put(of("HorizontalPodAutoscaler", "welfare"), "minReplicas", 1)),
    Break("there_is_another_pod", put(of("Deployment", "welfare"), "replicas", 1), "dev"),
    Break("services_are_headless", put(of("Service", "membership"), "clusterIP", "10.96.0.7")),
    Break("services_are_headless", put(of("Service", "membership"), "selector", "app.kubernetes.io/name", "member")),
    Break("everything_is_denied_by_default", put(of("NetworkPolicy", "default-deny"), "policyTypes", ["Ingress"])),
    Break("every_peer_is_exact", lambda all: of("NetworkPolicy", "nats")(all)["ingress"].append({"ports": [{"port": 4222}]})),
    Break("every_peer_is_exact", take(of("NetworkPolicy", "nats"), "ingress", 0, "ports")),
    Break("every_peer_is_exact", put(of("NetworkPolicy", "nats"), "ingress", 0, "from", 0, "podSelector", {})),
    Break("every_peer_is_exact", put(of("NetworkPolicy", "backup"), "egress", 0, "to", 0, "ipBlock", "cidr", "0.0.0.0/0")),
    Break("configuration_is_hashed_and_immutable", unhashed),
    Break("configuration_is_hashed_and_immutable", lambda all: all.of("ConfigMap")[0].pop("immutable")),
    Break("every_variable_is_read_and_supplied", variable("CONGDOAN_DRAIN", "8")),
    Break("every_variable_is_read_and_supplied", take(configuration("audit"), "CONGDOAN_CHECKPOINT_EVENTS")),
    Break("every_variable_is_read_and_supplied", take(configuration("federation"), "CONGDOAN_OTLP_ENDPOINT")),
    Break("every_variable_is_read_and_supplied", take(configuration("province"), "HUB"), "province"),
    Break("steps_are_jobs_that_can_be_repeated", put(ONE_STEP, "command", 3, "serve")),
    Break("steps_are_jobs_that_can_be_repeated", put(of("Job", "audit-prepare"), "ttlSecondsAfterFinished", None)),
    Break("nats_is_threefold_and_syncs_always", put(of("StatefulSet", "nats"), "replicas", 1)),
    Break("nats_is_threefold_and_syncs_always", replaced(configuration("nats"), "nats.conf", "sync_interval", "# sync_interval")),
    Break("nats_is_threefold_and_syncs_always", replaced(configuration("leaf"), "nats.conf", "always", "2m"), "province"),
    Break("nats_is_threefold_and_syncs_always", put(configuration("federation"), "CONGDOAN_STREAM_REPLICAS", "1")),
    Break(TWO, put(of("Cluster", "awards-db"), "postgresql", "synchronous", "dataDurability", "preferred")),
    Break(TWO, put(of("Cluster", "awards-db"), "instances", 1)),
    Break(TWO, put(of("Cluster", "awards-db"), "postgresql", "parameters", "fsync", "off")),
    Break(TWO, put(container(), "env", 1, "valueFrom", "secretKeyRef", "name", "postgres-app")),
    Break("keys_lie_outside_the_databases", mounting_the_wrapping_keys),
    Break("keys_lie_outside_the_databases", put(spec("Deployment", "audit"), "volumes", -1, "secret", "defaultMode", 0o644)),
    Break("keys_lie_outside_the_databases", put(spec(), "volumes", 1, "secret", "secretName", "awards-secret")),
    Break("services_show_certificates", put(of("Certificate", "welfare"), "uris", ["spiffe://congdoan/service/audit"])),
    Break("services_show_certificates", put(of("Certificate", "welfare"), "usages", ["server auth"])),
    Break("services_show_certificates", put(of("Certificate", "audit"), "dnsNames", ["audit"])),
    Break("services_show_certificates", put(configuration("federation"), "PGSSLMODE", "require")),
    Break("services_show_certificates", replaced(configuration("nats"), "nats.conf", "verify: true", "verify: false")),
    Break("services_show_certificates", replaced(configuration("nats"), "nats.conf", "\ntls {", "\n# tls {")),
    Break("renewed_certificates_are_taken", without("CronJob", "nats-reload")),
    Break("renewed_certificates_are_taken", put(of("CronJob", "nats-reload"), "schedule", "17 */12 * * *")),
    Break("renewed_certificates_are_taken", take(of("Certificate", "audit-db"), "secretTemplate")),
    Break("databases_are_kept_elsewhere_too", without("ScheduledBackup", "membership-keys-db")),
    Break("databases_are_kept_elsewhere_too", take(of("Cluster", "welfare-db"), "plugins")),
    Break("databases_are_kept_elsewhere_too", put(of("ObjectStore", "membership"), "retentionPolicy", "90d")),
    Break(
        "databases_are_kept_elsewhere_too",
        put(store("keys"), "configuration", "s3Credentials", "accessKeyId", "name", "backup-events"),
    ),
    Break("somebody_is_woken", lambda all: alert(all).pop(0)),
    Break("somebody_is_woken", put(lambda all: alert(all)[0], "labels", {})),
    Break("somebody_is_woken", without("PodMonitor", "services")),
    Break("all_five_services_are_there", without("Deployment", "awards")),
    Break("all_five_services_are_there", put(container(), "command", 3, "migrate")),
)
