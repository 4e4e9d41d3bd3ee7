"""Can every command line that our documents name be typed? Those of a shell session are parsed whole, as the program does."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from congdoan.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
COMMAND: Any = typer.main.get_command(app)
USAGE_ERROR: Any = typer.BadParameter.__base__
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
PROGRAM = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?congdoan (.+)$")


def named_in(text: str) -> Iterator[str]:
    """What is said to follow `congdoan`, in blocks and inside of sentences; a line that goes on is one."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if found := PROGRAM.match(line.strip()):
                yield found[1]
    for span in SPAN.findall(BLOCK.sub("", text)):
        if found := PROGRAM.match(span):
            yield found[1]


def typed_in(text: str) -> Iterator[list[str]]:
    """The command lines of shell sessions, word by word; what is piped or redirected ends one."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ ") and (found := PROGRAM.match(line)):
                yield shlex.split(re.split(r" [|>&] ?", found[1])[0])


def unknown(words: str) -> str:
    """The first word that is neither a command where it stands nor an option of one; empty when there is none."""
    command = COMMAND
    for word in re.sub(r"[\[\]|]", " ", words).split():
        if word.startswith("--"):
            option = word.partition("=")[0]
            if option != "--help" and not any(option in (*one.opts, *one.secondary_opts) for one in command.params):
                return word
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return word if word.islower() else ""
            command = command.commands[word]
    return ""


def parse(words: list[str]) -> None:
    """As the program does before it begins.

    :raises typer.BadParameter, and its kin: it cannot be typed so.
    """
    command, context = COMMAND, COMMAND.make_context("congdoan", list(words))
    while hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, found, after = command.resolve_command(context, rest)
        command, context = found, found.make_context(name, after, parent=context)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_command_line_of_a_document_can_be_typed(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = document.read_text()
    assert {words: word for words in named_in(text) if (word := unknown(words))} == {}
    monkeypatch.chdir(tmp_path)
    for words in typed_in(text):
        for credentials in (word for word in words if word.endswith(".nk")):  # whoever reads the line has been given it
            (tmp_path / credentials).touch()
        parse(words)


def test_the_guide_of_personal_data_shows_its_commands() -> None:
    typed = list(typed_in((REPOSITORY / "docs/personal-data.md").read_text()))
    groups = {words[0] for words in typed}
    assert groups >= {"consents", "datarequests", "holds", "erasure", "members", "keys"}


def test_the_guide_of_the_auditor_names_every_command_of_an_auditor() -> None:
    named = {tuple(words.split()[:2]) for words in named_in((REPOSITORY / "docs/auditor.md").read_text())}
    assert named >= {("audit", name) for name in COMMAND.commands["audit"].commands}


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ("up --empty --data DIR", ""),
        ("report summary --unit CODE --year Y [--as-of DATE]", ""),
        ("reports summary", "reports"),
        ("report summery --unit CODE", "summery"),
        ("up --emtpy", "--emtpy"),
    ],
)
def test_what_does_not_exist_is_noticed(words: str, word: str) -> None:
    assert unknown(words) == word
    found = list(named_in(f"Type `congdoan {words}`, or\n```console\n$ congdoan \\\n  {words}\n```\n"))
    assert [line.split() for line in found] == [words.split()] * 2


@pytest.mark.parametrize("words", ["report summary --unit x", "keys rotate now", "token issue --role x --minutes never"])
def test_what_cannot_be_parsed_is_noticed(words: str) -> None:
    ((*typed,),) = typed_in(f"```console\n$ congdoan {words} | head\n```\n")
    with pytest.raises(USAGE_ERROR):
        parse(typed)
