"""By which cut is something asked? By its name, its line, or a time; by everything heard so far when nothing is said."""

from typing import TYPE_CHECKING, Annotated

import typer

from congdoan.commands.asking import MISUSED, Lang, fail
from congdoan.texts import say

if TYPE_CHECKING:
    from congdoan.auditing.as_of import Choice

CutOption = Annotated[str, typer.Option("--cut")]
RecordedByOption = Annotated[str, typer.Option("--recorded-by")]


def chosen(cut: str, recorded_by: str, lang: Lang) -> "Choice":
    """The cut that is meant; one of both may be said."""
    from congdoan.auditing.as_of import NoMoment, choice_of

    if cut and recorded_by:
        fail(MISUSED, say("one_cut", lang.value))
    try:
        return choice_of(cut, recorded_by)
    except NoMoment:
        fail(MISUSED, say("no_moment", lang.value))
