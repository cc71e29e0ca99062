"""``grade.py replay``: play one conversation on a submission and print the transcript."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.folders import default_folder
from graders.engine.content.canaries import new_seed
from graders.engine.content.catalogue import Lesson
from graders.engine.content.conversation import Conversation, load_conversation
from graders.engine.content.fields import did_you_mean
from graders.engine.content.misconceptions import FILE as MISCONCEPTIONS
from graders.engine.content.specification import load_specification
from graders.engine.core.errors import Finding, UsageError
from graders.engine.core.results import Problem
from graders.engine.core.text import quote
from graders.engine.grading.replay import replay
from graders.engine.reports import terminal, transcript
from graders.engine.reports.advice import prose
from graders.engine.reports.glyphs import glyphs_for
from graders.engine.server.trouble import StartFailed
from graders.engine.submissions.submission import SubmissionProblem


def run_replay(
    context: CommandContext, file: Path, folder: Path | None, seed: int | None
) -> ExitCode:
    """Play the conversation; the exit code says whether all came as the script expects."""
    page, seed = context.stdout(), new_seed() if seed is None else seed
    lesson, conversation = _meant(context, file)
    folder = folder or default_folder(context, lesson)
    try:
        with context.servers() as open_factory:
            replayed = replay(conversation, lesson, folder, open_factory, seed)
    except (SubmissionProblem, StartFailed) as error:
        return _not_started(page, error.problem)
    page.print(Text(f"\n{conversation.name}: {conversation.description}\n", style="bold"))
    print_page(page, transcript.render(replayed.transcript, glyphs_for(page), whole=True))
    return _told(page, conversation, replayed.finding, seed)


def _meant(context: CommandContext, file: Path) -> tuple[Lesson, Conversation]:
    """Return the conversation in a file, or the scenario that `spec.yaml:NAME` names."""
    if file.is_file():
        return context.catalogue.lesson_of(file), load_conversation(file)
    place, _, name = str(file).rpartition(":")
    if not Path(place).is_file():
        raise UsageError(f"There is no file {file}.", cure="Give a conversation script (.yaml).")
    scenarios = {each.name: each for each in load_specification(Path(place)).scenarios}
    if name not in scenarios:
        raise UsageError(
            f"There is no scenario `{quote(name)}` in {place}.", cure=did_you_mean(name, scenarios)
        )
    return context.catalogue.lesson_with(MISCONCEPTIONS, file), scenarios[name]


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
