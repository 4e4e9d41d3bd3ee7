"""How is a refusal told over gRPC, and read back on the other side?

A status code, a sentence in English for developers, and google.rpc details: ErrorInfo (the rule and its facts),
BadRequest (each field), LocalizedMessage (the sentence in the caller's language), RetryInfo where repeating helps.
"""

from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from chassis.refusals import Conflict, Invalid, Language, Overloaded, Problem, Refusal, Unavailable

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "congdoan"
MAX_DETAILS_BYTES = 4_500
"""A client takes 8 KiB of metadata unless it says otherwise; base64 adds a third, and the status message stands beside."""

MAX_SENTENCE = 400
PUSHBACK_KEY = "grpc-retry-pushback-ms"
RETRY_AFTER_S = {Unavailable: 0.2, Conflict: 0.0}

Trailers = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal as it goes over the wire."""

    code: StatusCode
    message: str
    trailers: Trailers


def told(refusal: Refusal, language: Language) -> Told:
    """A refusal for a caller of some language."""
    if isinstance(refusal, Overloaded):
        # Refusing must cost next to nothing exactly when there is too much to do.
        return _overloaded(refusal.retry_after_s, language)
    return _told(refusal, language)


@lru_cache(maxsize=64)
def _overloaded(retry_after_s: float, language: Language) -> Told:
    plain = _told(Overloaded(retry_after_s=retry_after_s), language)
    # The channel's own retries wait this long too (gRFC A6).
    return Told(plain.code, plain.message, (*plain.trailers, (PUSHBACK_KEY, str(round(retry_after_s * 1_000)))))


def _told(refusal: Refusal, language: Language) -> Told:
    message = _cut(f"{refusal.rule}: {refusal.sentence('en')}")
    status = Status(code=refusal.status.value, message=message)
    facts = {key: str(value) for key, value in refusal.facts.items() if not key.startswith("problem_")}
    _add(status, ErrorInfo(reason=refusal.rule, domain=DOMAIN, metadata=facts))
    _add(status, LocalizedMessage(locale=language, message=_cut(refusal.sentence(language))))
    if (retry_after_s := retry_after(refusal)) is not None:
        _add(status, RetryInfo(retry_delay=Duration(nanos=0) if not retry_after_s else _duration(retry_after_s)))
    problems = refusal.problems if isinstance(refusal, Invalid) else _problem_of(refusal)
    if problems:
        _add_fields(status, [(problem.field, problem.vi if language == "vi" else problem.en) for problem in problems])
    return Told(StatusCode[refusal.status.name], message, ((DETAILS_KEY, status.SerializeToString()),))


def retry_after(refusal: Refusal) -> float | None:
    """Seconds after which repeating may help, or None when it does not."""
    if isinstance(refusal, Overloaded):
        return refusal.retry_after_s
    return next((seconds for kind, seconds in RETRY_AFTER_S.items() if isinstance(refusal, kind)), None)


def _problem_of(refusal: Refusal) -> tuple[Problem, ...]:
    return (Problem(refusal.field, refusal.sentence("vi"), refusal.sentence("en")),) if refusal.field else ()


def _add(status: Status, detail: ErrorInfo | LocalizedMessage | RetryInfo | BadRequest) -> None:
    packed = AnyMessage()
    packed.Pack(detail)
    status.details.append(packed)


def _add_fields(status: Status, problems: list[tuple[str, str]]) -> None:
    """Name as many fields as a client's metadata takes; whoever mends those is told the rest."""
    room = MAX_DETAILS_BYTES - status.ByteSize()
    bad = BadRequest()
    for field, description in problems:
        bad.field_violations.add(field=_cut(field), description=_cut(description))
        if bad.ByteSize() > room:
            del bad.field_violations[-1]
            break
    _add(status, bad)


def _duration(seconds: float) -> Duration:
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SENTENCE else text[: MAX_SENTENCE - 1] + "…"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the details of a status say: the rule, its facts, each field with its sentence, when to repeat."""

    rule: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    sentence: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    retry_after_s: float | None = None


def heard(data: bytes) -> Heard:
    """Read the details of a status; whatever is missing or not understood is left empty."""
    try:
        status = Status.FromString(data)
    except DecodeError:
        return Heard()
    info, localized, retry, bad = ErrorInfo(), LocalizedMessage(), RetryInfo(), BadRequest()
    given = {type(part) for part in (info, localized, retry, bad) for detail in status.details if detail.Unpack(part)}
    delay = retry.retry_delay
    return Heard(
        rule=info.reason,
        facts=tuple(sorted(info.metadata.items())),
        sentence=localized.message or status.message,
        fields=tuple((violation.field, violation.description) for violation in bad.field_violations),
        retry_after_s=delay.seconds + delay.nanos / 1e9 if RetryInfo in given else None,
    )
