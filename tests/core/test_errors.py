"""The exceptions carry their parts, and say them in one line."""

from __future__ import annotations

from pathlib import Path

from graders.engine.core.errors import AutograderError, ContentError, Finding, UsageError


def test_content_error_names_file_line_and_cure() -> None:
    error = ContentError(Path("rubric.yaml"), 7, "`points` is missing.", cure="Add it.")
    assert str(error) == "rubric.yaml:7: `points` is missing. Add it."
    assert (error.line, error.cure) == (7, "Add it.")


def test_content_error_of_a_whole_file_has_no_line() -> None:
    assert str(ContentError(Path("rubric.yaml"), None, "is empty.")) == "rubric.yaml: is empty."


def test_usage_error_keeps_its_cure_apart() -> None:
    error = UsageError("There is no lesson `lesso02`.", cure="Did you mean `lesson02`?")
    assert (str(error), error.cure) == (error.message, "Did you mean `lesson02`?")


def test_finding_carries_what_was_seen_and_where() -> None:
    finding = Finding("The stream broke.", hint="crash", mark=3)
    assert (finding.seen, finding.hint, finding.mark) == ("The stream broke.", "crash", 3)
    assert isinstance(finding, AutograderError)
