"""What is a command, and what does it become? Data in, decided by its aggregate, events out.

A service declares its commands as pydantic classes beside the aggregate they act on, and lists each in its menu with
the decision that answers it (see :class:`Handler`). How a command is authorised, loaded, decided and saved is written
once, in :mod:`chassis.application`.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.claims import Claim
from chassis.events import Event
from chassis.refusals import Invalid, Problem
from chassis.security import NO_RIGHTS, Caller, Rights


class Command(BaseModel):
    """What a caller wants to happen.

    ``command_id`` is made by the client and makes repetition safe. ``expected_version`` is optional: when given, the
    command is refused with ``Conflict`` unless the aggregate still has that version; when left out, a command that met
    a newer version is decided again on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    command_id: UUID
    expected_version: int | None = None

    @property
    @abstractmethod
    def aggregate_id(self) -> UUID:
        """The aggregate it acts on."""


S = TypeVar("S")
C = TypeVar("C", bound=Command)
F = TypeVar("F")
C_contra = TypeVar("C_contra", bound=Command, contravariant=True)
F_co = TypeVar("F_co", covariant=True)


def no_claims(state: Any, event: Event) -> Iterable[Claim]:
    """Most events claim nothing."""
    return ()


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """How one kind of aggregate is rebuilt from its events.

    ``evolve`` is pure: (state or None, event) → state. ``unit`` names the unit whose officers may act on it. ``claims``
    says, of an event about to happen to a state, what it takes or gives back across aggregates. ``begins`` are the events
    with which a history of this kind begins: one that begins otherwise is something else that has the same id.
    """

    name: str
    evolve: Callable[[S | None, Event], S]
    unit: Callable[[S], str]
    claims: Callable[[S | None, Event], Iterable[Claim]] = no_claims
    begins: tuple[type[Event], ...] = field(kw_only=True)

    def begins_with(self, topic: str) -> bool:
        """Whether a history of this kind begins with such an event."""
        return any(event.topic == topic for event in self.begins)


class Facts(Protocol[C_contra, F_co]):
    """What a decision must know besides its aggregate, asked once for a whole batch."""

    def __call__(self, commands: Sequence[C_contra], caller: Caller) -> Awaitable[F_co]:
        """:raises Unavailable: it cannot be known just now."""


@dataclass(frozen=True)
class Handler(Generic[S, C, F]):
    """One line of a service's menu: a command, its aggregate, the decision, and what the decision must know.

    ``decide`` is pure: (state or None, command, facts) → events, or raises a refusal. ``at`` names the unit at which the
    caller needs the right, where that is not the aggregate's own unit (the new unit accepts a transfer). ``creates``
    says that the aggregate is expected not to exist yet: it is not looked for, and the append finds out when it does.
    ``sees_places`` says that the decision stands on the places of all units, none of which may have changed meanwhile.
    """

    command: type[C]
    aggregate: Aggregate[S]
    decide: Callable[[S | None, C, F], Sequence[Event]]
    facts: Facts[C, F]
    at: Callable[[S | None, C, F], str] | None = None
    creates: bool = False
    sees_places: bool = False


@dataclass(slots=True)
class Shown:
    """What the answer to a call must show: positions by follower; and whether the service's own database alone is asked."""

    positions: dict[str, int] = field(default_factory=dict)
    by_own: bool = False

    def need(self, follower: str, position: int) -> None:
        """A position was waited for."""
        self.positions[follower] = max(position, self.positions.get(follower, 0))


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it travels through a service: who, with which rights, in which chain of causes, until when.

    ``rights`` is what questions must ask before they answer; what a service does by itself has none.
    ``correlation_id`` is the first command of the chain (the command's own id when empty); ``causation_id`` the event
    (``membership/12``) or command that led to it; ``traceparent`` the W3C trace context.
    """

    caller: Caller
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""
    deadline_s: float = field(default=30.0)
    rights: Rights = field(default=NO_RIGHTS, repr=False, compare=False)
    shown: Shown = field(default_factory=Shown, repr=False, compare=False)


call_being_answered: ContextVar[Call | None] = ContextVar("call_being_answered", default=None)
"""In whose course whatever is done now is done; None for what a service does by itself."""


def parse(cls: type[C], fields: dict[str, Any]) -> C:
    """A command from the fields of a message.

    :raises Invalid: every field that breaks a rule, by name, in both languages; no value is repeated.
    """
    try:
        return cls.model_validate(fields)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    """The refusal that names each field pydantic found wrong, without its value."""
    return Invalid(*(_problem(details) for details in error.errors(include_input=False, include_url=False)))


def _problem(details: Any) -> Problem:
    name = ".".join(str(part) for part in details["loc"]) or "request"
    context = {key: value for key, value in details.get("ctx", {}).items() if key != "error"}
    vi = _VIETNAMESE.get(details["type"], "giá trị không hợp lệ").format(**context)
    en = _ENGLISH.get(details["type"], "not a valid value").format(**context)
    if details["type"] == "value_error" and isinstance(error := details.get("ctx", {}).get("error"), FieldRule):
        vi, en = error.vi, error.en
    return Problem(name, vi, en)


class FieldRule(ValueError):
    """Raised by a field's validator: the rule it breaks, in both languages, without the value."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi, self.en = vi, en


_VIETNAMESE = {
    "missing": "còn thiếu",
    "extra_forbidden": "không có trường này",
    "uuid_parsing": "phải là một UUID",
    "date_from_datetime_parsing": "phải là ngày dạng YYYY-MM-DD",
    "date_parsing": "phải là ngày dạng YYYY-MM-DD",
    "datetime_from_date_parsing": "phải là thời điểm dạng RFC 3339",
    "datetime_parsing": "phải là thời điểm dạng RFC 3339",
    "string_too_long": "dài quá {max_length} ký tự",
    "string_too_short": "phải có ít nhất {min_length} ký tự",
    "string_pattern_mismatch": "không đúng dạng quy định",
    "greater_than": "phải lớn hơn {gt}",
    "greater_than_equal": "không được nhỏ hơn {ge}",
    "less_than": "phải nhỏ hơn {lt}",
    "less_than_equal": "không được lớn hơn {le}",
    "int_parsing": "phải là số nguyên",
    "int_type": "phải là số nguyên",
    "int_from_float": "phải là số nguyên",
    "enum": "phải là một trong: {expected}",
    "literal_error": "phải là một trong: {expected}",
    "too_short": "cần ít nhất {min_length} mục",
    "too_long": "nhiều nhất {max_length} mục",
}
_ENGLISH = {
    "missing": "is missing",
    "extra_forbidden": "is no field of this request",
    "uuid_parsing": "must be a UUID",
    "date_from_datetime_parsing": "must be a day, YYYY-MM-DD",
    "date_parsing": "must be a day, YYYY-MM-DD",
    "datetime_from_date_parsing": "must be a time, RFC 3339",
    "datetime_parsing": "must be a time, RFC 3339",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "needs at least {min_length} characters",
    "string_pattern_mismatch": "does not have the required form",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must not be less than {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must not be greater than {le}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "enum": "must be one of: {expected}",
    "literal_error": "must be one of: {expected}",
    "too_short": "needs at least {min_length} items",
    "too_long": "takes at most {max_length} items",
}
