"""Play one conversation on a submission, outside a lesson's checks: what students try at home.

Must not print, nor give points.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from graders.engine.content.canaries import Canaries
from graders.engine.content.catalogue import Lesson
from graders.engine.content.conversation import Conversation
from graders.engine.core.errors import Finding
from graders.engine.core.results import TranscriptLine
from graders.engine.grading.folder import OpenFactory
from graders.engine.harness import playback
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.server.trace import Trace
from graders.engine.submissions.submission import find_submission, opened


@dataclass(frozen=True)
class Replayed:
    """How a conversation went, and the first thing that was not as the script expects."""

    transcript: tuple[TranscriptLine, ...]
    finding: Finding | None


def replay(
    conversation: Conversation, lesson: Lesson, folder: Path, open_factory: OpenFactory, seed: int
) -> Replayed:
    """Play the conversation on the submission in ``folder``, or in an archive.

    Raises :class:`~graders.engine.submissions.submission.SubmissionProblem` or
    :class:`~graders.engine.server.trouble.StartFailed` when there is no server to play it on. Must
    not be called from a running event loop.
    """
    with opened(folder) as handed_in:
        submission = find_submission(handed_in.folder, endpoint=lesson.info.endpoint)
        with open_factory(lesson, submission) as factory:
            return asyncio.run(_played(conversation, factory, Canaries(seed)))


async def _played(
    conversation: Conversation, factory: ServerFactory, canaries: Canaries
) -> Replayed:
    trace, finding = Trace(), None
    async with factory.serve(trace) as (student, model):
        try:
            await playback.play(conversation, student, model, canaries, trace)
        except Finding as error:
            finding = error
    finding = finding or next(iter(model.findings()), None)
    return Replayed(trace.lines(None if finding is None else finding.mark), finding)
