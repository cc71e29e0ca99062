"""``grade.py lesson scenarios``: which scenario of a specification notices which broken server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.text import Text

from graders.engine.authoring import scenarios_page
from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.canaries import new_seed
from graders.engine.content.catalogue import Lesson
from graders.engine.content.misconceptions import FILE as MISCONCEPTIONS
from graders.engine.content.specification import FILE, load_specification
from graders.engine.core.errors import UsageError
from graders.engine.course_servers.mutants import solutions_of
from graders.engine.grading.environment import environment
from graders.engine.harness.kept import KeptTexts, usual_place
from graders.engine.specification import load_opponents, noticed_by_each
from graders.engine.submissions.submission import find_submission


def run_scenarios(
    context: CommandContext, name: str, file: Path | None, seed: int | None
) -> ExitCode:
    """Play all scenarios on all broken servers; the exit code says whether each was noticed."""
    lesson = context.lessons_as_written.lesson(name)
    if not (lesson.grader_dir / MISCONCEPTIONS).is_file():
        raise UsageError(
            f"{lesson.id} has no {MISCONCEPTIONS}, so nobody writes a specification there."
        )
    scenarios = load_specification(file or _usual_file(lesson)).scenarios
    opponents = load_opponents(lesson)
    seed = new_seed() if seed is None else seed
    kept = KeptTexts(usual_place(), environment(lesson).model_dump_json())
    stderr = context.stderr()

    def tell(done: int, count: int) -> None:
        stderr.print(Text(f"[{done}/{count}] servers", style="dim"))

    # Which solution it is does not matter: it lends its settings to all.
    submission = find_submission(solutions_of(lesson)[0], endpoint=lesson.info.endpoint)
    with (
        context.servers() as open_factory,
        open_factory(lesson, submission) as factory,
    ):
        noticed = asyncio.run(
            noticed_by_each(
                scenarios, opponents.broken, factory.reference, seed, kept=kept, tell=tell
            )
        )
    page = context.stdout()
    print_page(page, scenarios_page.render([each.name for each in scenarios], opponents, noticed))
    page.print(Text(f"Repeat with the same test data: --seed {seed}", style="dim"))
    return ExitCode.FULL_MARKS if all(noticed.values()) else ExitCode.NOT_FULL_MARKS


def _usual_file(lesson: Lesson) -> Path:
    return solutions_of(lesson)[0] / FILE
