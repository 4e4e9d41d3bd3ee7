"""Which variables does every service read? Each is typed, named with its unit, and asked for before anything starts."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.identities import Identity
from chassis.rpc import MAX_ITEMS

MIN_SECRET_BYTES = 32


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError("must be host:port")
    return text


Address = Annotated[str, AfterValidator(_address)]
"""``127.0.0.1:50051``; port 0 takes a free one."""


class Settings(BaseSettings):
    """What a service is told by its environment, each variable with ``CONGDOAN_`` before its name.

    A service adds its own by subclassing.
    """

    model_config = SettingsConfigDict(env_prefix="CONGDOAN_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(repr=False)
    """Of the service's own database; holds its password."""
    read_database_url: str | None = Field(default=None, repr=False)
    """Of read replicas of it, which answer questions as far as they show what they must; the own database does when left out."""
    nats_url: str = Field(repr=False)
    """`tls://user:password@host:4222?authority=FILE` of the services' account, `nats://` without TLS; holds its password."""
    listen: Address = "127.0.0.1:0"
    """Where users call: TLS, and a token."""
    service_listen: Address = "127.0.0.1:0"
    """Where services call: TLS, and a certificate of their own."""
    health_listen: Address = "127.0.0.1:0"
    """Where probes ask, without TLS; nothing else is answered there."""
    tls_certificate_file: Path
    """The service's certificate, with its chain, in PEM; a renewed one is taken without a restart, as the next two are."""
    tls_key_file: Path
    """Its key: ECDSA P-256 or RSA."""
    tls_authority_file: Path
    """The certificates whose holders are trusted to be services."""
    metrics_listen: Address = "127.0.0.1:0"
    """Where ``/metrics`` is answered."""
    secret: SecretStr | None = None
    """Key of the keyed hashes, hexadecimal, at least 32 bytes; or `secret_file`, a file that holds it."""
    secret_file: Path | None = None
    """The file of that key; one of the two is needed."""
    token_issuer: str = Field(min_length=1)
    """Whose tokens are accepted, as their ``iss`` says it."""
    token_audience: str = Field(default="congdoan", min_length=1)
    """What tokens must be meant for, their ``aud``."""
    token_keys: str = Field(min_length=1)
    """Where the issuer's JSON Web Key Set is: path of a file, or an http(s) address."""
    province_keys: Path | None = None
    """The keys of the provinces' systems, a JSON Web Key Set in which each has its `unit`; nobody's when left out."""
    calls_per_second_per_caller: float = Field(default=5_000, gt=0)
    """What comes back to a caller's allowance each second; an item of a batch counts as a call. Services have no limit."""
    burst_per_caller: float = Field(default=20_000, gt=MAX_ITEMS)
    """What a caller may ask for at once after some silence; more than the largest batch, which would never be let in."""
    calls_at_once_per_caller: int = Field(default=128, ge=1)
    """Calls of one caller that may be under way together."""
    otlp_endpoint: str | None = None
    """Where traces go (``http://collector:4317``); nothing is traced when left out."""
    drain_s: float = Field(default=8.0, gt=0, le=300)
    """How long calls under way may take to end once the service is told to stop."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """From which level on lines are written, as JSON, to standard error."""
    stream_replicas: int = Field(default=1, ge=1, le=5)
    """Copies of each stream; 3 where NATS runs threefold."""
    audit_target: str = ""
    """Where audit answers, which is asked whether the store is still what was sealed before a stream is filled from it."""
    reconcile_events_per_s: int = Field(default=200, ge=1, le=100_000)
    """How much of the history is compared with its stream in a second, over and over; of what is new, no more than that."""
    instance: str = Field(default="", max_length=100)
    """Names this process where several of the service run at once, the pod on Kubernetes: so it is told which one leads."""

    @model_validator(mode="after")
    def _one_secret(self) -> "Settings":
        if (self.secret is None) == (self.secret_file is None):
            raise ValueError("give either CONGDOAN_SECRET or CONGDOAN_SECRET_FILE")
        self.secret_bytes()
        return self

    def secret_bytes(self) -> bytes:
        """The key of the keyed hashes.

        :raises ValueError: it is not hexadecimal, or shorter than 32 bytes; the key itself is not told.
        """
        try:
            text = self.secret.get_secret_value() if self.secret else Path(str(self.secret_file)).read_text().strip()
            key = bytes.fromhex(text)
        except (ValueError, OSError):
            raise ValueError("the secret cannot be read as hexadecimal") from None
        if len(key) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret must have at least {MIN_SECRET_BYTES} bytes")
        return key

    def identity(self) -> Identity:
        """By what the service shows which it is, to those it calls and those who call it."""
        return Identity(self.tls_certificate_file, self.tls_key_file, self.tls_authority_file)


def complaints(error: Exception) -> list[str]:
    """What is wrong with the environment, variable by variable, without any value, from pydantic's ValidationError."""
    problems = error.errors(include_input=False, include_url=False) if hasattr(error, "errors") else []
    return [
        f"{'.'.join(f'CONGDOAN_{part}'.upper() for part in problem['loc']) or 'environment'}: {problem['msg']}"
        for problem in problems
    ]
