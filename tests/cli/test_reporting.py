"""Reports in several formats, results shown again, and what GitHub Actions is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.results import Result, Visibility
from graders.engine.reports import github, json_report
from graders.engine.reports.formats.table import FORMATS
from tests.cli.course import SOLUTION, STUB, run
from tests.reports.nasty import COMMAND, NASTY, hostile
from tests.reports.samples import mixed


def test_every_format_is_written_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, form in FORMATS.items():
        found = run("greeting", SOLUTION, "--report", name)
        assert found.code == ExitCode.FULL_MARKS
        assert (tmp_path / form.file).read_text(encoding="utf-8")


def test_several_reports_are_written_beside_the_page(tmp_path: Path) -> None:
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    found = run("greeting", STUB, "--report", f"html={page}", "--report", f"json={data}")
    assert "Score" in found.out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert Result.model_validate_json(data.read_text(encoding="utf-8")).lesson == "greeting"


def test_report_on_standard_output_stands_there_alone() -> None:
    assert run("greeting", SOLUTION, "--report", "junit=-").out.startswith("<?xml")


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        (["htlm"], "Did you mean `html`?"),
        (["html="], "names no file"),
        (["html=a", "junit=a"], "Two reports would go to `a`"),
        (["junit=-", "html=-"], "Two reports would go to `-`"),
        (["gradescope", "prairielearn"], "Two reports would go to `results.json`"),
        (["html=/no/such/folder/x.html"], "cannot be written"),
    ],
)
def test_wrong_reports_are_told_before_anything_starts(reports: list[str], words: str) -> None:
    options = [word for each in reports for word in ("--report", each)]
    found = run("greeting", SOLUTION, *options)
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert words in found.err
    assert "the server ..." not in found.err


def written(result: Result, folder: Path) -> str:
    """Return the file that holds a result."""
    file = folder / "result.json"
    file.write_text(json_report.render(result), encoding="utf-8")
    return str(file)


def test_result_is_shown_again_without_grading(tmp_path: Path) -> None:
    file = written(mixed(), tmp_path)
    found = run("show", file)
    assert found.code == ExitCode.FULL_MARKS
    assert "The answer comes in the model's pieces" in found.out
    assert run("show", file, "--report", "json=-").out == json_report.render(
        json_report_for_student(mixed())
    )


def json_report_for_student(result: Result) -> Result:
    """Return the result without the cases of what is hidden, and what may quote them."""
    return result.model_copy(
        update={
            "side_calls": (),
            "criteria": tuple(
                row
                if row.visibility is Visibility.VISIBLE
                else row.model_copy(update={"cases": (), "message": None})
                for row in result.criteria
            ),
        }
    )


def test_instructor_reads_what_is_hidden_from_students(tmp_path: Path) -> None:
    file = written(mixed(), tmp_path)
    shown = run("show", file, "--report", "json=-", "--audience", "instructor").out
    assert shown == json_report.render(mixed())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "the beginning: Invalid JSON"),
        ("{}", "Field required"),
        ('{"format_version": 2}', "is a result of format 2; this grader reads format 1"),
        (
            json_report.render(mixed()).replace('"passed"', '"perfect"'),
            "criteria.0.status: Input should be 'passed'",
        ),
        (
            json_report.render(mixed()).replace('"seed"', '"sead"'),
            "seed: Field required.\n  try: Give a file",
        ),
        (
            json_report.render(mixed()).replace('"0.1.0"', '"9.1.0"').replace('"seed"', '"sead"'),
            "seed: Field required. Grader 9.1.0 wrote it; this is 0.1.0.",
        ),
    ],
)
def test_file_that_is_no_result_is_told_with_the_place(
    text: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "result.json"
    file.write_text(text, encoding="utf-8")
    found = run("show", str(file))
    assert found.code == ExitCode.USAGE
    assert f"{file}" in found.err
    assert words in found.err


def test_result_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    found = run("show", str(tmp_path / "no.json"))
    assert found.code == ExitCode.USAGE
    assert "cannot be read" in found.err


def read_outputs(text: str) -> dict[str, str]:
    """Return a step's outputs as the runner reads them: `name<<word`, lines, `word`."""
    values, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, word = line.partition("<<")
        value = []
        for each in lines:
            if each == word:
                break
            value.append(each)
        values[name] = "\n".join(value)
    return values


def test_github_gets_summary_outputs_and_annotations(tmp_path: Path) -> None:
    summary, outputs = tmp_path / "summary", tmp_path / "outputs"
    summary.write_text("before\n", encoding="utf-8")
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_OUTPUT": str(outputs),
    }
    found = run("greeting", STUB, "--require", "practice", environment=environment)
    assert summary.read_text(encoding="utf-8").startswith("before\n# greeting: 0 / 100")
    told = read_outputs(outputs.read_text(encoding="utf-8"))
    assert (told["score"], told["max_score"], told["passed"]) == ("0", "100", "false")
    assert "::error title=" in found.out
    silent = run("greeting", STUB, "--no-github", "--require", "practice", environment=environment)
    assert "::error title=" not in silent.out


def test_annotation_says_where_an_exception_came_from() -> None:
    place = {"file": "app/server.py", "line": 38}
    raised = {"error": "NameError", "places": [{"file": "helper.py", "line": 2}, place]}
    graded = mixed().model_dump()
    graded["criteria"][1]["cases"][0]["feedback"]["raised"] = raised
    first = github.annotations_of(Result.model_validate(graded), "hand-in/")[0]
    assert str(first).startswith("::error file=hand-in/app/server.py,line=38,title=The answer")


def test_text_of_a_student_is_no_command_and_no_second_annotation() -> None:
    told = [str(each) for each in github.annotations_of(hostile())]
    assert COMMAND in NASTY
    assert all("\n" not in each and "\r" not in each for each in told)
    titles = [each.partition("::error ")[2].partition("::")[0] for each in told]
    assert all(title.count("title=") == 1 and ":" not in title for title in titles)


def test_at_most_ten_annotations_and_none_of_what_is_hidden() -> None:
    many = mixed().model_copy(update={"criteria": mixed().criteria[1:3] * 9})
    assert len(github.annotations_of(many)) == github.MOST_ANNOTATIONS


def test_export_fills_a_gradebook_in_or_writes_nothing(tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "filled.csv"
    results.mkdir()
    (results / "alice.json").write_text(json_report.render(mixed()), encoding="utf-8")
    gradebook = tmp_path / "gradebook.csv"
    gradebook.write_text(
        "Student,ID,SIS Login ID,Section,Lesson 2 (7)\n    Points Possible,,,,100\nA,1,alice,x,\n",
        encoding="utf-8",
    )
    told = ("--gradebook", str(gradebook), "--results", str(results), "--out", str(out))
    refused = run("export", "canvas", *told, "--column", "Lesson 2")
    assert refused.code == ExitCode.USAGE
    assert not out.exists()
    broken = run("export", "canvas", *told, "--column", "Lesson 2 (7)")
    assert "alice: the grader broke on a check" in broken.err
    assert not out.exists()
    graded = mixed().model_copy(update={"criteria": mixed().criteria[:3]})
    (results / "alice.json").write_text(json_report.render(graded), encoding="utf-8")
    practice = run("export", "canvas", *told, "--column", "Lesson 2 (7)")
    assert "alice: a practice run" in practice.err
    assert not out.exists()
    taken = run("export", "canvas", *told, "--column", "Lesson 2 (7)", "--practice")
    assert taken.code == ExitCode.FULL_MARKS
    assert out.read_text(encoding="utf-8").endswith("A,1,alice,x,42\n")
    exported = run("export", "csv", "--results", str(results))
    assert "1 of the 1 results are of practice runs" in exported.err
    table = exported.out.splitlines()
    assert [line.split(",")[0] for line in table] == ["submission", "alice"]
    nothing = run("export", "csv", "--results", str(gradebook))
    assert (nothing.code, "is not a folder" in nothing.err) == (ExitCode.USAGE, True)
    json.loads((results / "alice.json").read_text(encoding="utf-8"))


def test_criterion_without_details_is_annotated_with_its_points() -> None:
    hidden = json_report_for_student(mixed())
    told = [str(each) for each in github.annotations_of(hidden)]
    assert any("Nobody can guess this::0 of 10 points" in each for each in told)


def test_result_that_somebody_wrote_by_hand_moves_no_cursor(tmp_path: Path) -> None:
    graded = mixed().model_copy(update={"lesson": "lesson02\x1b[2J", "submission": "a\u202eb"})
    found = run("show", written(graded, tmp_path))
    assert found.code == ExitCode.FULL_MARKS
    assert "\x1b" not in found.out
    assert r"lesson02\x1b[2J" in found.out


def test_result_that_is_nested_without_end_is_told(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text("[" * 100_000, encoding="utf-8")
    found = run("show", str(file))
    assert (found.code, "Invalid JSON" in found.err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"score": 42', f'"score": {"9" * 400}', "a number has 400 digits"),
        ('"duration_ms": 1234.5', '"duration_ms": NaN', "duration_ms: Input should be a finite"),
        ('"duration_ms": 12.5', '"duration_ms": 1e999', "duration_ms: Input should be a finite"),
        ('"seed"', '"a\\n::error::b": 1, "seed"', r"a\n::error::b: Extra inputs"),
    ],
)
def test_numbers_and_names_that_no_grader_writes_are_told(
    form: str, before: str, after: str, told: str, tmp_path: Path
) -> None:
    text = json_report.render(mixed())
    assert before in text
    file = tmp_path / "result.json"
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
    found = run("show", str(file), "--report", f"{form}={tmp_path / 'out'}")
    assert found.code == ExitCode.USAGE
    assert told in found.err
    assert not (tmp_path / "out").exists()
