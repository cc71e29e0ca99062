"""The pytest plugin of a grading run: which tests run, in what order, and what each one said.

Must not judge (``verdict`` does), count (``score`` does) or keep books (``ledger`` does).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest

from graders.engine.content.models import Criterion
from graders.engine.core.errors import ContentError
from graders.engine.grading.checks import Check, matched
from graders.engine.grading.fixtures import BENCH, TRACE, Bench
from graders.engine.grading.ledger import Ledger
from graders.engine.grading.verdict import SILENT, Verdict, judge, worse


class GradingPlugin:
    """Runs the checks of one lesson and writes what they say into a ledger.

    ``prepare`` is called once with all checks, before the first one runs, and returns the
    ledger: what is left out can depend on what the checks need. ``clock`` gives seconds.
    What went wrong with pytest itself is in ``content_error``, ``interrupted`` and ``broken``.
    """

    def __init__(
        self,
        criteria: Sequence[Criterion],
        rubric_file: Path,
        bench: Bench,
        prepare: Callable[[Sequence[Check]], Ledger],
        clock: Callable[[], float],
    ) -> None:
        self._criteria = {criterion.id: criterion for criterion in criteria}
        self._rubric_file = rubric_file
        self._bench = bench
        self._prepare = prepare
        self._clock = clock
        self._checks: dict[str, Check] = {}
        self._said: dict[str, Verdict] = {}
        self._began = 0.0
        self.ledger: Ledger | None = None
        self.content_error: ContentError | None = None
        self.interrupted = False
        self.broken = ""

    def pytest_configure(self, config: pytest.Config) -> None:
        """Lay out what the fixtures need."""
        config.stash[BENCH] = self._bench

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a test file that cannot even be imported: the lesson is wrong."""
        if report.failed and self.content_error is None:
            path = self._rubric_file.parent / report.nodeid
            self.content_error = ContentError(path, None, _last_line(report.longreprtext))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Match the tests with the rubric and put them in order."""
        if self.content_error is None:
            try:
                checks = matched(items, tuple(self._criteria.values()), self._rubric_file)
            except ContentError as error:
                self.content_error = error
        if self.content_error is not None:
            items.clear()
            return
        self._checks = {check.item.nodeid: check for check in checks}
        self.ledger = self._prepare(checks)
        items[:] = [check.item for check in checks]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests, but for those whose criterion is blocked or left out.

        Which test is next is not known before this one has spoken, so nothing is kept set up from
        one test to the next (``nextitem=None``).
        """
        for item in session.items:
            if self._open_ledger().may_try(self._criterion_of(item.nodeid)):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        return True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin a test; until it says something it is silent."""
        self._said[nodeid] = SILENT
        self._began = self._clock()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge one phase of a test; what was said before stands if it is worse."""
        criterion = self._criterion_of(item.nodeid)
        error = call.excinfo.value if call.excinfo else None
        verdict = judge(error, criterion, item.stash.get(TRACE, None))
        before = self._said[item.nodeid]
        self._said[item.nodeid] = verdict if before is SILENT else worse(before, verdict)
        return (yield)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write down what the test said; a test that never comes here did not report."""
        took_ms = (self._clock() - self._began) * 1000
        name, said = self._checks[nodeid].name, self._said[nodeid]
        self._open_ledger().record(self._criterion_of(nodeid), name, said, took_ms)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note Ctrl-C; pytest's own reasons to stop are just runs that did not report."""
        self.interrupted = excinfo.type is KeyboardInterrupt

    def pytest_internalerror(self, excrepr: object) -> bool:
        """Keep what pytest would have printed, for ``--verbose``."""
        self.broken = str(excrepr)
        return True

    def _criterion_of(self, nodeid: str) -> Criterion:
        return self._criteria[self._checks[nodeid].criterion]

    def _open_ledger(self) -> Ledger:
        assert self.ledger is not None, "tests run after they were collected"
        return self.ledger


def _last_line(text: str) -> str:
    """Return what pytest's report of a failed import comes to: its last line."""
    lines = [line.removeprefix("E").strip() for line in text.splitlines() if line.strip()]
    return f"cannot be collected: {lines[-1] if lines else 'no reason was given'}"
