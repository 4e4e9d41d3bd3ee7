"""What can be typed after `congdoan`? The commands stand in :mod:`congdoan.commands`, their exit codes in its `asking`."""

import os
import sys

import typer

from congdoan import help_texts
from congdoan.commands import (
    audit,
    families,
    following,
    ledger,
    officers,
    operating,
    personal_data,
    provinces,
    read_models,
    suite,
    traces,
)

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="congdoan")
app.command()(suite.up)
app.command()(suite.serve)

GROUPS = {
    "report": suite.report,
    "token": suite.token,
    "officers": officers.officers,
    "members": families.members,
    "consents": families.consents,
    "children": families.children,
    "datarequests": personal_data.datarequests,
    "holds": personal_data.holds,
    "erasure": personal_data.erasure,
    "readmodels": read_models.readmodels,
    "deadletters": operating.deadletters,
    "events": following.events,
    "keys": suite.keys,
    "ledger": ledger.ledger,
    "audit": audit.audit,
    "provinces": provinces.provinces,
    "traces": traces.traces,
}
for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)


def main() -> None:
    """The program `congdoan`."""
    command = typer.main.get_command(app)
    help_texts.translate(command, help_texts.language_of(sys.argv[1:], os.environ))
    command(prog_name="congdoan")
