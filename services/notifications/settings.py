"""Which variables does notifications read?"""

from pydantic import Field, SecretStr, model_validator

from chassis.settings import Settings as OfEveryService


class Settings(OfEveryService):
    """Those of every service, where membership answers, and how mails leave."""

    membership_target: str
    """The address of membership, as gRPC names it: ``dns:///membership:50051``."""
    smtp_url: SecretStr | None = None
    """``smtp://``, ``smtp+starttls://`` or ``smtps://``; mails wait as long as it is left out."""
    mail_from: str | None = None
    """The address mails come from; needed with `smtp_url`."""
    mails_at_once: int = Field(default=8, ge=1, le=100)
    """How many mails may be on their way side by side."""
    first_retry_s: float = Field(default=60.0, gt=0, le=86_400)
    """How long a mail waits after its first failure; after each further one twice as long as before."""
    sending_lease_s: float = Field(default=120.0, ge=90, le=3_600)
    """After how long an attempt that nobody heard of again may be repeated."""

    @model_validator(mode="after")
    def _mails_come_from_somewhere(self) -> "Settings":
        if self.smtp_url and not self.mail_from:
            raise ValueError("CONGDOAN_MAIL_FROM is needed with CONGDOAN_SMTP_URL")
        return self
