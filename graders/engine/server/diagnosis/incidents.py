"""What a server does against its limits, as sentences: which limit, and what it was doing then.

What is seen from outside ends the server with a finding; what only its own errors say is noted as
an explanation beside whatever fails. Must not know a lesson, nor how a server is started.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graders.engine.core.limits import ProcessLimits
from graders.engine.core.text import quote
from graders.engine.sandbox.process import Exit
from graders.engine.server.diagnosis.symptoms import refused, symptoms
from graders.engine.server.link.link import Link
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import Flooded, OverLimit, ServerDied
from graders.engine.server.watch.deadlines import CheckClock
from graders.engine.server.watch.footprint import Footprint
from graders.engine.wire.frames import ExchangeCrash, Loaded, LoadFailed, Refused

_REQUEST_CHARACTERS = 80
_BELIEVED = 0.5
"""A process that used at least this share of its CPU time has the signal for it from the kernel.

The kernel counts by samples what it limits, and exactly what it reports afterwards.
"""
_TRIED = {
    "connect": "tried to connect to {target}; a submission has no network, and only calls to the "
    "model are answered",
    "resolve": "tried to look up the address of {target}; a submission has no network, and only "
    "calls to the model are answered",
    "listen": "tried to listen on {target}; a submission has no network, and the grader calls its "
    "application directly",
    "start": "tried to start another program or process ({target}); a submission must do all in "
    "one process",
    "ask": "sent a request to the model that is too large ({target})",
}
"""What the server did, by what was refused."""


@dataclass
class Incidents:
    """One started server's; ``link`` is its wire, ``end`` ends its process."""

    link: Link
    trace: Trace
    limits: ProcessLimits
    footprint: Footprint
    clock: CheckClock
    own_folder: Path
    end: Callable[[], Exit]
    last_refused: Refused | None = None

    # --- what ends the server -----------------------------------------------------------------

    def look(self) -> Exception | None:
        """Look from outside; end the server if it went past a limit, and return what to raise."""
        trouble = self.clock.overdue(self.footprint.pid)
        if excess := self.footprint.excess():
            trouble = OverLimit(self._sentence(excess))
        if trouble is not None:
            self.end()
        return trouble

    def flooded(self, what: str) -> Flooded:
        """Return the finding of a server that sent or printed too much."""
        return Flooded(self._sentence(what))

    def ended(self) -> ServerDied | OverLimit:
        """Return the finding of a server whose process has ended by itself."""
        end = self.end()
        if used_up_cpu(end, self.limits):
            return OverLimit(self._sentence(cpu_excess(self.limits)))
        return ServerDied(f"the server's process ended: {how_it_ended(end)}")

    # --- what only explains -------------------------------------------------------------------

    def note_refused(self, frame: Refused) -> None:
        """Note what was refused: a server that only tried, and can go on without, is not blamed."""
        self.last_refused = frame
        target = quote(frame.target, 100)
        self.trace.add("server", "refused", f"tried to {frame.what} {target}: refused")

    def crashed(self, crash: ExchangeCrash) -> None:
        """Look for a limit that may have caused an exception of the app."""
        self.explain_errors(f"{crash.detail}\n{crash.error}: {crash.message}")

    def failed_to_load(self, failure: LoadFailed) -> None:
        """Look for a limit that may be why the app could not be imported."""
        self.explain_errors(f"{failure.detail}\n{failure.error}: {failure.message}")

    def explain_errors(self, text: str) -> None:
        """Note each limit or refusal that the errors in ``text`` speak of."""
        if "Error" not in text:
            return
        for told in symptoms(text, self.limits, self.footprint, self.link.layers, self.own_folder):
            self.trace.explain(told, self._sentence(told))
        if self.last_refused is not None and refused(text):
            told = what_was_tried(self.last_refused)
            self.trace.explain(told, self._sentence(told))

    # --- words --------------------------------------------------------------------------------

    def _sentence(self, what: str) -> str:
        did, semicolon, why = what.partition(";")
        return f"your server {did}{self._meanwhile()}{semicolon}{why}"

    def _meanwhile(self) -> str:
        """Return what the server was doing, as the end of a sentence."""
        if not isinstance(self.link.loaded, Loaded):
            return " while it started"
        unanswered = self.link.open_requests
        if unanswered > 1:
            return f" while it answered {unanswered} requests"
        asked = self._asked()
        if not asked:
            return ""
        return f" while it answered {asked}" if unanswered else f", after {asked}"

    def _asked(self) -> str:
        last = self.trace.last_request
        if last is None:
            request = self.link.last_request
            return f"`{quote(request, _REQUEST_CHARACTERS)}`" if request else ""
        said = last.text.partition(": ")[2]
        return f"`{last.kind}`" + (f" ({quote(said, _REQUEST_CHARACTERS)})" if said else "")


def what_was_tried(frame: Refused) -> str:
    """Return what was tried and refused, and why, in words."""
    return _TRIED[frame.what].format(target=f"`{quote(frame.target, 100)}`")


def used_up_cpu(end: Exit, limits: ProcessLimits) -> bool:
    """Return whether the kernel ended a process for its CPU time.

    The signal alone could have come from the process itself; where its time is not known, the
    signal is believed. A process that ignores the first signal is killed a second later.
    """
    if end.signal == getattr(signal, "SIGXCPU", None):
        return not end.cpu_seconds or end.cpu_seconds >= _BELIEVED * limits.cpu_seconds
    return end.signal == getattr(signal, "SIGKILL", None) and end.cpu_seconds > limits.cpu_seconds


def cpu_excess(limits: ProcessLimits) -> str:
    """Return in words that the limit of CPU time was used up."""
    return f"used more than {limits.cpu_seconds:,} s of CPU time"


def how_it_ended(end: Exit) -> str:
    """Return an exit in words."""
    if end.signal is None:
        return f"it exited with code {end.code}"
    known = end.signal in {each.value for each in signal.Signals}
    name = signal.Signals(end.signal).name if known else end.signal
    return f"it was ended by the signal {name}"
