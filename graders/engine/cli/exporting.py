"""``grade.py export``: the scores of a folder of results into a gradebook.

Must not grade, and writes nothing where something is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.reporting import read_result
from graders.engine.core.errors import UsageError
from graders.engine.core.results import Result
from graders.engine.reports.files import write_whole
from graders.engine.reports.formats import csv_table
from graders.engine.reports.gradebooks import canvas, moodle
from graders.engine.reports.gradebooks.gradebook import one_lesson


def export_canvas(
    context: CommandContext,
    gradebook: Path,
    results: Path,
    column: str,
    out: Path | None,
    *,
    practice: bool,
) -> ExitCode:
    """Write Canvas's own export with one column filled in."""
    read = read_results(results)
    filled = canvas.filled(_read(gradebook), gradebook.name, column, read, practice=practice)
    return write_table(context, filled.decode(), out, f"{len(read)} scores")


def export_moodle(
    context: CommandContext, gradebook: Path, results: Path, out: Path | None, *, practice: bool
) -> ExitCode:
    """Write Moodle's own worksheet with the grades filled in."""
    read = read_results(results)
    filled = moodle.filled(_read(gradebook), gradebook.name, read, practice=practice)
    return write_table(context, filled.decode(), out, f"{len(read)} scores")


def export_csv(context: CommandContext, results: Path, out: Path | None) -> ExitCode:
    """Write a table of all results, in the order of their files' names."""
    read = read_results(results)
    one_lesson(read.values())
    practice = sum(result.advisory for result in read.values())
    if practice:
        told = f"{practice} of the {len(read)} results are of practice runs, which do not count."
        print(told, file=context.err)
    text = csv_table.table(tuple(read.values()), names=tuple(read))
    return write_table(context, text, out, f"{len(read)} results")


def read_results(folder: Path) -> Mapping[str, Result]:
    """Return the results in a folder by the names of their files, without `.json`."""
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is not a folder.", cure="Give the folder that holds the result files."
        )
    return {file.stem: read_result(file) for file in sorted(folder.glob("*.json"))}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{file} cannot be read: {reason}.", cure="Give the file that you exported."
        ) from error


def write_table(context: CommandContext, text: str, out: Path | None, what: str) -> ExitCode:
    """Write a table to a file and say ``what`` was written, or to standard output."""
    if out is None:
        context.out.write(text)
    else:
        write_whole(out, text)
        print(f"{what} written to {out}", file=context.err)
    return ExitCode.FULL_MARKS
