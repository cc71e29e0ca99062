"""What grading asks of whoever starts the student's server.

Grading does not know the harness: it only passes these things on to the tests of a lesson. The
harness fits itself to these protocols.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from graders.engine.core.errors import Finding
from graders.engine.core.results import Isolation, SideCall, TranscriptLine


class CheckTrace(Protocol):
    """The record of one check: who did what, in order."""

    @property
    def explanations(self) -> Sequence[str]:
        """Clauses about what may lie behind a failure: a limit, a refusal."""

    def lines(self, marked: int | None = None) -> tuple[TranscriptLine, ...]:
        """Return the conversation as it went, with entry number ``marked`` marked."""


class CheckModel(Protocol):
    """The scripted model of one check."""

    def findings(self) -> Sequence[Finding]:
        """Return what the server did wrong with the model by the end of the check."""


class RunningServer(Protocol):
    """A student's server that has been started."""

    async def stop(self) -> None:
        """End the server and all that it started; more than once does no harm."""


class ServerStarter(Protocol):
    """Starts the server of one submission, as often as asked, each time pristine."""

    @property
    def isolation(self) -> Isolation:
        """How well the servers are isolated, as far as one was started or it was tried out."""

    def probe_isolation(self) -> None:
        """Find out how well servers are isolated, before any code of the submission runs."""

    @property
    def notes(self) -> Sequence[str]:
        """Plain sentences for the report, collected over all servers so far."""

    @property
    def side_calls(self) -> Sequence[SideCall]:
        """The model calls that carried no conversation, collected over all servers so far."""

    def new_trace(self) -> Any:
        """Return a fresh :class:`CheckTrace` for one check."""

    def new_model(self, trace: Any) -> Any:
        """Return a fresh :class:`CheckModel` that writes what it sees into ``trace``."""

    async def start(self, model: Any, trace: Any) -> Any:
        """Start the server and return it, a :class:`RunningServer`.

        Raises :class:`~graders.engine.server.trouble.StartFailed` when it cannot be started, or
        another :class:`~graders.engine.core.errors.Finding` when it fails right after its start.
        """
