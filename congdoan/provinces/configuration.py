"""What is the NATS server told? Its accounts, and what each of them may do: text that follows from the grants alone."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.cloudevents import ROOT
from chassis.reconciliation.branch_places import BRANCH as BRANCH
from chassis.reconciliation.branch_places import api_of as api_of
from chassis.streams import LEDGER, checkpoint_subject, stream_name
from congdoan.provinces import auditors
from congdoan.provinces.auditors import Auditor
from congdoan.provinces.grants import Grant
from congdoan.services import RECORDING

FEDERATION, SYSTEM = "FEDERATION", "SYS"
"""The accounts of the services, and of whoever operates the server."""

SERVICES_USER, SYSTEM_USER = "services", "operator"
HUB_DOMAIN = "hub"
"""The JetStream domain of this server: a leaf node has another one."""

HUB_API = "hub.api"
"""In a branch's account: where the server itself asks for the events of the branch."""

SNAPSHOT = "snapshot"
MIRROR = "mirror"
"""Under what a leaf node has the events delivered that it mirrors."""

PROVINCE_DOMAIN = "branch"
"""By which a province's client asks JetStream, directly and through a leaf node; the plain API is each account's own."""

API = f"$JS.{PROVINCE_DOMAIN}.API"

# What a province may ask of JetStream: of its own stream alone, to read it. A body cannot ask for more than its subject.
_ASKED = (
    f"STREAM.INFO.{BRANCH}",
    f"CONSUMER.CREATE.{BRANCH}",
    f"CONSUMER.CREATE.{BRANCH}.>",
    f"CONSUMER.DURABLE.CREATE.{BRANCH}.*",
    f"CONSUMER.INFO.{BRANCH}.*",
    f"CONSUMER.LIST.{BRANCH}",
    f"CONSUMER.NAMES.{BRANCH}",
    f"CONSUMER.DELETE.{BRANCH}.*",
)
_NEXT = f"CONSUMER.MSG.NEXT.{BRANCH}.*"
_TOLD = ("$JS.ACK.>", f"$JS.FC.{BRANCH}.>")
"""The form of acknowledgement subjects is about to change, so they are allowed as a whole; they reach this stream alone."""

MAY_PUBLISH = (*(f"{API}.{asked}" for asked in (*_ASKED, _NEXT)), *_TOLD, SNAPSHOT)
MAY_SUBSCRIBE = ("_INBOX.>", f"{MIRROR}.>", "$JSC.R.>")
"""The last is where a leaf node has its server's own questions answered."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server is told besides the grants; `token` lets the services in, `system_password` the operator."""

    port: int
    monitoring_port: int
    leaf_port: int
    store: Path
    token: str
    system_password: str


def sources_of(code: str) -> list[tuple[str, str]]:
    """The streams of which a branch's own is made, each with the part of it that is the branch's."""
    own = [(stream_name(service), f"{ROOT}.{service}.{code}.>") for service in RECORDING]
    return [*own, (LEDGER, checkpoint_subject())]


def snapshot_of(code: str) -> str:
    """Where membership is asked for the snapshot of a branch."""
    return f"branches.{code}.{SNAPSHOT}"


def delivery_of(code: str) -> str:
    """Under what the server hands a branch its events, from account to account."""
    return f"deliver.{code}"


def render(settings: ServerSettings, grants: Iterable[Grant], admitted: Sequence[Auditor] = ()) -> str:
    """The whole configuration, for the branches that were granted an account and the auditors who were admitted."""
    return f"""\
server_name: congdoan
listen: "127.0.0.1:{settings.port}"
http: "127.0.0.1:{settings.monitoring_port}"
leafnodes {{ listen: "127.0.0.1:{settings.leaf_port}" }}
max_payload: 1MB
jetstream {{
  store_dir: {_quoted(str(settings.store))}
  domain: {HUB_DOMAIN}
  # What was acknowledged survives a power cut; batches make up for the price.
  sync_interval: always
  # More than any disk: accounts have limits of their own, and the server sets aside what it promises to each.
  max_file_store: 1TB
  max_memory_store: 64MB
}}
{render_accounts(settings.token, settings.system_password, grants, admitted)}"""


def render_accounts(token: str, system_password: str, grants: Iterable[Grant], admitted: Sequence[Auditor] = ()) -> str:
    """Who is let in, and to what: the part of the configuration that is the same wherever the server runs."""
    granted = sorted(grants, key=lambda grant: grant.code)
    return f"""\
system_account: {SYSTEM}
accounts {{
  {SYSTEM} {{ users: [{{ user: {SYSTEM_USER}, password: {_quoted(system_password)} }}] }}
  {FEDERATION} {{
    jetstream: enabled
    users: [{{ user: {SERVICES_USER}, password: {_quoted(token)} }}]
    exports: {_list([*_federation_exports(granted), *_exports_for_auditors(admitted)])}
    imports: {_list(_federation_imports(granted))}
  }}
{"".join(_holding(grant) + _entrance(grant) for grant in granted)}{"".join(map(_auditing, admitted))}}}
"""


def _federation_exports(granted: Sequence[Grant]) -> list[str]:
    """What the services' account lets others reach: each what is its own, and nobody else."""
    own = [line for grant in granted for line in _exports_for(grant)]
    return own + _exports_for_all(granted) if granted else []


def _exports_for(grant: Grant) -> list[str]:
    streams = [(name, part) for name, part in sources_of(grant.code) if name != LEDGER]
    return [
        _export("stream", delivery_of(grant.code) + ".>", grant.account),
        _export("service", snapshot_of(grant.code), grant.entrance),
        *(_export("service", _create(name, part), grant.account) for name, part in streams),
    ]


def _exports_for_all(granted: Sequence[Grant]) -> list[str]:
    """The ledger's checkpoints are everybody's; and a receiver tells the server how fast it reads."""
    subjects = [_create(LEDGER, checkpoint_subject()), *(_pace(name) for name, _ in sources_of(granted[0].code))]
    return [_export("service", subject, *(grant.account for grant in granted)) for subject in subjects]


def _federation_imports(granted: Sequence[Grant]) -> list[str]:
    return [_import("service", grant.account, "$JS.API.>", to=api_of(grant.code) + ".>") for grant in granted]


def _holding(grant: Grant) -> str:
    """The account that holds the stream, which nobody enters.

    JetStream sends an answer wherever the asker wants it, with the rights of the server. Were this the account that the
    province enters, it could have an answer sent to where its stream is deleted.
    """
    limits = grant.limits
    return f"""\
  {_quoted(grant.account)} {{
    jetstream {{
      max_mem: 0, max_store: {limits.bytes}, max_streams: 1
      max_consumers: {limits.consumers}, max_ack_pending: {limits.acknowledgements}
    }}
    exports: {_list(_holding_exports(grant))}
    imports: {_list(_holding_imports(grant.code))}
  }}
"""


def _holding_exports(grant: Grant) -> list[str]:
    return [
        _export("service", "$JS.API.>", FEDERATION),
        *(_export("service", f"$JS.API.{asked}", grant.entrance) for asked in _ASKED),
        _export("service", f"$JS.API.{_NEXT}", grant.entrance, response="stream"),
        *(_export("service", subject, grant.entrance) for subject in _TOLD),
        _export("stream", f"{MIRROR}.>", grant.entrance),
    ]


def _holding_imports(code: str) -> list[str]:
    """What the server itself asks for, to fill the stream."""
    asked = [_create(name, part) for name, part in sources_of(code)]
    return [
        _import("stream", FEDERATION, delivery_of(code) + ".>"),
        *(_import("service", FEDERATION, subject, to=subject.replace("$JS.API", HUB_API, 1)) for subject in asked),
        *(_import("service", FEDERATION, _pace(name)) for name, _ in sources_of(code)),
    ]


def _entrance(grant: Grant) -> str:
    """The account that the province enters: it holds nothing, and nothing can be done in it that is not imported here."""
    limits = grant.limits
    return f"""\
  {_quoted(grant.entrance)} {{
    limits {{
      max_connections: {limits.connections}, max_leafnodes: {limits.leaf_nodes}
      max_subscriptions: {limits.subscriptions}, max_payload: {limits.payload}
    }}
    users: {_list(_users(grant))}
    imports: {_list(_entrance_imports(grant))}
  }}
"""


def _users(grant: Grant) -> list[str]:
    if not grant.key or grant.ending:
        return []
    may = f"publish: {_quoted_list(MAY_PUBLISH)}, subscribe: {_quoted_list(MAY_SUBSCRIBE)}"
    return [f"{{ nkey: {grant.key}, permissions {{ {may} }} }}"]


def _entrance_imports(grant: Grant) -> list[str]:
    return [
        *(_import("service", grant.account, f"$JS.API.{asked}", to=f"{API}.{asked}") for asked in (*_ASKED, _NEXT)),
        *(_import("service", grant.account, subject) for subject in _TOLD),
        _import("stream", grant.account, f"{MIRROR}.>"),
        _import("service", FEDERATION, snapshot_of(grant.code), to=SNAPSHOT),
    ]


def _exports_for_auditors(admitted: Sequence[Auditor]) -> list[str]:
    accounts = [auditor.account for auditor in admitted]
    asked = auditors.questions() if accounts else []
    return [_export("service", f"$JS.API.{question}", *accounts, response=how) for question, how in asked]


def _auditing(auditor: Auditor) -> str:
    """The account of an auditor, which holds nothing and may ask, and nothing else."""
    asked = {f"{auditors.API}.{question}": f"$JS.API.{question}" for question, _ in auditors.questions()}
    may = f"publish: {_quoted_list(asked)}, subscribe: {_quoted_list(['_INBOX.>'])}"
    return f"""\
  {_quoted(auditor.account)} {{
    limits {{
      max_connections: {auditors.MAX_CONNECTIONS}, max_leafnodes: 0
      max_subscriptions: {auditors.MAX_SUBSCRIPTIONS}, max_payload: {auditors.MAX_PAYLOAD}
    }}
    users: [{{ nkey: {auditor.key}, permissions {{ {may} }} }}]
    imports: {_list([_import("service", FEDERATION, there, to=here) for here, there in asked.items()])}
  }}
"""


def _create(stream: str, part: str) -> str:
    """Makes a consumer; the filter is part of the subject, and the server refuses a body that says another."""
    return f"$JS.API.CONSUMER.CREATE.{stream}.*.{part}"


def _pace(stream: str) -> str:
    return f"$JS.FC.{stream}.>"


def _export(kind: str, subject: str, *accounts: str, response: str = "") -> str:
    answers = f", response_type: {response}" if response else ""
    return f"{{ {kind}: {_quoted(subject)}{answers}, accounts: {_quoted_list(accounts)} }}"


def _import(kind: str, account: str, subject: str, to: str = "") -> str:
    here = f", to: {_quoted(to)}" if to else ""
    return f"{{ {kind}: {{ account: {_quoted(account)}, subject: {_quoted(subject)} }}{here} }}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _quoted_list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _list(lines: Sequence[str]) -> str:
    return "[\n      " + "\n      ".join(lines) + "\n    ]" if lines else "[]"
