"""What a server uses, seen from outside and held against its limits."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from graders.engine.core.limits import ProcessLimits
from graders.engine.server.watch.folders import Contents, contents_of
from graders.engine.server.watch.footprint import Footprint, amount
from graders.engine.server.watch.process_state import use

LOOKS = 25


def footprint(folder: Path, **limits: int) -> Footprint:
    """Return the footprint of this very process, which is no server and has limits of its own."""
    own = ProcessLimits(**{"memory_mb": 100_000, "processes": 10_000, **limits})
    return Footprint(os.getpid(), [folder], own, contents_of([folder], most_files=100))


def after_looks(seen: Footprint) -> str | None:
    """Look as often as it takes until the folders have been looked through as well."""
    return next(filter(None, (seen.excess() for _ in range(LOOKS))), None)


def test_this_process_is_within_wide_limits(tmp_path: Path) -> None:
    assert after_looks(footprint(tmp_path)) is None


def test_memory_is_told_with_its_limit(tmp_path: Path) -> None:
    assert footprint(tmp_path, memory_mb=1).excess() == "used more than 1 MiB of memory"


class Elsewhere:
    """A partner that is this very process, several times."""

    is_kept_waiting = False

    def __init__(self, times: int) -> None:
        self._times = times

    def processes(self) -> list[int]:
        """Return their numbers, and that of one that has ended meanwhile."""
        return [os.getpid()] * self._times + [2**22 + 1]


def test_memory_of_a_database_server_is_that_of_all_its_processes(tmp_path: Path) -> None:
    used = use(os.getpid())
    assert used is not None
    limits = ProcessLimits(memory_mb=used.own_memory // 2**20 * 2, processes=10_000)
    told = f"used more than {amount(limits.memory_mb)} of memory in its database server"
    for times, excess in ((1, None), (3, told)):
        seen = Footprint(2**22 + 1, [tmp_path], limits, Contents(), Elsewhere(times))
        assert after_looks(seen) == excess


def test_threads_are_told_with_their_limit(tmp_path: Path) -> None:
    waiting = threading.Event()
    threads = [threading.Thread(target=waiting.wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    seen = footprint(tmp_path, processes=3)
    assert seen.excess() == "started more than 3 threads at once"
    assert seen.threads_are_full
    waiting.set()


def test_disk_is_told_with_its_limit(tmp_path: Path) -> None:
    seen = footprint(tmp_path, disk_mb=1)
    assert not seen.disk_is_full
    for number in range(3):
        (tmp_path / str(number)).write_bytes(bytes(400_000))
    assert after_looks(seen) == "wrote more than 1 MiB in its folders"
    assert seen.disk_is_full


def test_files_are_told_with_their_limit(tmp_path: Path) -> None:
    seen = footprint(tmp_path, disk_files=2)
    for number in range(3):
        (tmp_path / str(number)).touch()
    assert after_looks(seen) == "made more than 2 files in its folders"


def test_what_was_handed_in_is_not_counted(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(bytes(400_000))
    assert after_looks(footprint(tmp_path, disk_mb=1, disk_files=1)) is None


def test_a_file_as_long_as_it_may_be_is_seen(tmp_path: Path) -> None:
    seen = footprint(tmp_path, file_size_mb=1)
    assert not seen.file_is_full
    (tmp_path / "chat.db").write_bytes(bytes(1_040_000))
    assert seen.file_is_full


def test_a_process_that_has_gone_uses_nothing(tmp_path: Path) -> None:
    assert use(2**22 + 1) is None
    gone = Footprint(2**22 + 1, [tmp_path], ProcessLimits(memory_mb=1), Contents())
    assert gone.excess() is None
    assert not gone.threads_are_full


@pytest.mark.parametrize(
    ("mebibytes", "told"),
    [
        (16, "16 MiB"),
        (1_000, "1,000 MiB"),
        (1_024, "1 GiB"),
        (1_500, "1,500 MiB"),
        (4_096, "4 GiB"),
    ],
)
def test_an_amount_is_told_as_people_do(mebibytes: int, told: str) -> None:
    assert amount(mebibytes) == told
