"""What does a process say about itself while it runs, and what never?

JSON lines, one an event, from structlog and from the standard library alike. A log is read by many and kept long, so
nothing personal may reach it: an exception is written as its types and places (see :mod:`chassis.stacks`); of a line by
a library that is not ours only its form is written, not the values that were put into it.
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePath
from typing import Any, BinaryIO
from uuid import UUID

import orjson
import structlog

from chassis.stacks import stack_of

Line = MutableMapping[str, Any]
Processor = Callable[[Any, str, Line], Line]

traceparent_of_call: ContextVar[str] = ContextVar("traceparent_of_call", default="")
"""The trace that the present task belongs to; set where a call or an event comes in."""

PLAIN_SPOKEN = frozenset({"psycopg.pool"})
"""Libraries whose values are addresses and states of connections, never data of ours."""

LIBRARY_LEVEL = logging.WARNING


def set_up_logs(service: str, level: str = "INFO", file: BinaryIO | None = None) -> None:
    """Write the logs of this process as JSON lines, to standard error unless a file is given."""
    file = file or sys.stderr.buffer
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _service(service),
            _trace,
            _stack,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(file),
        # Loggers live in modules and outlast a configuration.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Routed()]
    root.setLevel(max(number, LIBRARY_LEVEL))
    logging.captureWarnings(True)


class _Routed(logging.Handler):
    """Passes the lines of the standard library on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        error = record.exc_info[1] if record.exc_info else None
        more = {"raised": stack_of(error)} if error else {}
        log.log(record.levelno, _form(record), logger=record.name, **more)


def _form(record: logging.LogRecord) -> str:
    """What a library says: whole from one that is known, else the first line before its values are put in."""
    if record.name in PLAIN_SPOKEN:
        return record.getMessage()
    return str(record.msg).partition("\n")[0][:200]


def _service(service: str) -> Processor:
    def add(logger: Any, method: str, line: Line) -> Line:
        line["service"] = service
        return line

    return add


def _trace(logger: Any, method: str, line: Line) -> Line:
    if traceparent := traceparent_of_call.get():
        line["trace_id"] = traceparent[3:35]
    return line


def _stack(logger: Any, method: str, line: Line) -> Line:
    told = line.pop("exc_info", None)
    if told:
        error = told if isinstance(told, BaseException) else told[1] if isinstance(told, tuple) else sys.exc_info()[1]
        if error:
            line["raised"] = stack_of(error)
    return line


def _json(line: Line, **options: Any) -> bytes:
    return orjson.dumps(line, default=_plain)


def _plain(value: Any) -> str:
    """Values that mean something as text; of anything else its type, for its text may hold anything."""
    return str(value) if isinstance(value, UUID | date | datetime | Decimal | PurePath) else type(value).__name__
