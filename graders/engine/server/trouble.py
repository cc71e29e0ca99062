"""What a student's server can do wrong to the harness itself; each a :class:`Finding`.

    Finding
    └── ServerTrouble
        ├── ServerDied       its process ended while it was needed
        ├── Stalled          it has nothing left to do, and what is awaited has not come
        │   └── Blocked      a call that waits blocks its event loop
        ├── RanAway          it computes without end
        ├── ProtocolBroken   its process sent something that is no frame, or out of turn
        ├── OverLimit        it went past one of its limits, and was ended for it
        │   └── Flooded      it sent or printed more than the grader takes
        ├── TookTooLong      the grader's own clock ended it, though it was not held up
        └── StartFailed      it could not be loaded; carries the :class:`Problem`
            └── DidNotStartAgain   it could at first, and not on what it had stored

Must not know which criterion fails by it.
"""

from __future__ import annotations

import re

from graders.engine.core.errors import Finding
from graders.engine.core.results import Problem, SourceLine
from graders.engine.core.text import quote

_PLACE_CHARACTERS = 120


class ServerTrouble(Finding):
    """Base of what goes wrong with the server as a whole.

    ``place`` is the line of the submission's own that the server was in, where that is known.
    """

    place: SourceLine | None = None

    def stood_at(self, place: SourceLine | None) -> None:
        """Note the line that the server was in, and tell it."""
        self.place = place
        if place is not None:
            code = f": `{place.code}`" if place.code else ""
            self.seen = f"{self.seen} ({place.file}, line {place.line}{code})"


class ServerDied(ServerTrouble):
    """The server's process ended while the grader still needed it."""


class Stalled(ServerTrouble):
    """The server waits for nothing that could still happen, and owes an answer."""


class Blocked(Stalled):
    """A call blocks the server's event loop, and waits for what cannot come meanwhile."""


class RanAway(ServerTrouble):
    """The server used more CPU time for one answer than any honest server does."""


class ProtocolBroken(ServerTrouble):
    """The submission broke the protocol between its process and the grader."""


class OverLimit(ServerTrouble):
    """The server used more of something than one of its limits allows."""


class Flooded(OverLimit):
    """The server sent or printed more than the grader takes."""


class TookTooLong(ServerTrouble):
    """A check or a run took longer than the grader waits, which was not held up itself."""


class StartFailed(ServerTrouble):
    """The server could not be started; ``problem`` tells the student why.

    ``layers`` are those of isolation that held meanwhile.
    """

    def __init__(self, problem: Problem, layers: tuple[str, ...] = ()) -> None:
        super().__init__(problem.title)
        self.problem = problem
        self.layers = layers


class DidNotStartAgain(StartFailed):
    """A server that had run did not start again on what it had stored, and cannot be asked."""

    def __init__(self, failure: StartFailed, mark: int | None = None) -> None:
        super().__init__(failure.problem, failure.layers)
        self.seen = f"the server does not start again: {failure.problem.title.rstrip('.')}"
        self.mark = mark
        if place := _last_own_line(failure.problem.detail):
            self.stood_at(place)
        self.advice = (
            "With an empty data folder it starts. Look at what its start does with what it finds "
            "there: `CREATE TABLE IF NOT EXISTS`, `mkdir(exist_ok=True)`, and what it reads in and "
            "converts. Try it at home: stop your server and start it again, without deleting its "
            "data."
        )


def _last_own_line(detail: str) -> SourceLine | None:
    """Return the line of the submission that a traceback ends in, if it tells one.

    Its process may have written the traceback itself: numbers and texts are bounded.
    """
    pattern = r'^ *File "([^"]+)", line (\d{1,7}), in (.*)\n *(.*)'
    lines = re.findall(pattern, detail, re.MULTILINE)
    own = [line for line in lines if not line[0].startswith("/")]
    if not own:
        return None
    file, number, function, code = own[-1]
    return SourceLine(
        file=quote(file, _PLACE_CHARACTERS),
        line=int(number),
        function=quote(function, _PLACE_CHARACTERS),
        code=quote(code, _PLACE_CHARACTERS),
    )
