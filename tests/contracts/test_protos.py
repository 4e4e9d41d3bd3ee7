"""Does the contract keep its own rules, and everything that callers already have?"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from federation.contract.v1 import contract_pb2

ROOT = Path(__file__).parents[2]
STUBS = ROOT / "proto/stubs"
SOURCES = sorted(path.relative_to(ROOT / "proto") for path in (ROOT / "proto/federation").glob("**/*.proto"))


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "proto/generate.py", *arguments], capture_output=True, text=True, check=False)


def services() -> Iterator[ServiceDescriptor]:
    for source in SOURCES:
        module = import_module(str(source.with_suffix("")).replace("/", ".") + "_pb2")
        yield from module.DESCRIPTOR.services_by_name.values()


SERVICES = list(services())
METHODS = [method for service in SERVICES for method in service.methods]


def test_the_contract_is_lint_clean_formatted_and_breaks_nothing_released() -> None:
    done = generate("check")

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_stubs_are_those_of_the_proto_files(tmp_path: Path) -> None:
    done = generate("stubs", str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert contents(tmp_path) == contents(STUBS), "run: python proto/generate.py stubs"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("int64 head = 2;", ""), 'Previously present field "2" with name "head"'),
        (("int64 head = 2;", "int32 head = 2;"), "changed type"),
        (("  optional int64 lag = 6;", "  optional int64 behind = 6;"), "changed name"),
        (
            ("rpc AwaitPosition(AwaitPositionRequest)", "rpc AwaitHead(AwaitPositionRequest)"),
            'Previously present RPC "AwaitPosition"',
        ),
    ],
)
def test_a_change_that_breaks_a_caller_is_found(change: tuple[str, str], complaint: str, tmp_path: Path) -> None:
    copy = tmp_path / "proto"
    shutil.copytree(ROOT / "proto", copy, ignore=shutil.ignore_patterns("stubs"))
    broken = copy / "federation/operations/v1/operations.proto"
    before = broken.read_text()
    broken.write_text(before.replace(*change))
    assert broken.read_text() != before

    done = subprocess.run([sys.executable, copy / "generate.py", "check"], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert complaint in done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_method_states_the_role_it_needs(method: MethodDescriptor) -> None:
    assert method.GetOptions().Extensions[contract_pb2.needs] != contract_pb2.ROLE_UNSPECIFIED


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.full_name)
def test_every_command_has_its_batch_form(service: ServiceDescriptor) -> None:
    answer, batch_answer = contract_pb2.CommandAnswer.DESCRIPTOR, contract_pb2.BatchAnswer.DESCRIPTOR
    commands = {method.name: method for method in service.methods if method.output_type is answer}
    batches = {method.name: method for method in service.methods if method.output_type is batch_answer}

    assert set(batches) == {f"Batch{name}" for name in commands}
    for name, command in commands.items():
        batch = batches[f"Batch{name}"]
        items = batch.input_type.fields_by_name["items"]
        assert (items.number, items.is_repeated, items.message_type) == (1, True, command.input_type)
        assert len(batch.input_type.fields) == 1, f"{batch.full_name} carries its items and nothing else"
        needs = [method.GetOptions().Extensions[contract_pb2.needs] for method in (command, batch)]
        assert needs[0] == needs[1], f"{name} needs the same role alone and in a batch"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.full_name)
def test_every_command_carries_its_id(service: ServiceDescriptor) -> None:
    for method in service.methods:
        if method.output_type is contract_pb2.CommandAnswer.DESCRIPTOR:
            field = method.input_type.fields_by_name.get("command_id")
            assert field is not None, f"{method.input_type.full_name} has no command_id"
            assert field.type == field.TYPE_STRING, field.full_name


NOT_CALLED_YET = {"CheckConsents", "RequestNotification"}
"""What is open to services before the first of them asks: the gates of later processes."""


@cache
def callers() -> dict[str, set[str]]:
    """The services that call an RPC of another, by its name: as their code says it, by a client or an acknowledgement.

    What the chassis calls, each of them calls.
    """
    found: dict[str, set[str]] = {}
    services = ROOT / "services"
    for file in (*services.glob("*/clients.py"), *services.glob("*/wiring.py"), *services.glob("chassis/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLING:
                names = {str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)}
                for name in names & {method.name for method in METHODS}:
                    found.setdefault(name, set()).update(RUNNING if "chassis" in file.parts else {file.parent.name})
    return found


CALLING = ("ask", "call", "position", "acknowledge")
RUNNING = {"membership", "welfare", "awards", "notifications", "audit"}


def test_the_calls_between_services_are_found() -> None:
    assert callers()["GetTreePosition"] == {"welfare", "awards", "notifications", "audit"}
    assert callers()["ListLog"] == RUNNING
    assert "welfare" in callers()["AcknowledgeErasure"]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_an_rpc_is_open_to_exactly_the_services_that_call_it(method: MethodDescriptor) -> None:
    stated = list(method.GetOptions().Extensions[contract_pb2.services])
    assert len(stated) == len(set(stated))
    calling = callers().get(method.name.removeprefix("Batch"), set())
    if method.name.removeprefix("Batch") in NOT_CALLED_YET:
        assert stated
        assert not calling, "it is called now: take it off the list"
    else:
        assert set(stated) == calling


@pytest.mark.parametrize("package", ["welfare", "awards", "notifications", "audit", "operations"])
def test_only_membership_takes_or_tells_anything_personal(package: str) -> None:
    for source in (source for source in SOURCES if source.parts[1] == package):
        module = import_module(str(source.with_suffix("")).replace("/", ".") + "_pb2")
        for message in module.DESCRIPTOR.message_types_by_name.values():
            assert not [field.name for field in message.fields if field.GetOptions().Extensions[contract_pb2.personal]]
