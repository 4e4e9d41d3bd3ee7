"""Which events of a thing count on both clocks, and what do they say?"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from audit.domain.contribution import Said, said_by
from chassis.recorded import RecordedEvent


def counting(
    events: Iterable[RecordedEvent], topics: Mapping[str, int], as_of: date
) -> Iterator[tuple[RecordedEvent, Said, date]]:
    """Those events of some topics that were true by a day, each with what it says and its day, in their order.

    :param events: of one thing, up to the cut, by position.
    :param topics: each with the last version of its schema that is known.
    :raises NotReadable: one lacks what its topic promises.
    """
    for event in events:
        if event.topic in topics:
            said = said_by(event, topics[event.topic])
            if (on := said.day("on")) <= as_of:
                yield event, said, on
