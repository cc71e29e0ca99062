"""The exceptions carry their parts, and say them in one line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    "error",
    [
        ContentError(Path("rubric.yaml"), 7, "`points` is missing.", cure="Add it."),
        UsageError("There is no lesson `lesso02`.", cure="Did you mean `lesson02`?"),
        Finding("The stream broke.", hint="crash", mark=3),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_is_whole_after_its_way_to_another_process(error: AutograderError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
