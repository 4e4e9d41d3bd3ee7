"""Which fields do the kinds have that Kubernetes itself does not know? Those that our manifests use, closed: no other passes.

Written down from the references of CloudNativePG 1.27, its Barman Cloud plugin 0.11, cert-manager 1.18 and the Prometheus
operator;
a field that is misspelt, or stands where it has no meaning, is refused here as their own schemas would.
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
QUANTITY: Schema = {"type": "string", "pattern": r"^[0-9]+(m|Mi|Gi|Ti)?$"}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(h|m|s))+$"}
LABELS: Schema = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": r"^([A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)?$"},
}


def one_of(*values: str) -> Schema:
    """One of some words."""
    return {"enum": list(values)}


def many(of: Schema) -> Schema:
    """At least one."""
    return {"type": "array", "items": of, "minItems": 1}


def closed(*needed: str, **fields: Schema) -> Schema:
    """An object of these fields, and no other."""
    return {"type": "object", "properties": fields, "required": list(needed), "additionalProperties": False}


SECRET_KEY = closed("name", "key", name=TEXT, key=TEXT)
SELECTOR = closed("matchLabels", matchLabels=LABELS)
RESOURCES = closed(
    "requests", "limits", requests=closed(cpu=QUANTITY, memory=QUANTITY), limits=closed(cpu=QUANTITY, memory=QUANTITY)
)  # fmt: skip
METADATA = closed("name", name={"type": "string", "pattern": r"^[a-z0-9-]{1,50}$"}, namespace=TEXT, labels=LABELS)

INITDB = closed(
    "database", "owner",
    database=TEXT, owner=TEXT, encoding=TEXT, localeCollate=TEXT, localeCType=TEXT, dataChecksums=FLAG,
)  # fmt: skip
RECOVERY = closed(
    "source", source=TEXT, database=TEXT, owner=TEXT,
    recoveryTarget=closed(targetTime=TEXT, targetLSN=TEXT, targetTLI=TEXT, targetImmediate=FLAG, backupID=TEXT),
)  # fmt: skip
PLUGIN = closed("name", name=TEXT, enabled=FLAG, isWALArchiver=FLAG, parameters=TEXTS)

CLUSTER = closed(
    "instances", "storage", "imageName",
    instances={"type": "integer", "minimum": 1},
    imageName=TEXT,
    enablePDB=FLAG,
    enableSuperuserAccess=FLAG,
    primaryUpdateStrategy=one_of("unsupervised", "supervised"),
    primaryUpdateMethod=one_of("switchover", "restart"),
    inheritedMetadata=closed(labels=LABELS),
    bootstrap={"oneOf": [closed("initdb", initdb=INITDB), closed("recovery", recovery=RECOVERY)]},
    externalClusters=many(closed("name", name=TEXT, plugin=PLUGIN)),
    postgresql=closed(
        synchronous=closed(
            "method", "number", method=one_of("any", "first"), number={"type": "integer", "minimum": 1},
            dataDurability=one_of("required", "preferred"),
        ),
        parameters=TEXTS,
        pg_hba=many(TEXT),
    ),
    storage=closed("size", size=QUANTITY),
    walStorage=closed("size", size=QUANTITY),
    affinity=closed(enablePodAntiAffinity=FLAG, podAntiAffinityType=one_of("required", "preferred"), topologyKey=TEXT),
    topologySpreadConstraints=many(
        closed(
            "maxSkew", "topologyKey", "whenUnsatisfiable", maxSkew=NUMBER, topologyKey=TEXT,
            whenUnsatisfiable=one_of("ScheduleAnyway", "DoNotSchedule"), labelSelector=SELECTOR,
        )
    ),
    seccompProfile=closed("type", type=one_of("RuntimeDefault")),
    postgresUID=NUMBER,
    postgresGID=NUMBER,
    resources=RESOURCES,
    certificates=closed(serverCASecret=TEXT, serverTLSSecret=TEXT),
    plugins=many(PLUGIN),
)  # fmt: skip

CERTIFICATE = closed(
    "secretName", "issuerRef",
    secretName=TEXT,
    issuerRef=closed("name", group=TEXT, kind=one_of("Issuer", "ClusterIssuer"), name=TEXT),
    isCA=FLAG,
    commonName={"type": "string", "maxLength": 64},
    duration=DURATION,
    renewBefore=DURATION,
    privateKey=closed(algorithm=one_of("ECDSA", "RSA", "Ed25519"), size=NUMBER, rotationPolicy=one_of("Always", "Never")),
    secretTemplate=closed(labels=LABELS),
    uris=many(TEXT),
    dnsNames=many(TEXT),
    ipAddresses=many(TEXT),
    usages=many(one_of("digital signature", "server auth", "client auth")),
)  # fmt: skip

COMPRESSION = one_of("gzip", "bzip2", "snappy")
SPECIFICATIONS: dict[tuple[str, str], Schema] = {
    ("postgresql.cnpg.io/v1", "Cluster"): CLUSTER,
    ("postgresql.cnpg.io/v1", "ScheduledBackup"): closed(
        "schedule", "cluster",
        cluster=closed("name", name=TEXT),
        method=one_of("plugin", "barmanObjectStore", "volumeSnapshot"),
        pluginConfiguration=closed("name", name=TEXT, parameters=TEXTS),
        schedule={"type": "string", "pattern": r"^\S+( \S+){5}$"},
        immediate=FLAG,
        backupOwnerReference=one_of("none", "self", "cluster"),
    ),
    ("barmancloud.cnpg.io/v1", "ObjectStore"): closed(
        "configuration",
        retentionPolicy={"type": "string", "pattern": "^[1-9][0-9]*[dwm]$"},
        configuration=closed(
            "destinationPath",
            destinationPath={"type": "string", "pattern": "^s3://"},
            endpointURL=TEXT,
            s3Credentials=closed("accessKeyId", "secretAccessKey", accessKeyId=SECRET_KEY, secretAccessKey=SECRET_KEY),
            wal=closed(compression=COMPRESSION, maxParallel=NUMBER),
            data=closed(compression=COMPRESSION, jobs=NUMBER),
        ),
    ),
    ("cert-manager.io/v1", "Certificate"): CERTIFICATE,
    ("cert-manager.io/v1", "Issuer"): {
        "oneOf": [closed("selfSigned", selfSigned=closed()), closed("ca", ca=closed(secretName=TEXT))]
    },
    ("monitoring.coreos.com/v1", "PodMonitor"): closed(
        "selector", "podMetricsEndpoints",
        selector=SELECTOR,
        podTargetLabels=many(TEXT),
        podMetricsEndpoints=many(closed(port=TEXT, path=TEXT, interval=DURATION)),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): closed(
        "groups",
        groups=many(
            closed(
                "name", "rules", name=TEXT,
                rules=many(closed("alert", "expr", alert=TEXT, expr=TEXT, labels=TEXTS, annotations=TEXTS, **{"for": DURATION})),
            )
        ),
    ),
}  # fmt: skip


def schema_of(api_version: str, kind: str) -> Schema | None:
    """The schema of a kind that Kubernetes does not know; None for one that it does."""
    specification = SPECIFICATIONS.get((api_version, kind))
    return specification and closed(
        "apiVersion", "kind", "metadata", "spec", apiVersion=TEXT, kind=TEXT, metadata=METADATA, spec=specification
    )
