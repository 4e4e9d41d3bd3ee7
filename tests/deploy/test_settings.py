"""Do the settings accept what the manifests tell, and does the operator's guide say every variable as it is?

That each variable is supplied and none is unread is a property of every overlay (:mod:`tests.deploy.variables`).
"""

from pathlib import Path
from typing import Any

import pytest

from deploy.variables_table import BEGIN, END, table, variables
from tests.deploy.rendered import SERVICES, Rendered, rendered
from tests.deploy.variables import LEFT_OUT, PREFIX, READ_BY_OTHERS, read_by, settings_of
from tests.identities import identity_in
from tests.serving import ledger_key_file, wrapping_key_file

GUIDE = Path(__file__).parents[2] / "docs" / "operator.md"
SECRETS = {
    "CONGDOAN_INSTANCE": "membership-7d9f8b6c5-x2v4q",
    "CONGDOAN_DATABASE_URL": "postgresql://app:secret@membership-db-rw.congdoan:5432/app",
    "CONGDOAN_READ_DATABASE_URL": "postgresql://app:secret@membership-db-ro.congdoan:5432/app",
    "CONGDOAN_KEYS_DATABASE_URL": "postgresql://app:secret@membership-keys-db-rw.congdoan:5432/app",
    "CONGDOAN_NATS_URL": "tls://services:secret@nats:4222?authority=/run/tls/ca.crt",
    "CONGDOAN_SMTP_URL": "smtp+starttls://congdoan:secret@relay.mail:587",
}
"""What comes from outside of the manifests."""


def told(manifests: Rendered, service: str, folder: Path) -> dict[str, str]:
    """The environment of a service's container; the files that it names are there."""
    identity = identity_in(folder, service)
    (folder / "secret").write_text("ab" * 32)
    files = {
        "/run/tls/tls.crt": identity.certificate, "/run/tls/tls.key": identity.key, "/run/tls/ca.crt": identity.authority,
        "/run/secret/key": folder / "secret", "/run/wrapping/keys": wrapping_key_file(), "/run/ledger/key": ledger_key_file(),
    }  # fmt: skip
    environment = manifests.environment(manifests.pod("Deployment", service).spec["containers"][0])
    texts = {name: value if isinstance(value, str) else SECRETS[name] for name, value in environment.items()}
    return {name: str(files.get(text, text)) for name, text in texts.items()}


def understood(service: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a service makes of its environment, and of nothing else."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return settings_of(service)()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("overlay", ["dev", "national"])
def test_what_is_told_is_understood(overlay: str, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = understood(service, told(rendered(overlay), service, tmp_path), monkeypatch)
    assert settings.stream_replicas == 3
    assert settings.identity().read().service == service
    assert settings.instance == SECRETS["CONGDOAN_INSTANCE"]
    assert settings.drain_s == 12


@pytest.mark.parametrize("service", SERVICES)
def test_what_must_be_told_is_told(service: str) -> None:
    """A variable without which a service does not start is never left out."""
    needed = {name for name, must in read_by(service).items() if must}
    assert needed >= {"CONGDOAN_DATABASE_URL", "CONGDOAN_NATS_URL", "CONGDOAN_TLS_KEY_FILE", "CONGDOAN_TOKEN_ISSUER"}
    manifests = rendered("dev")
    for pod in (manifests.pod("Deployment", service), manifests.pod("Job", f"{service}-prepare")):
        for container in pod.containers:
            assert needed <= manifests.environment(container).keys()


def test_no_exception_is_idle() -> None:
    everything = {name for service in SERVICES for name in read_by(service)}
    assert LEFT_OUT.keys() <= everything
    assert READ_BY_OTHERS.keys() & everything == set()
    assert all(name.startswith(PREFIX) for name in everything)


def test_the_guide_has_the_table_of_all_variables() -> None:
    """``make variables`` writes it anew."""
    text = GUIDE.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == table().strip()
    assert {variable.name for variable in variables()} == {name for service in SERVICES for name in read_by(service)}
