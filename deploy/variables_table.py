"""Which variables does the operator set? A table in `docs/operator.md`, written from the settings themselves.

``python -m deploy.variables_table`` writes it anew; a test holds the guide against it.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from chassis.settings import Settings
from congdoan.services import SERVICES

GUIDE = Path(__file__).parents[1] / "docs" / "operator.md"
BEGIN, END = "<!-- variables: written by `make variables` -->", "<!-- end of variables -->"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, who reads it, what holds without, and what it means in the words of the settings."""

    name: str
    readers: tuple[str, ...]
    default: str
    meaning: str


def variables() -> list[Variable]:
    """Those of every service, then those of some."""
    found: dict[str, Variable] = {}
    for field, meaning in _meanings(Settings):
        found[field] = _variable(Settings, field, ("every service",), meaning)
    for service in SERVICES:
        own = import_module(f"{service}.settings").Settings
        for field, meaning in _meanings(own):
            readers = (*found[field].readers, service) if field in found else (service,)
            found[field] = _variable(own, field, readers, meaning)
    return list(found.values())


def table() -> str:
    """The table, in Markdown."""
    head = "| Variable | Read by | Without it | What it says |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(
        f"| `{each.name}` | {', '.join(each.readers)} | {each.default} | {each.meaning} |" for each in variables()
    )


def written_into(text: str) -> str:
    """A guide with the table as it is now.

    :raises ValueError: it has no place for the table.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the guide has no place for the table")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _variable(settings: Any, field: str, readers: tuple[str, ...], meaning: str) -> Variable:
    return Variable(f"CONGDOAN_{field.upper()}", readers, _default(settings.model_fields[field]), meaning)


def _default(field: Any) -> str:
    if field.default_factory:
        return f"`{field.default_factory()}`"
    if field.default is PydanticUndefined:
        return "does not start"
    return "–" if field.default in (None, "") else f"`{field.default}`"


def _meanings(settings: type) -> Iterator[tuple[str, str]]:
    """The fields that a class itself defines, each with the text that stands below it."""
    (defined,) = ast.parse(inspect.getsource(settings)).body
    assert isinstance(defined, ast.ClassDef)
    fields = [(position, line) for position, line in enumerate(defined.body) if isinstance(line, ast.AnnAssign)]
    for position, line in fields:
        assert isinstance(line.target, ast.Name)
        after = defined.body[position + 1] if position + 1 < len(defined.body) else None
        text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        yield line.target.id, " ".join(str(text).replace("``", "`").split()).replace("|", "\\|")


if __name__ == "__main__":
    GUIDE.write_text(written_into(GUIDE.read_text()))
