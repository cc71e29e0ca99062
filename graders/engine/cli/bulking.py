"""``grade.py bulk``: grade many submissions, or show with ``--dry-run`` what would be graded.

Must not decide anything about a submission: it puts the parts of ``bulk`` together and prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from graders.engine.bulk import class_page, grades
from graders.engine.bulk.assigning import Assigned, assign
from graders.engine.bulk.audit import AuditReport, audit
from graders.engine.bulk.cluster import LOCAL, Tls, opened_cluster
from graders.engine.bulk.deliveries import Entry
from graders.engine.bulk.differences import changes
from graders.engine.bulk.finding import found_submissions
from graders.engine.bulk.journal import opened_journal
from graders.engine.bulk.packing import texts_in
from graders.engine.bulk.processes import SeparateProcesses
from graders.engine.bulk.projects import ProjectMarks, opened_project
from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.repositories import Repositories
from graders.engine.bulk.roster import Roster, read_roster
from graders.engine.bulk.run import (
    Again,
    BulkRun,
    GradingWorkers,
    PackedListener,
    RunPlan,
    records_in_order,
    replaced,
    unheard,
)
from graders.engine.bulk.similarity import LANGUAGES, Code, Similarity, similar
from graders.engine.bulk.worker import cold_servers, versions_of
from graders.engine.cli.bulk_changes import table_of
from graders.engine.cli.bulk_progress import bulk_watched
from graders.engine.cli.context import CommandContext, print_page, real_servers
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.canaries import new_seed
from graders.engine.content.catalogue import Lesson
from graders.engine.content.models import Database
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import IsolationLevel
from graders.engine.core.text import quote
from graders.engine.grading.required import required_level
from graders.engine.reports.files import write_whole
from graders.engine.submissions.submission_copy import SubmissionProblem

GRADES = "grades.csv"
PAGE = "index.html"
SIMILARITY = "similarity.html"
BATCH = 2
"""Submissions that travel together to another machine."""
MOST_AT_FIRST = 16
"""Workers of a cluster that are kept busy, also if fewer have come when a run begins."""


@dataclass(frozen=True)
class BulkOrder:
    """What the command line asked for."""

    submissions: Path
    lesson: str
    out: Path | None = None
    roster: Path | None = None
    due: str | None = None
    dry_run: bool = False
    jobs: int = 1
    seed: int | None = None
    again: Again = Again.STALE
    require: IsolationLevel | None = None
    verbose: bool = False
    audit: int = 0
    similarity: bool = False
    dask: str | None = None
    tls: Tls = field(default_factory=Tls)
    memory_limit: int | None = None
    database: Database | None = None


@dataclass(frozen=True)
class _Class:
    """All that is to be graded, and who is in the class."""

    lesson: Lesson
    roster: Roster
    assigned: Assigned = field(default_factory=lambda: Assigned(()))


def run_bulk(context: CommandContext, order: BulkOrder) -> ExitCode:
    """Find, grade and tell; say by the exit code whether something of ours went wrong."""
    lesson = context.catalogue.lesson(order.lesson).on(order.database)
    roster = read_roster(order.roster) if order.roster else Roster()
    repositories = Repositories(order.due)
    with found_submissions(order.submissions, lesson.id, repositories) as deliveries:
        group = _Class(lesson, roster, assign(deliveries, roster))
        if order.dry_run:
            print_page(context.stdout(), Group(_dry_page(group), Text()))
            _print_remarks(context.stdout(), group)
            return ExitCode.FULL_MARKS
        if order.out is None:
            raise UsageError(
                "It is not said where the results go.", cure="Give a folder: --out RESULTS"
            )
        return _graded(context, order, order.out, group)


def _graded(context: CommandContext, order: BulkOrder, out: Path, group: _Class) -> ExitCode:
    lesson, entries = group.lesson, group.assigned.entries
    plan = RunPlan(
        lesson=lesson,
        out=out,
        require=required_level(order.require, context.environment, of_many=True),
        versions=versions_of(lesson),
        new_seed=new_seed(),
        seed=order.seed,
        again=order.again,
        root=None if context.root == REPOSITORY else context.root,
    )
    stderr = context.stderr()
    with opened_journal(out) as journal, ExitStack() as stack:
        with bulk_watched(stderr, len(entries), verbose=order.verbose) as progress:
            codes: list[Code] = []
            on_packed = _collecting(codes) if order.similarity else unheard
            run = BulkRun(plan, entries, journal, progress, on_packed)
            workers = stack.enter_context(_workers(context, order))
            try:
                run.grade(workers)
            except KeyboardInterrupt:
                _tell_interrupted(stderr, progress.done, len(entries))
                raise
        graded = records_in_order(run)
        _write_class(out, group, graded)
        pairs = _compared(lesson, codes, out) if order.similarity else None
        _summarise(context, out, group, graded, kept=progress.kept)
        _print_changes(context, run)
        if pairs is not None:
            _print_pairs(context, pairs, out)
        # Last, when all that it cannot change is written and told.
        is_sound = _audited(context, order, run, workers)
    failed = any(each.record.error for each in run.finished.values()) or not is_sound
    return ExitCode.GRADER_BROKE if failed else ExitCode.FULL_MARKS


def _collecting(codes: list[Code]) -> PackedListener:
    """Return what keeps the code of each project as it is packed, so that none is packed again."""

    def keep(entry: Entry, data: bytes) -> None:
        codes.append(Code(entry.student, entry.file, texts_in(data, LANGUAGES)))

    return keep


def _compared(lesson: Lesson, codes: Sequence[Code], out: Path) -> Similarity:
    """Write the page of pairs that share code; return what was found."""
    from graders.engine.bulk.similarity_page import render  # noqa: PLC0415 - only here

    given = {
        each.name: each.read_text(encoding="utf-8")
        for each in lesson.assignment_dir.rglob("*")
        if each.name.endswith((*LANGUAGES, ".md"))
    }
    found = similar(codes, given)
    write_whole(out / SIMILARITY, render(lesson.id, found))
    return found


def _print_pairs(context: CommandContext, found: Similarity, out: Path) -> None:
    count = len(found.pairs) + found.more
    told = f"{count} pair{'' if count == 1 else 's'} of submissions share code"
    context.stdout().print(
        Text(f"{told}: look at {out / SIMILARITY}." if count else "No two submissions share code."),
        soft_wrap=True,
    )


def _audited(
    context: CommandContext, order: BulkOrder, run: BulkRun, workers: GradingWorkers
) -> bool:
    """Grade some again if that was asked for; return whether all came out as before."""
    if not order.audit:
        return True
    cold = cold_servers if context.servers is real_servers else context.servers
    stderr, count = context.stderr(), 2 * min(order.audit, len(run.entries))
    starting = "Audit: some are graded twice more, which changes no result ..."
    with bulk_watched(stderr, count, starting=starting) as progress:
        try:
            report = audit(run, workers, cold, order.audit, progress.tell)
        except KeyboardInterrupt:
            stderr.print(Text("The audit was stopped; all results are written."))
            raise
    _print_audit(context, report)
    return not report.differences


def _print_audit(context: CommandContext, report: AuditReport) -> None:
    page = context.stdout()
    page.print(Text(report.sentence), soft_wrap=True)
    for each in report.differences:
        points = [f"{name} {was} → {has}" for name, was, has in each.criteria]
        told = "; ".join(filter(None, [*points, quote(each.error, 300)]))
        line = f"  {quote(each.student)}, {each.way} (--seed {each.seed}): {told}"
        page.print(Text(line), soft_wrap=True)
    if report.differences:
        page.print(
            Text(
                "A score that depends on the seed, or on what was prepared, is an error of ours: "
                "report it."
            )
        )


@contextmanager
def _workers(context: CommandContext, order: BulkOrder) -> Iterator[GradingWorkers]:
    """Yield who grades; when the run is broken off, all of them have ended at once."""
    if order.dask is not None:
        with opened_cluster(
            order.dask, jobs=order.jobs, tls=order.tls, memory_limit=order.memory_limit
        ) as cluster:
            batch = 1 if order.dask == LOCAL else BATCH
            # More workers may come while it runs.
            count = cluster.count if order.dask == LOCAL else max(cluster.count, MOST_AT_FIRST)
            yield GradingWorkers(cluster.executor, context.servers, count, batch, cluster.reason_of)
        return
    processes = SeparateProcesses(order.jobs)
    try:
        yield GradingWorkers(processes, context.servers, order.jobs)
    except BaseException:
        processes.kill()
        raise
    processes.shutdown()


def _tell_interrupted(stderr: Console, done: int, count: int) -> None:
    stderr.print(
        Text(
            f"Stopped after {done} of {count}; nothing that was graded is lost. "
            "Give the same command again, and it goes on from here."
        )
    )


def _write_class(out: Path, group: _Class, graded: list[tuple[Entry, ResultRecord]]) -> None:
    rows = grades.rows_of(graded, group.roster.students)
    write_whole(out / GRADES, grades.table(rows, group.lesson.rubric.ids))
    page = class_page.ClassPage(group.lesson.title, group.lesson.id, rows)
    write_whole(out / PAGE, class_page.render(page))


def _summarise(
    context: CommandContext,
    out: Path,
    group: _Class,
    graded: list[tuple[Entry, ResultRecord]],
    *,
    kept: int,
) -> None:
    """Print what came of the run, in a few lines."""
    page = context.stdout()
    errors = [(entry, record) for entry, record in graded if record.error]
    scores = [record.score for _, record in graded if not record.error]
    full = sum(record.full_marks for _, record in graded)
    count = f"{len(graded)} submission{'' if len(graded) == 1 else 's'}"
    page.print(Text(f"{count} of {group.lesson.id}; {kept} as they were before."))
    if scores:
        page.print(
            Text(
                f"Scores: {min(scores)} to {max(scores)} of {graded[0][1].max_score}, "
                f"median {median(scores):g}; {full} with full marks."
            )
        )
    for entry, record in errors:
        told = Text(f"No score: {quote(entry.student)}: {quote(record.error, 300)}")
        page.print(told, soft_wrap=True)
    if errors:
        page.print(Text("These are errors of ours. `--only-errors` tries them again."))
    _print_remarks(page, group)
    page.print(Text(f"Written to {out}: {PAGE}, {GRADES}, results/, reports/"), soft_wrap=True)


def _print_changes(context: CommandContext, run: BulkRun) -> None:
    """Say which scores are others than before, where something was graded again."""
    again = replaced(run)
    found = list(
        changes(
            {student: before for student, (before, _) in again.items()},
            {student: now for student, (_, now) in again.items()},
        )
    )
    if found:
        print_page(context.stdout(), Group(table_of(found), Text()))


def _dry_page(group: _Class) -> Table:
    """Return a table of what would be graded."""
    marks = ProjectMarks.of(group.lesson)
    table = Table(title=f"{len(group.assigned.entries)} submissions", title_justify="left")
    for heading in ("student", "submission", "project", "remarks"):
        table.add_column(heading, overflow="fold")
    for entry in group.assigned.entries:
        project, remarks = _looked_at(entry, marks)
        table.add_row(
            Text(quote(entry.student)),
            Text(quote(entry.delivery.called)),
            Text(project),
            Text("; ".join([*_remarks(entry), *remarks])),
        )
    return table


def _looked_at(entry: Entry, marks: ProjectMarks) -> tuple[str, list[str]]:
    """Return which project would be taken, and what is to be said of it."""
    try:
        with entry.delivery.place() as place, opened_project(place, marks) as project:
            if project.problem is not None:
                return "none", [project.problem.title, project.problem.detail]
            if not marks.in_folder(project.folder):
                return "none", ["nothing looks like a project of this lesson"]
            others = [f"also there: {', '.join(project.others[:3])}"] if project.others else []
            stub = ["the assignment as it was given out"] if marks.is_stub(project.folder) else []
            return project.shown or ".", [*others, *stub]
    except SubmissionProblem as error:
        return "none", [error.problem.title, error.problem.detail]
    except OSError as error:
        return "none", [f"cannot be read: {error.strerror or error}"]


def _remarks(entry: Entry) -> list[str]:
    told = list(entry.delivery.notes)
    if entry.older:
        told.append(f"newest of {len(entry.older) + 1}; older: {', '.join(entry.older[:3])}")
    if entry.late:
        told.append("late")
    if not entry.on_roster:
        told.append("not on the roster")
    if len(entry.members) > 1:
        told.append(f"of {', '.join(entry.members)}")
    return [quote(each, 200) for each in told]


def _print_remarks(page: Console, group: _Class) -> None:
    """Say who of the roster handed nothing in, and which submissions belong to nobody."""
    missing = [quote(each.id) for each in group.assigned.missing]
    if missing:
        page.print(Text(f"Not handed in ({len(missing)}): {', '.join(missing)}"))
    strange = [quote(each.delivery.called) for each in group.assigned.entries if not each.on_roster]
    if strange:
        page.print(Text(f"Not on the roster ({len(strange)}): {', '.join(strange)}"))
