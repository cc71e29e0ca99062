"""A process and what works for it elsewhere, looked at together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from graders.engine.server.watch.partner import activity_of_partner, activity_with_partner

SLEEPS = "import sys; sys.stdin.read()"
WORKS = "while True: pass"


@dataclass
class Works:
    """A partner with these processes."""

    numbers: tuple[int, ...]
    is_kept_waiting: bool = False

    def processes(self) -> tuple[int, ...]:
        """Return them."""
        return self.numbers


@contextmanager
def process(code: str) -> Iterator[int]:
    """Yield the number of a process that runs ``code``, once it sleeps if it ever does."""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as started:
        try:
            while code == SLEEPS and not activity_of_partner(Works((started.pid,))).asleep:
                assert started.poll() is None
            before = activity_of_partner(Works((started.pid,)))
            while code == WORKS and activity_of_partner(Works((started.pid,))) == before:
                assert started.poll() is None
            yield started.pid
        finally:
            started.kill()


def test_both_asleep_are_asleep() -> None:
    with process(SLEEPS) as server, process(SLEEPS) as other:
        seen = activity_with_partner(server, Works((other,)))
        assert seen is not None
        assert seen.asleep
        alone = activity_with_partner(server, None)
        assert alone is not None
        assert seen.cpu_ns > alone.cpu_ns


def test_one_at_work_is_enough() -> None:
    with process(SLEEPS) as server, process(WORKS) as other:
        for mine, partner in ((server, other), (other, server)):
            seen = activity_with_partner(mine, Works((partner,)))
            assert seen is not None
            assert not seen.asleep


def test_who_waits_for_the_grader_is_not_asleep() -> None:
    with process(SLEEPS) as server, process(SLEEPS) as other:
        seen = activity_with_partner(server, Works((other,), is_kept_waiting=True))
        assert seen is not None
        assert not seen.asleep


def test_a_partner_that_is_away_does_nothing() -> None:
    with process(SLEEPS) as server:
        for numbers in ((), (2**22 + 1,)):
            seen = activity_with_partner(server, Works(numbers))
            assert seen is not None
            assert seen.asleep


def test_of_a_server_that_has_gone_nothing_is_told() -> None:
    assert activity_with_partner(2**22 + 1, Works(())) is None
