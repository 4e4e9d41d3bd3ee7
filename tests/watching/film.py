"""How can an hour of watching pass in seconds, and stay true? It is filmed: each frame is read from real services, and only
the time between two frames is told, as longer than it was.

A frame is what Prometheus would have scraped just then: the text of each real ``/metrics``, under the labels of its pod. The
clock of the film goes on by a step with each frame, whatever that took; so a slow machine makes no hour longer. What a
metric tells as a moment (``…_timestamp_seconds``) is a reading of the real clock, and is shown at its place in the film: the
last real frame before it and the first one after it say where. Order, counts and gaps are the services' own.
"""

import asyncio
import re
import time
import urllib.request
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from tests.watching.promql import Labels, Series
from tests.watching.rules import Rule, Watch

MOMENT = "_timestamp_seconds"
READ_WITHIN_S = 5.0
PACE_S = 0.1
"""How long a frame takes at least: the services go on meanwhile."""
_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Reading(NamedTuple):
    """A number of somebody else's, as the documentation of its exporter names it."""

    name: str
    labels: dict[str, str]
    value: float


class Target(NamedTuple):
    """A pod whose metrics are read: what its labels are, and where it answers just now."""

    labels: dict[str, str]
    address: Callable[[], str]


class Film:
    """Frames of some targets.

    :param names: the metrics that are kept.
    :param others: what exporters beside the services would say now.
    """

    def __init__(
        self, targets: Sequence[Target], names: Iterable[str], others: Callable[[], Awaitable[list[Reading]]], start: float
    ) -> None:
        self._targets, self._names, self._others = targets, set(names), others
        self.series = Series()
        self.moments: list[float] = []
        self._real: list[float] = []
        self._now = start
        self._before: set[tuple[str, Labels]] = set()
        self._took_s: list[float] = []

    async def frame(self, step_s: float) -> float:
        """Read everybody once, so many seconds of the film after the frame before; when that was, in the film."""
        began = time.monotonic()
        texts, others = await asyncio.gather(asyncio.gather(*map(_read, self._targets)), self._others())
        self._now += step_s
        self._real.append(time.time())
        self.moments.append(self._now)
        seen: set[tuple[str, Labels]] = set()
        for target, text in zip(self._targets, texts, strict=True):
            self._keep(Reading("up", target.labels, float(text is not None)), seen)
            for reading in _readings(text or "", target.labels, self._names):
                self._keep(reading, seen)
        for reading in others:
            self._keep(reading, seen)
        for name, labels in self._before - seen:
            self.series.add(name, labels, self._now, None)
        self._before = seen
        await asyncio.sleep(PACE_S - (time.monotonic() - began))
        self._took_s.append(time.monotonic() - began)
        return self._now

    def slowest_s(self, after: float, upto: float) -> float:
        """How long the slowest frame of a part of the film really took."""
        part = slice(bisect_right(self.moments, after), bisect_right(self.moments, upto))
        return max(self._took_s[part], default=0.0)

    def shown(self, moment: float) -> float:
        """Where a moment of the real clock lies in the film; outside of it seconds are as long as they are."""
        after = bisect_right(self._real, moment)
        if after == 0:
            return self.moments[0] - (self._real[0] - moment)
        if after == len(self._real):
            return self.moments[-1] + (moment - self._real[-1])
        share = (moment - self._real[after - 1]) / (self._real[after] - self._real[after - 1])
        return self.moments[after - 1] + share * (self.moments[after] - self.moments[after - 1])

    def _keep(self, reading: Reading, seen: set[tuple[str, Labels]]) -> None:
        labels = frozenset(reading.labels.items())
        moment = reading.name.endswith(MOMENT) and reading.value > 0
        self.series.add(reading.name, labels, self._now, self.shown(reading.value) if moment else reading.value)
        seen.add((reading.name, labels))


class Watching:
    """Some alerts over a film that goes on: what fires just now, and what fired since a moment."""

    def __init__(self, film: Film, rules: Sequence[Rule]) -> None:
        self._film, self._watches = film, [Watch(rule) for rule in rules]
        self.firing: set[str] = set()
        self.pending: set[str] = set()
        self.fired: dict[str, float] = {}
        """When each fired first, in the film; whoever asks empties it."""

    def look(self) -> None:
        """After each frame."""
        now = self._film.moments[-1]
        self.firing = {watch.rule.name for watch in self._watches if watch.fires(self._film.series, now)}
        self.pending = {watch.rule.name for watch in self._watches if watch.since}
        for name in self.firing:
            self.fired.setdefault(name, now)


async def _read(target: Target) -> str | None:
    """What a pod answers; None when it does not."""

    def ask() -> str:
        with urllib.request.urlopen(target.address(), timeout=READ_WITHIN_S) as answer:
            return str(answer.read().decode())

    try:
        return await asyncio.to_thread(ask)
    except OSError:
        return None


def _readings(text: str, of: dict[str, str], names: set[str]) -> Iterable[Reading]:
    for name, labels, value in _LINE.findall(text):
        if name in names:
            yield Reading(name, {**dict(_LABEL.findall(labels)), **of}, float(value))
