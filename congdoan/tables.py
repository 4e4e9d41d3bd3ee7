"""How do a summary, and what an operator asks, look in a terminal?"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from congdoan.summary import Figure, Summary, Value
from congdoan.texts import Language, figure_label, figure_order, say

if TYPE_CHECKING:  # what a trace is made of takes its time to import, and few commands tell one
    from congdoan.traces import Branch


def summary_table(summary: Summary, language: Language) -> Table:
    """The figures of a unit's year that say anything, in their order; a disagreement is red."""
    table = _table(
        [say(word, language) for word in ("figure", "value", "audited", "events")],
        title=escape(say("summary_title", language, name=summary.name, year=summary.year)),
        caption=say("summary_as_of", language, as_of=summary.as_of),
    )
    for name in sorted(summary.figures, key=figure_order):
        figure = summary.figures[name]
        if _says_something(figure):
            words = (
                figure_label(name, language),
                *(number(value, language) for value in (figure.value, figure.audited, figure.events)),
            )
            table.add_row(*words, style="" if figure.agreed else "bold red")
    if not table.row_count:
        table.add_row(Text(say("no_figures", language), style="dim"))
    return table


def listing(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()) -> Table:
    """A plain list; the columns in `numbers` stand to the right."""
    table = Table(box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row))
    return table


def services_table(services: Mapping[str, str], metrics: Mapping[str, str], language: Language) -> Table:
    """Where each service listens."""
    headings = [say(word, language) for word in ("service", "listens", "metrics")]
    return listing(headings, ((name, target, metrics[name]) for name, target in services.items()))


def trace_tree(trace: str, branches: "Sequence[Branch]") -> Tree:
    """What led to what: after the beginning of the trace, how long it took, where, and what."""
    root = Tree(f"[dim]{trace}[/]", guide_style="dim")
    began = min((branch.span.began for branch in branches), default=0)

    def grow(tree: Tree, branches: "Sequence[Branch]") -> None:
        for branch in branches:
            span, times = branch.span, f" [dim]× {branch.times}[/]" if branch.times > 1 else ""
            style = "bold red" if span.failed else "bold"
            since = f"[dim]+{(span.began - began) / 1e6:.1f} ms[/]"
            name = f"[cyan]{escape(span.service)}[/] [{style}]{escape(span.name)}[/]"
            grow(tree.add(f"{since} {name} {span.took / 1e6:.1f} ms{times}"), branch.led_to)

    grow(root, branches)
    return root


def _table(headings: Sequence[str], *, title: str, caption: str) -> Table:
    table = Table(
        title=title, caption=caption, box=box.ROUNDED, title_style="bold", title_justify="left", caption_justify="right"
    )
    table.add_column(headings[0], min_width=34)
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    return table


def _says_something(figure: Figure) -> bool:
    """A figure of nothing is left out of a table, unless the two tellers disagree; a program is given all of them."""
    return not figure.agreed or figure.value not in (None, 0)


def number(value: Value, language: Language) -> str:
    """4.512 and 117,78 in Vietnamese; 4,512 and 117.78 in English."""
    if value is None:
        return "–"
    text = f"{Decimal(value):,}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text
