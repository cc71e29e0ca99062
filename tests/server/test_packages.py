"""What students' servers often import works in a real server, isolated as for grading."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

from graders.engine.harness import Student
from graders.engine.server.diagnosis.raised_cures import NO_POSTGRES, raised_cure
from tests.students import Bench

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "fixtures" / "submissions" / "many-packages" / "server.py"
ANSWERS: dict[str, object] = {
    "/sqlmodel": ["kept"],
    "/sqlmodel-async": ["kept", "kept too"],
    "/passlib": [True, True],
    "/argon2": True,
    "/bcrypt": True,
    "/jose": "alice",
    "/jose-late": "expired",
    "/authlib": "alice",
    "/orjson": {"a": 1},
    "/tenacity": 60,
    "/structlog": "told",
    "/loguru": "told",
    "/itsdangerous": "alice",
}


async def served(bench: Bench) -> Student:
    return await bench.serve(SERVER.read_text(encoding="utf-8"))


async def test_packages_do_their_work(bench: Bench) -> None:
    student = await served(bench)
    answered = {path: json.loads((await student.http.get(path)).text) for path in ANSWERS}
    assert answered == ANSWERS
    assert student.skipped_seconds > 140  # of its own clock, and none of ours
    assert "told by structlog" in student.printed
    assert "told by loguru" in student.printed
    limited = [(await student.http.get("/slowapi")).status_code for _ in range(2)]
    assert limited == [200, 429]
    assert (await student.http.get("/sse-starlette")).text.split() == ["data:", "0", "data:", "1"]
    assert (await student.http.post("/multipart", data={"name": "alice"})).text == '"alice"'


async def test_database_that_is_not_there_is_told_as_that(bench: Bench) -> None:
    student = await served(bench)
    for path in ("/asyncpg", "/psycopg"):
        assert (await student.http.get(path)).status_code == 500
        raised = next(each.raised for each in reversed(bench.trace.entries) if each.raised)
        assert raised_cure(raised) == NO_POSTGRES


async def test_database_that_is_asked_for_at_the_import_is_told_as_that(bench: Bench) -> None:
    server = "import psycopg\npsycopg.connect('postgresql://u:p@localhost/d')\n"
    assert NO_POSTGRES in (await bench.problem(server)).cure


def test_page_names_each_package_that_is_there_for_students_and_each_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # What the grader itself does not import is there for students.
    for_students = set(project["tool"]["deptry"]["per_rule_ignores"]["DEP002"])
    page = (ROOT / "docs" / "what-a-server-may-use.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([\w-]+)`", page.split("## Packages")[1].split("\n## ")[0]))
    assert for_students <= listed
    tried = {distribution for name in imported() for distribution in DISTRIBUTIONS.get(name, ())}
    known = {re.sub("[_.]", "-", name).lower() for name in tried} | IMPORTED_BY_OTHERS
    assert for_students <= known


IMPORTED_BY_OTHERS = {"aiosqlite", "python-multipart", "pydantic-settings", "starlette"}
"""By SQLAlchemy, by FastAPI where it reads a form, and by other tests of servers."""
DISTRIBUTIONS = importlib.metadata.packages_distributions()


def imported() -> set[str]:
    """Return the top-level names that the server imports."""
    nodes = ast.walk(ast.parse(SERVER.read_text(encoding="utf-8")))
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    nodes = ast.walk(ast.parse(SERVER.read_text(encoding="utf-8")))
    names |= {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    return {name.partition(".")[0] for name in names}
