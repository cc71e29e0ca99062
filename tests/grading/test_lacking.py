"""What a submission names and lacks is said with place and cure, and costs nothing."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from graders.engine.cli.progress import Progress
from graders.engine.content.catalogue import Catalogue
from graders.engine.grading.events import GradingEvent, Noticed, RunStarted
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.lacking import installed_version, lacking_packages
from graders.engine.grading.request import GradingRequest
from tests.grading.test_folder import SOLUTION, stand_ins
from tests.miniature import COURSE

HERE = {"fastapi": "0.165.0", "openai": "3.0"}


def told(root: Path, text: str) -> tuple[str, ...]:
    (root / "requirements.txt").write_text(text, encoding="utf-8")
    return lacking_packages(root, HERE.get)


def test_missing_package_is_told_with_line_and_cure(tmp_path: Path) -> None:
    assert told(tmp_path, "fastapi\npandas\nredis\npsycopg2-binary\n") == (
        (
            "`requirements.txt`, line 2: `pandas` is not installed here, so it cannot be imported. "
            "Leave out what needs it, or ask your instructor to add it for the class."
        ),
        (
            "`requirements.txt`, line 3: `redis` is not installed here, so it cannot be imported. "
            "There is no Redis here: keep the data in SQLite, or in a file."
        ),
        (
            "`requirements.txt`, line 4: `psycopg2-binary` is not installed here, so it cannot be "
            "imported. There is no PostgreSQL here, and no other database server: keep the data in "
            "SQLite below the folder that `CHATKIT_DATA_DIR` names (`sqlite3`, `aiosqlite`, "
            "SQLAlchemy, SQLModel)."
        ),
    )


def test_many_are_told_in_short(tmp_path: Path) -> None:
    sentences = told(tmp_path, "\n".join(f"p{number}" for number in range(12)))
    assert len(sentences) == 6
    assert sentences[-1] == (
        "`requirements.txt` names others that are not installed here: "
        "`p5`, `p6`, `p7`, `p8`, `p9` and 2 more."
    )
    assert told(tmp_path, "\n".join(f"p{number}" for number in range(6)))[-1].endswith(": `p5`.")


def test_other_versions_are_one_sentence(tmp_path: Path) -> None:
    assert told(tmp_path, "fastapi==0.110\nopenai>=3\n") == (
        (
            "`requirements.txt` asks for other versions than are used here: "
            "`fastapi` 0.165.0 for `==0.110` (line 1)."
        ),
    )
    many = told(tmp_path, "fastapi==0.1\n" * 7)
    assert len(many) == 1
    assert many[0].endswith(" and 2 more.")


def test_what_is_there_is_not_told(tmp_path: Path) -> None:
    assert told(tmp_path, "fastapi\nopenai>=2\n") == ()
    assert installed_version("Python_Jose")
    assert installed_version("no-such-package") is None


def test_it_is_said_before_anything_runs_and_stands_in_the_result(tmp_path: Path) -> None:
    for file in SOLUTION.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "requirements.txt").write_text("no-such-package\n", encoding="utf-8")
    request = GradingRequest(Catalogue(COURSE).lesson("greeting"), tmp_path, seed=7)
    events: list[GradingEvent] = []
    result = grade_folder(request, stand_ins, on_event=events.append)
    assert result.full_marks
    (note,) = result.notes
    assert note.startswith("`requirements.txt`, line 1: `no-such-package` is not installed here")
    assert events[0] == Noticed(note)
    assert any(isinstance(event, RunStarted) for event in events[1:])
    shown = io.StringIO()
    Progress(Console(file=shown, width=300))(events[0])
    assert shown.getvalue() == f"{note}\n"
