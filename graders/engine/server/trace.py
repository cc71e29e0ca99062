"""The record of one check: who did what, in order, as one line each.

Must not know what is right or wrong; a check names the entry that was wrong by its serial number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from graders.engine.core.errors import Finding
from graders.engine.core.results import Picture, RaisedException, TranscriptLine
from graders.engine.core.text import shorten, visible

Actor = Literal["client", "server", "model", "grader"]

_LINE_CHARACTERS = 300
_MOST_ENTRIES = 5_000
_MOST_LINES = 60
_TOLD_ALONE = frozenset({"raised", "error"})
_MOST_EXPLANATIONS = 3


@dataclass(frozen=True)
class TraceEntry:
    """One thing that happened, ``at_ms`` milliseconds after the check began.

    ``request`` is the serial number of the client's request that it belongs to, 0 if of none;
    ``raised`` the exception that it tells of.
    """

    serial: int
    actor: Actor
    kind: str
    text: str
    at_ms: float
    request: int = 0
    raised: RaisedException | None = None


class Trace:
    """Collects entries; serial numbers count from 1. ``now`` gives seconds.

    ``routes`` are those that the server says it has, as ``POST /chatkit``; ``picture`` is what a
    page showed where a check looked last; ``stopped`` is the finding after which no server was
    there to be asked.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._serial = 0
        self.entries: list[TraceEntry] = []
        self._endings: list[tuple[str, Callable[[], str]]] = []
        self._explanations: dict[str, str] = {}
        self._printed: Callable[[], str] = str
        self.routes: Sequence[str] = ()
        self.picture: Picture | None = None
        self.stopped: Finding | None = None

    def add(
        self,
        actor: Actor,
        kind: str,
        text: str,
        *,
        request: int = 0,
        raised: RaisedException | None = None,
    ) -> int:
        """Record that ``actor`` did something; return its serial number.

        Past 5,000 entries only the numbers go on: no check is told in more lines than that.
        """
        self._serial += 1
        if len(self.entries) < _MOST_ENTRIES:
            at_ms = (self._now() - self._began) * 1_000
            entry = TraceEntry(self._serial, actor, kind, text, at_ms, request, raised)
            self.entries.append(entry)
        return self._serial

    def explain(self, about: str, sentence: str) -> None:
        """Note a possible cause of a failure, once for each ``about``, and three at most."""
        if len(self._explanations) < _MOST_EXPLANATIONS:
            self._explanations.setdefault(about, sentence)

    @property
    def explanations(self) -> tuple[str, ...]:
        """Possible causes of a failure: a limit, a refusal. They decide nothing."""
        return tuple(self._explanations.values())

    def kind_of(self, serial: int) -> str:
        """Return the kind of an entry, such as that of a request; empty if there is none."""
        return next((each.kind for each in self.entries if each.serial == serial), "")

    @property
    def last_request(self) -> TraceEntry | None:
        """The last thing that a client asked for."""
        asked = (entry for entry in reversed(self.entries) if entry.actor == "client")
        return next((entry for entry in asked if entry.kind != "leaves"), None)

    def adopt(self, other: Trace) -> None:
        """Become a copy of ``other``: this check judges what was recorded there."""
        self._serial = other._serial
        self.entries = list(other.entries)
        self._endings = list(other._endings)
        self._explanations = dict(other._explanations)
        self._printed = other._printed
        self.routes = other.routes
        self.stopped = other.stopped

    def forget(self) -> None:
        """Drop what was recorded so far; the serial numbers go on."""
        self.entries.clear()

    def ends_with(self, kind: str, text: Callable[[], str]) -> None:
        """Let the record end with what ``text`` gives when it is read, unless that is empty."""
        self._endings.append((kind, text))

    def prints(self, text: Callable[[], str]) -> None:
        """Let ``printed`` be what ``text`` gives when it is read."""
        self._printed = text

    @property
    def printed(self) -> str:
        """What the server has printed, as far as it is kept."""
        return self._printed()

    def lines(self, marked: int | None = None) -> tuple[TranscriptLine, ...]:
        """Return the record for a reader.

        Runs of one kind folded, the marked entry never hidden.
        """
        folded = [_line(run, marked) for run in _runs(self.entries, marked)]
        return (*_around_mark(folded), *self._ending())

    def _ending(self) -> Iterator[TranscriptLine]:
        at_ms = self.entries[-1].at_ms if self.entries else 0.0
        for kind, read in self._endings:
            if text := read():
                serial = self._serial + 1
                yield TranscriptLine(
                    serial=serial, actor="server", kind=kind, text=text, at_ms=round(at_ms, 3)
                )


def _runs(entries: list[TraceEntry], marked: int | None) -> list[list[TraceEntry]]:
    """Cut ``entries`` into runs of the same actor and kind; the marked one stands alone."""
    runs: list[list[TraceEntry]] = []
    for entry in entries:
        last = runs[-1][-1] if runs else None
        same = last is not None and (last.actor, last.kind) == (entry.actor, entry.kind)
        same = same and entry.kind not in _TOLD_ALONE
        if same and last is not None and marked not in {last.serial, entry.serial}:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs


def _line(run: list[TraceEntry], marked: int | None) -> TranscriptLine:
    first = run[0]
    # Pieces of one text are read as the client puts them together.
    between = "" if first.kind.endswith("delta") else " "
    text = between.join(visible(shorten(entry.text, _LINE_CHARACTERS)) for entry in run[:6])
    if len(run) > 1:
        text = f"{text}{' …' if len(run) > 6 else ''} ({len(run)} times)"
    return TranscriptLine(
        serial=first.serial,
        actor=first.actor,
        kind=first.kind,
        text=text,
        at_ms=round(first.at_ms, 3),
        marked=any(entry.serial == marked for entry in run),
        count=len(run),
    )


def _around_mark(lines: list[TranscriptLine]) -> list[TranscriptLine]:
    """Keep at most 60 lines: those before the mark, which lead to it, and a few after."""
    if len(lines) <= _MOST_LINES:
        return lines
    marked = next((index for index, line in enumerate(lines) if line.marked), len(lines) - 1)
    end = min(len(lines), max(marked + 11, _MOST_LINES))
    return lines[max(0, end - _MOST_LINES) : end]
