"""Our own JSON, and its published schema."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.results import Result, Status
from graders.engine.core.version import VERSION
from graders.engine.grading.environment import PACKAGES, environment
from graders.engine.reports import json_report
from tests.reports.samples import mixed

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "result.schema.json"
PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
JQ = re.compile(r"^jq -\w '(.*?)' result", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))


def published() -> dict[str, Any]:
    """Return the published schema."""
    told: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return told


def records() -> dict[str, Any]:
    """Return the schema of each record by its name."""
    schema = published()
    objects = {name: each for name, each in schema["$defs"].items() if "properties" in each}
    return {"Result": schema, **objects}


def values() -> list[Any]:
    """Return each value of each record: the names of both, and the value's schema."""
    return [
        pytest.param(value, id=f"{name}.{key}")
        for name, record in records().items()
        for key, value in record["properties"].items()
    ]


def test_published_schema_is_that_of_the_records() -> None:
    assert json.loads(json_report.schema()) == published()


def test_schema_names_its_dialect_and_itself() -> None:
    assert published()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert published()["$id"] == "urn:chatkit-autograder:result:1"


@pytest.mark.parametrize("name", records())
def test_every_field_is_always_written(name: str) -> None:
    record = records()[name]
    assert sorted(record["required"]) == sorted(record["properties"])


@pytest.mark.parametrize("value", values())
def test_every_value_is_explained(value: dict[str, Any]) -> None:
    meant = published()["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
    assert meant["description"].endswith(".")
    assert all(f"`{each}`" in meant["description"] for each in meant.get("enum", ()))


def test_page_about_json_names_only_what_is_there() -> None:
    known = {key for record in records().values() for key in record["properties"]}
    named = set(re.findall(r"\.([a-z_]+)", "\n".join(JQ.findall(PAGE))))
    assert {"score", "criteria", "feedback", "made_with"} <= named <= known


@pytest.mark.parametrize("status", Status)
def test_page_about_json_explains_every_status(status: Status) -> None:
    assert f"`{status}`" in PAGE


def test_versions_are_those_of_the_project_and_of_its_lock() -> None:
    made_with = environment(Catalogue(ROOT).lesson("lesson02"))
    assert made_with.grader == VERSION == PROJECT["version"]
    locked = {each["name"]: each.get("version") for each in LOCK["package"]}
    assert made_with.packages == {name: locked[name] for name in PACKAGES}
    digests = (made_with.grader_digest, made_with.lesson_digest, made_with.lock_digest)
    assert len({*digests}) == 3
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in digests)


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
    assert {"submission_path", "started_at", "made_with"} <= data.keys()
    wanted = {"id", "title", "status", "score", "max_score", "visibility", "message"}
    assert wanted <= data["criteria"][0].keys()


def test_text_that_is_no_utf8_is_written_as_an_escape() -> None:
    sample = mixed()
    row = sample.criteria[0].model_copy(update={"message": "`\udcff.py`", "group": "naïve 🎉"})
    odd = {"submission": "\udcfe", "notes": ("\udcfd",), "criteria": (row, *sample.criteria[1:])}
    text = json_report.render(sample.model_copy(update=odd))
    read = Result.model_validate_json(text.encode())
    assert (read.submission, read.notes) == ("\\udcfe", ("\\udcfd",))
    assert (read.criteria[0].message, read.criteria[0].group) == ("`\\udcff.py`", "naïve 🎉")
    assert read.criteria[1:] == sample.criteria[1:]
