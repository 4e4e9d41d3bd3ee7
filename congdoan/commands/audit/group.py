"""What do the commands of an auditor stand in? One group; each module of this folder puts its own on it."""

import typer

audit = typer.Typer(no_args_is_help=True)
