"""Where did it go wrong, told without a single value?

The text of an exception may hold what a caller sent — a validation error its input, a database error the row — and a
log is read by many. So a stack is written as the types of its exceptions and the places they passed.
"""

import traceback
from pathlib import Path

MAX_FRAMES = 25


def stack_of(error: BaseException) -> list[str]:
    """The exception's type and frames, innermost last, then those of its cause; no argument and no local of any."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(f"{type(current).__module__}.{type(current).__qualname__}".removeprefix("builtins."))
        lines.extend(_frames(current))
        if isinstance(current, BaseExceptionGroup):
            for inner in current.exceptions:
                lines.extend(f"| {line}" for line in stack_of(inner))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if current is not None and id(current) not in seen:
            lines.append("caused by:")
    return lines


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return [f"  {'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} in {frame.name}" for frame in frames]
