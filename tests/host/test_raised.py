"""Exceptions are told to the grader where libraries catch and log them, each once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from graders.engine.host.raised import EXCHANGE, RaisedReports
from graders.engine.wire.frames import Raised
from tests.host.ends import Ends

HERE = str(Path(__file__).parent)


@pytest.fixture
def reports(ends: Ends) -> Iterator[RaisedReports]:
    """Yield the reports of an app whose files are those of this folder."""
    methods = {name: getattr(logging.Logger, name) for name in ("error", "critical")}
    made = RaisedReports(ends.connection, HERE)
    made.install()
    yield made
    for name, method in methods.items():
        setattr(logging.Logger, name, method)


def fails() -> None:
    raise LookupError("no such setting")


class Context(BaseModel):
    """Something with fields."""

    store: int
    thread: int


async def test_a_logged_exception_is_told_with_its_place_once_in_each_exchange(
    ends: Ends, reports: RaisedReports
) -> None:
    logger = logging.getLogger("tests.quiet")
    logger.disabled = True
    for number in (3, 4):
        EXCHANGE.set(number)
        try:
            fails()
        except LookupError as error:
            logger.exception("It failed")
            reports.tell(error)
        told = await ends.hear(Raised)
        assert (told.exchange, told.error, told.message) == (
            number,
            "LookupError",
            "no such setting",
        )
        assert (told.origin, told.logger) == ("builtins", "tests.quiet")
        last = told.places[-1]
        assert (last.file, last.function) == ("test_raised.py", "fails")
        assert last.code == 'raise LookupError("no such setting")'


@pytest.mark.usefixtures("reports")
async def test_each_way_of_giving_a_logger_an_exception_is_seen(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("tests.loud")
    errors = [ValueError(str(number)) for number in range(2)]
    logger.error("a", exc_info=errors[0])
    logger.critical("b", exc_info=(type(errors[1]), errors[1], None))
    logger.error("none", exc_info=True)
    assert [(await ends.hear(Raised)).message for _ in errors] == ["0", "1"]
    # Who called is still told by the record.
    assert {record.filename for record in caplog.records} == {"test_raised.py"}


async def test_a_group_is_told_by_its_first_exception(ends: Ends, reports: RaisedReports) -> None:
    reports.tell(ExceptionGroup("both", [ExceptionGroup("in", [KeyError("a")]), KeyError("b")]))
    assert (await ends.hear(Raised)).message == "'a'"


async def test_fields_of_pydantic_are_told_without_what_was_given(
    ends: Ends, reports: RaisedReports
) -> None:
    with pytest.raises(ValidationError) as wrong:
        Context.model_validate({"store": "sk-secret"})
    reports.tell(wrong.value)
    told = (await ends.hear(Raised)).message
    assert told == (
        "2 validation errors for Context: `store`: Input should be a valid integer, unable to "
        "parse string as an integer; `thread`: Field required"
    )


async def test_a_client_that_leaves_is_no_exception_and_many_are_not_told(
    ends: Ends, reports: RaisedReports
) -> None:
    reports.tell(GeneratorExit())
    for number in range(301):
        reports.tell(ValueError(str(number)))
    reports.tell(RuntimeError("the last"))
    heard = [(await ends.hear(Raised)).message for _ in range(300)]
    assert heard[-1] == "299"
