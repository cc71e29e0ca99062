"""Pictures of a result are written to files, each once."""

from __future__ import annotations

import base64
import shutil

from graders.engine.cli.pictures import write_pictures
from graders.engine.core.results import Picture, Result, Status
from tests.reports.samples import FEEDBACK, case, result, row


def pictured() -> Result:
    """Return a result with two criteria of which one has pictures: three, two of them the same."""
    cases = [
        case(str(number), Status.FAILED, FEEDBACK.model_copy(update={"picture": picture}))
        for number, picture in enumerate(
            [Picture(of="One.", jpeg="AAAA"), Picture(of="One.", jpeg="AAAA"), None,
             Picture(of="Two.", jpeg="BBBB")]
        )
    ]  # fmt: skip
    return result(row("a", "A", Status.FAILED, cases=tuple(cases), score=0), row("b", "B"))


def test_each_picture_is_written_once() -> None:
    written = write_pictures(pictured(), {"a", "b"})
    try:
        assert [(of, path.name) for of, path in written] == [
            ("One.", "1-a.jpg"), ("Two.", "2-a.jpg"),
        ]  # fmt: skip
        assert [base64.b64encode(path.read_bytes()) for _, path in written] == [b"AAAA", b"BBBB"]
    finally:
        shutil.rmtree(written[0][1].parent)


def test_where_none_is_asked_for_none_is_written() -> None:
    assert write_pictures(pictured(), {"b"}) == []
