"""``--report FORMAT[=FILE]`` one result in other formats, into files; what GitHub Actions is told.

Must not grade. What the command line asks for is checked before anything starts.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from graders.engine.cli.context import CommandContext
from graders.engine.content.fields import did_you_mean
from graders.engine.core.errors import UsageError
from graders.engine.core.results import RESULT_FORMAT_VERSION, Result
from graders.engine.core.text import quote, visible, with_texts
from graders.engine.core.version import VERSION
from graders.engine.reports import github
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.files import append_to, require_writable, write_whole
from graders.engine.reports.formats import markdown
from graders.engine.reports.formats.table import FORMATS, Format, Surroundings, rendered

STANDARD_OUTPUT = Path("-")
LONGEST_NUMBER = 100
"""Digits of a whole number in a result file: a longer one cannot be divided as reports do."""
LARGEST_RESULT = 64 * 1024 * 1024
"""Bytes of a result file that is read; the largest of ours has some hundred thousand."""


@dataclass(frozen=True)
class WantedReport:
    """One format, and the file it goes to; ``-`` is the place of the page."""

    form: Format
    file: Path


def wanted_reports(told: Iterable[str]) -> tuple[WantedReport, ...]:
    """Read what `--report` was given; a UsageError for an unknown format or a file named twice."""
    wanted = tuple(_wanted(each) for each in told)
    files = [each.file for each in wanted]
    for file in files:
        if files.count(file) > 1:
            raise UsageError(
                f"Two reports would go to `{quote(str(file))}`.",
                cure="Name a file for each: `--report html=report.html --report json=result.json`.",
            )
    return wanted


def require_all_writable(reports: Iterable[WantedReport]) -> None:
    """Raise a UsageError now if one of the files could not be written later."""
    for each in reports:
        if each.file != STANDARD_OUTPUT:
            require_writable(each.file)


def write_reports(
    context: CommandContext, result: Result, reports: Sequence[WantedReport], audience: Audience
) -> None:
    """Make all reports, then write each of them whole."""
    surroundings = Surroundings(context.environment, datetime.now(UTC))
    made = [(each, rendered(each.form, result, surroundings, audience)) for each in reports]
    for each, text in made:
        if each.file == STANDARD_OUTPUT:
            context.out.write(text)
        else:
            write_whole(each.file, text)


def takes_the_page(reports: Iterable[WantedReport]) -> bool:
    """Return whether a report stands in the place of the page."""
    return any(each.file == STANDARD_OUTPUT for each in reports)


def tell_github(context: CommandContext, result: Result) -> None:
    """Print annotations, and append to the files that GitHub Actions names in the environment.

    What students may not see is left out: they read the log.
    """
    shown = seen_by(Audience.STUDENT, result)
    root = Path(context.environment.get("GITHUB_WORKSPACE", "."))
    for each in github.annotations_of(shown, _within(Path(result.submission_path), root)):
        print(each, file=context.out)
    if summary := context.environment.get("GITHUB_STEP_SUMMARY"):
        append_to(Path(summary), markdown.render(shown))
    if outputs := context.environment.get("GITHUB_OUTPUT"):
        append_to(Path(outputs), github.outputs(shown, secrets.token_hex(16)))


def _within(folder: Path, root: Path) -> str:
    """Return where a folder is in the repository that was checked out, for annotations."""
    try:
        place = folder.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return ""
    return "" if place == "." else f"{place}/"


def read_result(file: Path) -> Result:
    """Return a result that `--report json` wrote; a UsageError says what is wrong with the file."""
    cure = "Give a file that `--report json` or `--json` has written."
    try:
        if file.stat().st_size > LARGEST_RESULT:
            raise UsageError(f"{file} is too large for a result.", cure=cure)
        data = file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{file} cannot be read: {reason}.", cure=cure) from error
    try:
        # Whoever wrote the file: nothing in it may move a cursor or hide.
        told = json.loads(data, parse_int=_whole_number)
        return Result.model_validate_json(json.dumps(with_texts(told, visible)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"] == ("format_version",) and first["type"] == "literal_error":
            raise UsageError(
                f"{file} is a result of format {quote(str(first['input']))}; "
                f"this grader reads format {RESULT_FORMAT_VERSION}.",
                cure="Show it with the grader that wrote it.",
            ) from error
        place = quote(".".join(map(str, first["loc"])), 200) or "the beginning"
        told = f"{file}, {place}: {quote(first['msg'], 200)}."
        if other := _other_grader(data):
            raise UsageError(
                f"{told} Grader {quote(other)} wrote it; this is {VERSION}.",
                cure="Show it with the grader that wrote it.",
            ) from error
        raise UsageError(told, cure=cure) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{file}, the beginning: Invalid JSON: {quote(str(error), 200)}.", cure=cure
        ) from error


def _whole_number(digits: str) -> int:
    """Return a number; a ValueError for one that no grader writes, and no report can add up."""
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)


def _other_grader(data: bytes) -> str:
    """Return the version of the grader that wrote a result, if it is not this one."""
    match json.loads(data):
        case {"made_with": {"grader": str(version)}} if version != VERSION:
            return version
        case _:
            return ""


def _wanted(told: str) -> WantedReport:
    name, given, file = told.partition("=")
    if name not in FORMATS:
        raise UsageError(f"There is no format `{quote(name)}`.", cure=did_you_mean(name, FORMATS))
    if given and not file:
        raise UsageError(
            f"`--report {name}=` names no file.", cure=f"`--report {name}={FORMATS[name].file}`."
        )
    return WantedReport(FORMATS[name], Path(file or FORMATS[name].file))
