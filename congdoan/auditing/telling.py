"""What is said of a verification, to a program and to people, and what of it does audit keep as evidence?"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from congdoan.auditing.kept import WitnessFile
from congdoan.auditing.verifying import Outcome, Service
from congdoan.auditing.walking import Compared
from congdoan.clients import Federation
from congdoan.texts import Language, say


def document_of(outcome: Outcome, language: Language) -> dict[str, object]:
    """Everything, as JSON knows it."""
    ledger = outcome.ledger
    return {
        "whole": outcome.whole,
        "source": outcome.source,
        "key": outcome.key,
        "ledger": {"sequence": ledger.sequence} if ledger else None,
        "witnesses": [
            {"file": str(witness.file), "signed_by": list(witness.signed_by), "not_signed_by_the_ledger": witness.unsigned}
            for witness in outcome.witnesses
        ],
        "services": [_service(service, language) for service in outcome.services],
    }


def _service(found: Service, language: Language) -> dict[str, object]:
    good, walk = found.good, found.walk
    after, upto = bad_span(found)
    return {
        "service": found.name,
        "whole": found.whole,
        "first_position": walk.start.size + 1,
        "last_position": walk.size,
        "covered": found.covered,
        "root": b64encode(good.root).decode(),
        "not_covered": found.beyond,
        "also_in_the_stream_until": found.checked_until or None,
        "compared": [_compared(one) for one in walk.compared.values()],
        "first_bad": {"after": after, "upto": upto, "named_by": found.named_by or None} if upto is not None else None,
        "findings": [{"kind": kind, "sentence": sentence} for kind, sentence in findings_of(found, language)],
    }


def _compared(compared: Compared) -> dict[str, object]:
    return {
        "source": compared.source,
        "checkpoints": compared.many,
        "largest_matched": compared.matched.size if compared.matched else None,
        "at": time_of(compared.matched_at) if compared.matched else None,
        "first_mismatched": compared.mismatched.size if compared.mismatched else None,
    }


def bad_span(found: Service) -> tuple[int | None, int | None]:
    """After which and not after which position the first bad event lies; None twice when nothing is wrong."""
    if found.first_bad:
        return found.first_bad - 1, found.first_bad
    if found.span:
        return found.span.start.size, found.span.upto
    flawed = [flaw.position for flaw in found.walk.flaws.values()]
    return (min(flawed) - 1, min(flawed)) if flawed else (None, None)


def findings_of(found: Service, language: Language) -> Iterator[tuple[str, str]]:
    """Everything that speaks against a history: of which kind, and in a sentence."""
    for flaw in found.walk.flaws.values():
        facts = {"position": flaw.position, **flaw.facts}
        yield flaw.kind, say(f"verify_{flaw.kind}", language, service=found.name, **facts)
    for one in found.walk.compared.values():
        if one.mismatched:
            yield "root", say("verify_root", language, service=found.name, source=one.source, size=one.mismatched.size)
    for source, kept in found.walk.missing.items():
        facts = {"service": found.name, "source": source, "size": kept.size, "found": found.walk.size}
        yield "missing", say("verify_missing", language, **facts)
    for source in found.span.contradicted if found.span else ():
        against = found.span.by.source if found.span and found.span.by else ""
        yield "contradiction", say("verify_contradiction", language, service=found.name, source=source, against=against)
    if found.refused:
        yield "ledger", found.refused.sentence(language)


def rows_of(outcome: Outcome, language: Language) -> Iterator[Sequence[object]]:
    """The table that people see, a line a service."""
    for found in outcome.services:
        walk, at = found.walk, max((one.matched_at for one in found.walk.compared.values() if one.matched), default=0)
        yield (
            found.name,
            say("verify_whole" if found.whole else "verify_broken", language),
            f"{walk.start.size + 1}–{walk.size}" if walk.size > walk.start.size else "–",
            found.covered,
            datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") if at else "–",
            sum(one.many for one in walk.compared.values()),
        )


def met_of(outcome: Outcome, witness: WitnessFile) -> int:
    """How many checkpoints of a witness were met in the histories."""
    compared = (service.walk.compared.get(witness.name) for service in outcome.services)
    return sum(one.many for one in compared if one)


def time_of(seconds: int) -> str:
    """A time as checkpoints say it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def report(federation: Federation, outcome: Outcome, command_id: UUID) -> int:
    """Have audit keep, as evidence, what was verified and how it came out; answers where it stands.

    :raises Refused: audit, or gRPC, refuses.
    """
    signers = sorted({signer for witness in outcome.witnesses for signer in witness.signed_by})
    parts = [_part(found) for found in outcome.services]
    fields = {
        "command_id": str(command_id), "source": outcome.source, "whole": outcome.whole, "key": outcome.key,
        "witnesses": len(outcome.witnesses), "signed_by": signers, "parts": parts,
    }  # fmt: skip
    return int((await federation.call("audit", "ReportVerification", fields)).position)


def _part(found: Service) -> dict[str, object]:
    after, upto = bad_span(found)
    looked = {"after": found.walk.start.size, "upto": found.walk.size, "covered": found.covered}
    return {"service": found.name, **looked, "bad_after": after, "bad_upto": upto}
