"""What would the next release be? Today's sources with a few changes, each of a kind that releases bring.

`made` copies the sources and changes the copy: a further step of the schema; `HardshipRecorded` at its next schema version, with
an upcaster; a new command with a new event, which forbids what was allowed before; a read model at its next version. A process
that has the copy before the checkout on its path is tomorrow's.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).parents[3]
STEP = "0999_tomorrow.sql"


@dataclass(frozen=True)
class Change:
    """Something said instead of, or after, what stands in a file; it must stand there once. No `old`: at the end."""

    file: str
    old: str
    new: str


SUSPENDED = '''

class MemberSuspended(Event, topic="membership.member_suspended"):
    """A member's rights are suspended."""

    vi = "Đình chỉ đoàn viên: đoàn viên {member_id} của {unit} bị tạm đình chỉ; lý do: {reason}."
    en = "Member suspended: the member {member_id} of {unit} is suspended; reason: {reason}."

    member_id: UUID
    reason: str
'''
REVIEWED = '''
def _reviewed(data: Json) -> Json:
    """Until then a hardship was looked at again when somebody thought of it: on its own day, as far as is known."""
    return {**data, "review_on": data["on"]}


class HardshipRecorded('''
SUSPEND = '''

class SuspendMember(MemberCommand):
    """Suspend a member."""

    reason: Line


class IsSuspended(RuleBroken):
    """Nothing is given to a member who is suspended."""

    vi = "Đoàn viên đang bị tạm đình chỉ."
    en = "The member is suspended."


def suspend(state: Member | None, command: SuspendMember, _: object) -> list[Event]:
    """:raises MemberUnknown, MemberHasLeft, IsSuspended:"""
    member = active(state, command.on)
    if member.suspended:
        raise IsSuspended("member_id")
    return [MemberSuspended(unit=member.unit, on=command.on, member_id=member.member_id, reason=command.reason)]
'''
RPCS = """rpc SuspendMember(SuspendMemberRequest) returns (federation.contract.v1.CommandAnswer) {
    option (federation.contract.v1.needs) = ROLE_GRASSROOTS_OFFICER;
  }
  rpc BatchSuspendMember(BatchSuspendMemberRequest) returns (federation.contract.v1.BatchAnswer) {
    option (federation.contract.v1.needs) = ROLE_GRASSROOTS_OFFICER;
  }
  rpc LeaveUnion("""
MESSAGES = """
message SuspendMemberRequest {
  string command_id = 1;
  optional int32 expected_version = 2;
  string member_id = 3;
  string reason = 4;
  string on = 5;
}

message BatchSuspendMemberRequest {
  repeated SuspendMemberRequest items = 1;
}
"""
EVENTS, MEMBER = "services/membership/events/members.py", "services/membership/domain/member.py"
PROTO = "proto/federation/membership/v1/membership.proto"
CHANGES = (
    Change(f"services/chassis/sql/{STEP}", "", "alter table events add column noted text;\n"),
    Change(f"services/chassis/sql/{STEP.replace('.sql', '.undo.sql')}", "", "alter table events drop column noted;\n"),
    Change(PROTO, "rpc LeaveUnion(", RPCS),
    Change(PROTO, "", MESSAGES),
    Change(EVENTS, "\nclass HardshipRecorded(", REVIEWED),
    Change(EVENTS, 'subject="member_id", schema_version=2)', 'subject="member_id", schema_version=3)'),
    Change(EVENTS, "{1: _graded}", "{1: _graded, 2: _reviewed}"),
    Change(EVENTS, "    grade: HardshipGrade\n", "    grade: HardshipGrade\n    review_on: date\n"),
    Change(EVENTS, "", SUSPENDED),
    Change(
        "services/membership/events/__init__.py", "", "from membership.events.members import MemberSuspended as MemberSuspended\n"
    ),
    Change(MEMBER, "    MemberReleased,\n", "    MemberReleased,\n    MemberSuspended,\n"),
    Change(MEMBER, "    erased: Erasure | None = None\n", "    erased: Erasure | None = None\n    suspended: bool = False\n"),
    Change(MEMBER, "            grade=command.grade,\n", "            grade=command.grade,\n            review_on=command.on,\n"),
    Change(
        MEMBER,
        "    if member.hardship is command.grade:\n",
        '    if member.suspended:\n        raise IsSuspended("member_id")\n    if member.hardship is command.grade:\n',
    ),
    Change(
        MEMBER,
        "        case MemberLeft():\n            return",
        "        case MemberSuspended():\n            return replace(state, suspended=True, changed_on=event.on)\n"
        "        case MemberLeft():\n            return",
    ),
    Change(MEMBER, "", SUSPEND),
    Change(
        "services/membership/application.py",
        "        Handler(member.LeaveUnion,",
        "        Handler(member.SuspendMember, MEMBER, member.suspend, units.nothing),\n        Handler(member.LeaveUnion,",
    ),
    Change("services/membership/read_models/member_counts.py", 'ReadModel("member_counts", 1,', 'ReadModel("member_counts", 2,'),
)


def made(into: Path) -> list[Path]:
    """Tomorrow's sources, and what stands before everything else on the path of a process that is tomorrow's."""
    for folder in ("services", "proto"):
        shutil.copytree(ROOT / folder, into / folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for change in CHANGES:
        _make(into / change.file, change)
    stubs = into / "proto/stubs"
    known = str(files("grpc_tools") / "_proto")
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{into / 'proto'}", f"-I{known}", f"--python_out={stubs}"]
    subprocess.run([*protoc, str(into / PROTO)], check=True, timeout=60)
    return [into / "services", stubs]


def _make(file: Path, change: Change) -> None:
    text = file.read_text() if file.exists() else ""
    if change.old:
        assert text.count(change.old) == 1, (
            f"{change.file} has changed: {change.old!r} stands there {text.count(change.old)} times"
        )
        text = text.replace(change.old, change.new)
    else:
        text += change.new
    file.write_text(text)
