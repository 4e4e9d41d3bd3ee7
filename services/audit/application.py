"""The menu of audit's commands: each records what somebody was given, or what was found and vouched for.

Whoever reads, be it an auditor, decides nothing: no RPC takes these commands. A question checks the rights of its call and
has the record kept (:func:`keep`) before it answers; the service records it by its own right, the actor is the reader.
"""

from collections.abc import Sequence
from dataclasses import replace

from audit.domain import certificate, named_cut, replay, verification
from audit.domain.certificate import CERTIFICATE
from audit.domain.named_cut import NAMED_CUT
from audit.domain.replay import REPLAY
from audit.domain.verification import VERIFICATION
from chassis.appends import Answer
from chassis.application import AnyHandler
from chassis.commands import Call, Command, Handler
from chassis.rpc import CommandPath
from chassis.security import Caller


async def nothing(commands: Sequence[object], caller: Caller) -> None:
    """The command alone decides."""


def menu() -> list[AnyHandler]:
    """Every command of audit; it gives them to itself."""
    return [
        Handler(replay.RecordReplay, REPLAY, replay.record, nothing, creates=True),
        Handler(named_cut.NameCut, NAMED_CUT, named_cut.name_cut, nothing),
        Handler(verification.RecordVerification, VERIFICATION, verification.record, nothing, creates=True),
        Handler(certificate.RecordCertificate, CERTIFICATE, certificate.record, nothing, creates=True),
    ]


async def keep(commands: CommandPath, call: Call, command: Command) -> Answer:
    """Record, in the course of a call whose rights were checked, what it is about to be answered.

    A command of audit has a field `unit`, that of the caller's role, for it is where the record stands.

    :raises Refusal: it cannot be kept; nothing is told then.
    """
    return await commands.execute(replace(call, caller=replace(call.caller, service="audit")), command)
