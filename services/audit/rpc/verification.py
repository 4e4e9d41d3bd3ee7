"""Who verified what? Message to command, and answer to message."""

from collections.abc import Callable, Mapping
from datetime import date

from google.protobuf.message import Message

from audit.application import keep
from audit.domain.verification import RecordVerification
from chassis.commands import Call, parse
from chassis.rpc import CommandPath, Query
from federation.audit.v1 import verification_pb2 as pb

VERIFICATION = pb.DESCRIPTOR.services_by_name["VerificationService"]


class VerificationQuestions:
    """What audit answers to somebody who verified."""

    def __init__(self, commands: CommandPath, today: Callable[[], date]) -> None:
        self._commands, self._today = commands, today

    @property
    def answers(self) -> Mapping[str, Query]:
        """Each question by the name of its RPC."""
        return {"ReportVerification": self.report}

    async def report(self, request: pb.ReportVerificationRequest, call: Call) -> Message:
        """Record it; the same command once more is answered as it was."""
        call.rights.nationwide()
        caller = call.caller
        reader = {"unit": caller.unit, "reader": caller.id, "reader_role": caller.role.name.lower(), "on": self._today()}
        told = {name: getattr(request, name) for name in ("command_id", "source", "whole", "key", "witnesses")}
        listed = {"signed_by": tuple(request.signed_by), "parts": tuple(map(_part, request.parts))}
        answer = await keep(self._commands, call, parse(RecordVerification, {**told, **listed, **reader}))
        return pb.ReportVerificationResponse(verification_id=str(answer.aggregate_id), position=answer.position)


def _part(part: pb.VerifiedPart) -> dict[str, object]:
    bad = {name: getattr(part, name) if part.HasField(name) else None for name in ("bad_after", "bad_upto")}
    return {"service": part.service, "after": part.after, "upto": part.upto, "covered": part.covered, **bad}
