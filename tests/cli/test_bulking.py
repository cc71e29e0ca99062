"""`grade.py bulk` on the miniature course, as an instructor sees it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from graders.engine.bulk.orders import GradeOrder
from graders.engine.bulk.run import BulkRun
from graders.engine.cli import bulking
from graders.engine.cli.exit_codes import ExitCode
from tests.bulk.class_folder import POISON, RIGHT, RUDE, a_class, fragile_servers, hand_in
from tests.cli.course import Outcome, run
from tests.miniature import stand_in_servers

PRACTICE = ("--require", "practice", "-j", "1")


def bulk(source: Path, out: Path, *words: str, servers: object = stand_in_servers) -> Outcome:
    """Grade a class."""
    given = ("bulk", str(source), "--lesson", "greeting", "--out", str(out), *PRACTICE, *words)
    return run(*given, servers=servers)


def table(out: Path) -> dict[str, dict[str, str]]:
    """Return the table of grades by student."""
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_class_is_graded_and_told(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    roster = tmp_path / "students.csv"
    roster.write_text("id,name\nada,Ada L\ndee,\nzoe,Zoe\nbob,\ncyd,\n", encoding="utf-8")
    outcome = bulk(source, out, "--roster", str(roster))
    assert outcome.code == ExitCode.FULL_MARKS
    assert "[5/5] " in outcome.err
    assert "5 submissions of greeting; 0 as they were before." in outcome.out
    assert "Scores: 0 to 100 of 100, median 0; 2 with full marks." in outcome.out
    assert "Not handed in (1): zoe" in outcome.out
    assert "Not on the roster (1): eve.zip" in outcome.out
    rows = table(out)
    assert list(rows) == ["ada", "dee", "zoe", "bob", "cyd", "eve"]
    assert (rows["ada"]["score"], rows["ada"]["polite"], rows["ada"]["name"]) == (
        "100",
        "30",
        "Ada L",
    )
    assert (rows["zoe"]["status"], rows["zoe"]["score"]) == ("not handed in", "")
    assert rows["eve"]["notes"] == "not on the roster; The archive cannot be used"
    again = bulk(source, out, "--roster", str(roster))
    assert "5 as they were before" in again.out
    assert "[1/5]" not in again.err


def test_dry_run_shows_what_would_be_graded_and_writes_nothing(tmp_path: Path) -> None:
    source = a_class(tmp_path / "class")
    hand_in(source / "fay" / "my" / "project")
    outcome = run("bulk", str(source), "--lesson", "greeting", "--dry-run")
    assert outcome.code == ExitCode.FULL_MARKS
    assert "6 submissions" in outcome.out
    assert "my/project" in outcome.out
    assert "the assignment as it was given out" in outcome.out
    assert "nothing looks like a project" in outcome.out
    assert "The archive cannot be used" in outcome.out
    assert list(tmp_path.iterdir()) == [source]


def test_error_of_ours_is_told_and_no_zero(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    hand_in(source / "bad", POISON)
    outcome = bulk(source, out, servers=fragile_servers)
    assert outcome.code == ExitCode.GRADER_BROKE
    assert "No score: bad: WorkerDiedError" in outcome.out
    assert "`--only-errors` tries them again" in outcome.out
    rows = table(out)
    assert (rows["bad"]["score"], rows["bad"]["status"]) == ("", "error of the grader")
    assert rows["ada"]["score"] == "100"
    hand_in(source / "bad")
    again = bulk(source, out, "--only-errors")
    assert again.code == ExitCode.FULL_MARKS
    assert "[6/6] bad: 100/100" in again.err or "bad: 100/100" in again.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--force", "--changed"), "do not go together"),
        (("--roster", "none.csv"), "none.csv cannot be read"),
        (("--due", "tomorrow"), "Invalid value for '--due'"),
        (("-j", "0"), "0 is less than 1"),
        (("--database", "postgresql"), "greeting cannot be graded with postgresql"),
        (("--memory-limit", "1GB"), "for the workers that `--dask local` makes"),
        (("--dask", "local", "--memory-limit", "1MB"), "Give at least 256MB"),
    ],
)
def test_impossible_wishes_are_told(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    outcome = bulk(a_class(tmp_path / "class"), tmp_path / "out", *words)
    assert outcome.code == ExitCode.USAGE
    assert told in outcome.err
    assert not (tmp_path / "out").exists()


def test_without_a_place_for_results_nothing_is_graded(tmp_path: Path) -> None:
    source = a_class(tmp_path / "class")
    outcome = run("bulk", str(source), "--lesson", "greeting")
    assert outcome.code == ExitCode.USAGE
    assert "--out RESULTS" in outcome.err


def test_ctrl_c_ends_all_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    monkeypatch.setattr(BulkRun, "_tell", interrupted)
    outcome = bulk(source, out)
    assert outcome.code == ExitCode.INTERRUPTED
    assert "Give the same command again, and it goes on" in " ".join(outcome.err.split())
    monkeypatch.undo()
    again = bulk(source, out)
    assert "1 as they were before" in again.out


def test_server_that_is_too_weakly_isolated_gives_no_score(tmp_path: Path) -> None:
    source = hand_in(tmp_path / "class" / "ada").parent
    given = ("bulk", str(source), "--lesson", "greeting", "--out", str(tmp_path / "out"), "-j", "1")
    outcome = run(*given)
    assert outcome.code == ExitCode.NOT_ISOLATED


def test_changed_scores_are_told_with_the_reason(tmp_path: Path) -> None:
    source, old, new = a_class(tmp_path / "class"), tmp_path / "old", tmp_path / "new"
    bulk(source, old)
    shutil.copytree(old, new)
    hand_in(source / "ada", RUDE)
    hand_in(source / "fay")
    again = bulk(source, new)
    assert "1 changed score" in again.out
    assert "polite 30 → 20" in again.out
    assert "changed: the submission" in again.out
    outcome = run("diff", str(old), str(new))
    assert outcome.code == ExitCode.NOT_FULL_MARKS
    assert "2 changed scores" in outcome.out
    assert "none" in outcome.out
    same = run("diff", str(new), str(new))
    assert (same.code, same.out) == (ExitCode.FULL_MARKS, "No score has changed.\n")
    assert run("diff", str(source), str(new)).code == ExitCode.USAGE


def test_similar_submissions_are_told_with_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "class", tmp_path / "out"
    shared = "".join(f"value_{n} = [{n}, {n} + 1]\n" for n in range(40))
    for student in ("ada", "bob"):
        hand_in(source / student, RIGHT + shared)
    hand_in(source / "cyd")
    packed: list[int] = []
    order_of = BulkRun.order_of

    def counted(run: BulkRun, number: int) -> GradeOrder:
        packed.append(number)
        return order_of(run, number)

    monkeypatch.setattr(BulkRun, "order_of", counted)
    outcome = bulk(source, out, "--similarity")
    assert packed == [0, 1, 2]
    assert f"1 pair of submissions share code: look at {out / 'similarity.html'}." in outcome.out
    page = (out / "similarity.html").read_text(encoding="utf-8")
    assert "3 submissions compared, 1 pair to look at" in page
    hand_in(source / "bob")
    assert "No two submissions share code." in bulk(source, out, "--similarity").out


def test_audit_is_told(tmp_path: Path) -> None:
    outcome = bulk(a_class(tmp_path / "class"), tmp_path / "out", "--audit", "2")
    assert outcome.code == ExitCode.FULL_MARKS
    told = " ".join(outcome.out.split())
    assert "Audit: 2 submissions drawn at random, 4 more gradings with other seeds" in told
    assert "none differs" in told
    assert "Audit: some are graded twice more" in outcome.err
    assert "[4/4] " in outcome.err
    assert "the same, another seed" in outcome.err


def test_audit_that_is_stopped_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bulking, "audit", interrupted)
    outcome = bulk(a_class(tmp_path / "class"), tmp_path / "out", "--audit", "2")
    assert outcome.code == ExitCode.INTERRUPTED
    assert "The audit was stopped; all results are written." in outcome.err
    assert table(tmp_path / "out")["ada"]["score"] == "100"
