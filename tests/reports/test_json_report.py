"""Our own JSON, and its published schema."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import jsonschema
import pytest

from graders.engine.core.results import Result
from graders.engine.reports import json_report
from tests.reports.samples import mixed

SCHEMA = Path(__file__).parents[2] / "docs" / "result.schema.json"


def test_published_schema_is_that_of_the_records() -> None:
    published = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert published == Result.model_json_schema(mode="serialization")


def test_schema_is_printed_as_it_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(json_report.__file__, run_name="__main__")
    assert capsys.readouterr().out == SCHEMA.read_text(encoding="utf-8")


def test_result_fits_the_schema() -> None:
    schema = json.loads(json_report.schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json_report.render(mixed())), schema)


def test_result_comes_back_from_json_as_it_was() -> None:
    assert Result.model_validate_json(json_report.render(mixed())) == mixed()


def test_keys_that_others_rely_on_are_there() -> None:
    data = json.loads(json_report.render(mixed()))
    wanted = {"lesson", "score", "max_score", "seed", "isolation", "criteria", "problem"}
    assert wanted <= data.keys()
    wanted = {"id", "title", "status", "score", "max_score", "visibility", "message"}
    assert wanted <= data["criteria"][0].keys()
