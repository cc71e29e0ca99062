"""Grading on a Dask cluster gives what grading here gives, also where workers die."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import distributed
import pytest

from graders.engine.bulk import cluster
from graders.engine.bulk.cluster import Tls, memory_limit_of, opened_cluster
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from tests.bulk.certificates import certificate
from tests.bulk.class_folder import (
    GREEDY,
    POISON,
    a_class,
    fragile_servers,
    greedy_servers,
    hand_in,
)
from tests.cli.course import run
from tests.cli.test_bulking import table

WORKER = "import sys; from graders.engine.cli.main import main; sys.exit(main(sys.argv[1:]))"


def test_cluster_with_encryption_and_a_worker_that_dies(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    hand_in(source / "bad", POISON)
    cert, key = map(str, certificate(tmp_path))
    words = ("--tls-ca", cert, "--tls-cert", cert, "--tls-key", key)
    security = Tls(cert, cert, key).security()
    typed = cast("Any", distributed)
    with typed.LocalCluster(
        n_workers=0, dashboard_address=None, protocol="tls://", security=security
    ) as scheduler:
        address = scheduler.scheduler_address
        assert address.startswith("tls://")
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, "worker", address, "-j", "1", *words],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stderr=subprocess.PIPE,
            text=True,
        ) as worker:
            outcome = run(
                *("bulk", str(source), "--lesson", "greeting", "--out", str(out)),
                *("--require", "practice", "--dask", address, *words),
                servers=fragile_servers,
            )
            worker.terminate()
            assert "1 workers for tls://" in worker.communicate()[1]
    assert outcome.code == ExitCode.GRADER_BROKE
    rows = table(out)
    assert {name: row["score"] for name, row in rows.items()} == {
        "ada": "100",
        "bob": "0",
        "cyd": "0",
        "dee": "100",
        "eve": "0",
        "bad": "",
    }
    assert "KilledWorker: the worker at tls://" in rows["bad"]["notes"]


def test_worker_over_its_memory_limit_costs_its_submission_only(tmp_path: Path) -> None:
    source, out = tmp_path / "class", tmp_path / "out"
    hand_in(source / "ada")
    hand_in(source / "greedy", GREEDY)
    hand_in(source / "zoe")
    outcome = run(
        *("bulk", str(source), "--lesson", "greeting", "--out", str(out), "--require", "practice"),
        *("-j", "1", "--dask", "local", "--memory-limit", "300MB"),
        servers=greedy_servers,
    )
    assert outcome.code == ExitCode.GRADER_BROKE
    rows = table(out)
    assert {name: row["score"] for name, row in rows.items()} == {
        "ada": "100",
        "greedy": "",
        "zoe": "100",
    }
    assert "KilledWorker: its worker came too near to its memory limit" in rows["greedy"]["notes"]


@pytest.mark.parametrize("limit", ["nonsense", "255MB", "0.5", ""])
def test_memory_that_no_worker_could_grade_with_is_told(limit: str) -> None:
    with pytest.raises(UsageError, match="is no memory that a worker could grade with"):
        memory_limit_of(limit)
    assert memory_limit_of("1.5GB") == 1_500_000_000


def test_scheduler_that_is_not_there_and_one_without_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", "100ms")
    with (
        pytest.raises(UsageError, match="No scheduler answers at"),
        opened_cluster("tcp://127.0.0.1:9", jobs=1, tls=Tls()),
    ):
        pass
    with (
        pytest.raises(UsageError, match="has no workers"),
        cast("Any", distributed).LocalCluster(n_workers=0, dashboard_address=None) as scheduler,
        opened_cluster(scheduler.scheduler_address, jobs=1, tls=Tls()),
    ):
        pass


def test_encryption_needs_all_its_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="three files"):
        Tls(ca="x")
    with pytest.raises(UsageError, match="There is no file"):
        Tls("x", "x", "x")
    assert Tls().security() is None
    assert list(tmp_path.iterdir()) == []


def test_without_dask_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(UsageError, match="not installed"),
        opened_cluster("local", jobs=1, tls=Tls()),
    ):
        pass
