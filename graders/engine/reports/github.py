"""What GitHub Actions reads of a run: annotations, the summary of the step, its outputs.

Pure: returns what is to be written, and to which place. Student text stands in annotations only
where the runner's own rules escape it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from graders.engine.core.results import Result, Status
from graders.engine.core.text import shorten, visible
from graders.engine.reports import causes
from graders.engine.reports.formats import github_classroom

MOST_ANNOTATIONS = 10
"""GitHub shows at most ten errors of a step."""
LONGEST_ANNOTATION = 1_000


@dataclass(frozen=True)
class Annotation:
    """One error beside a line of a file; ``file`` is empty where no line is to blame."""

    title: str
    text: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """Return the runner's command."""
        places = {"file": self.file, "line": str(self.line or ""), "title": self.title}
        told = ",".join(f"{name}={_property(text)}" for name, text in places.items() if text)
        return f"::error {told}::{_data(self.text)}"


def annotations_of(result: Result, folder: str = "") -> tuple[Annotation, ...]:
    """Return the annotations of what failed, the first ten.

    ``folder`` is where the submission lies in the repository: empty, or a path that ends in `/`.
    """
    return tuple(islice(_annotations(result, folder), MOST_ANNOTATIONS))


def outputs(result: Result, delimiter: str) -> str:
    """Return what is appended to the file of outputs; nobody may know ``delimiter`` before."""
    values = {
        "score": str(result.score),
        "max_score": str(result.max_score),
        "passed": json.dumps(result.full_marks),
        "result": base64.b64encode(json.dumps(github_classroom.document(result)).encode()).decode(),
    }
    return "".join(f"{name}<<{delimiter}\n{value}\n{delimiter}\n" for name, value in values.items())


def _annotations(result: Result, folder: str) -> Iterator[Annotation]:
    problem = result.problem
    if problem is not None:
        yield Annotation("The submission could not be graded", f"{problem.title} {problem.cure}")
    for row in causes.failed(result):
        feedback = next((case.feedback for case in row.cases if case.feedback), None)
        points = f"{row.score} of {row.max_score} points"
        if feedback is None:
            yield Annotation(row.title, points)
        else:
            text = shorten(f"{feedback.seen}\n{feedback.advice}\n({points})", LONGEST_ANNOTATION)
            places = feedback.raised.places if feedback.raised else ()
            file, line = (f"{folder}{places[-1].file}", places[-1].line) if places else ("", 0)
            yield Annotation(row.title, text, file, line)
    broken = [row.title for row in result.criteria if row.status is Status.ERROR]
    if broken:
        yield Annotation("The grader broke", f"This is not your fault: {'; '.join(broken)}")


def _data(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
