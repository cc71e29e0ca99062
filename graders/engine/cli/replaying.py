"""``grade.py replay``: play one conversation on a submission and print the transcript."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.grading import default_folder
from graders.engine.content.canaries import Canaries, new_seed
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.conversation import Conversation, load_conversation
from graders.engine.core.errors import Finding, UsageError
from graders.engine.core.results import Problem
from graders.engine.harness import playback
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.reports import terminal, transcript
from graders.engine.reports.advice import prose
from graders.engine.reports.glyphs import glyphs_for
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import StartFailed
from graders.engine.submissions.submission import SubmissionProblem, find_submission, opened


def run_replay(
    context: CommandContext, file: Path, folder: Path | None, seed: int | None
) -> ExitCode:
    """Play the conversation; the exit code says whether all came as the script expects."""
    page, seed = context.stdout(), new_seed() if seed is None else seed
    if not file.is_file():
        raise UsageError(f"There is no file {file}.", cure="Give a conversation script (.yaml).")
    lesson = lesson_of(file, context.catalogue)
    conversation = load_conversation(file)
    try:
        with opened(folder or default_folder(lesson.assignment_dir)) as handed_in:
            submission = find_submission(handed_in.folder, endpoint=lesson.info.endpoint)
            with context.servers() as open_factory, open_factory(lesson, submission) as factory:
                finding = asyncio.run(_played(page, conversation, factory, Canaries(seed)))
    except (SubmissionProblem, StartFailed) as error:
        return _not_started(page, error.problem)
    return _told(page, conversation, finding, seed)


def lesson_of(file: Path, catalogue: Catalogue) -> Lesson:
    """Return the lesson whose folder the conversation is in, else the only or first lesson."""
    known = catalogue.lessons()
    if not known:
        raise UsageError("The course has no lesson.")
    parts = file.resolve().parts
    return next((lesson for lesson in known if lesson.id in parts), known[0])


async def _played(
    page: Console, conversation: Conversation, factory: ServerFactory, canaries: Canaries
) -> Finding | None:
    """Play, print the transcript, and return what was not as expected."""
    trace, finding = Trace(), None
    async with factory.serve(trace) as (student, model):
        try:
            await playback.play(conversation, student, model, canaries)
        except Finding as error:
            finding = error
    finding = finding or next(iter(model.findings()), None)
    lines = trace.lines(None if finding is None else finding.mark)
    page.print(Text(f"\n{conversation.name}: {conversation.description}\n", style="bold"))
    print_page(page, transcript.render(lines, glyphs_for(page), whole=True))
    return finding


def _told(
    page: Console, conversation: Conversation, finding: Finding | None, seed: int
) -> ExitCode:
    page.print()
    if finding is None:
        page.print(Text(f"{conversation.name}: all came as expected.", style="green"))
    else:
        page.print(Text("Not as expected. ", style="bold red").append_text(prose(finding.sentence)))
    page.print(Text(f"Repeat with the same test data: --seed {seed}", style="dim"))
    return ExitCode.FULL_MARKS if finding is None else ExitCode.NOT_FULL_MARKS


def _not_started(page: Console, problem: Problem) -> ExitCode:
    print_page(page, terminal.problem_page(problem))
    return ExitCode.NOT_FULL_MARKS
