"""What the bootstrap's tests share: a project of four small files, and lines that were said."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from graders.bootstrap.notices import Notices
from graders.bootstrap.stamp import EXPORT_NAMES, Stamp, python_of, wanted_stamp, write_stamp

DIGEST = "sha256:" + "0" * 64

PYPROJECT = """
[project]
name = "small"
requires-python = ">=3.11"
dependencies = ["Fast_API>=1, <2", "sql[async]"]
[dependency-groups]
test = ["lint"]
"""

LOCK = f"""
requires-python = ">=3.11"
[[package]]
name = "fast-api"
version = "1.5"
wheels = [{{ hash = "{DIGEST}" }}]
dependencies = [{{ name = "sql" }}]
[[package]]
name = "green"
version = "3.0"
sdist = {{ hash = "{DIGEST}" }}
[[package]]
name = "lint"
version = "0.1"
wheels = [{{ hash = "{DIGEST}" }}]
[[package]]
name = "small"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "fast-api" }}, {{ name = "sql", extra = ["async"] }}]
[package.dev-dependencies]
test = [{{ name = "lint" }}]
[package.metadata]
requires-dist = [
    {{ name = "fast-api", specifier = ">=1,<2" }}, {{ name = "sql", extras = ["async"] }}
]
[package.metadata.requires-dev]
test = [{{ name = "lint" }}]
[[package]]
name = "sql"
version = "2.0"
wheels = [{{ hash = "{DIGEST}" }}]
[package.optional-dependencies]
async = [{{ name = "green" }}]
"""

BASE_EXPORT = "".join(
    f"{pin} \\\n    --hash={DIGEST}\n"
    for pin in ("fast-api==1.5 ; sys_platform != 'plan9'", "green==3.0", "sql[async]==2.0")
)
TEST_EXPORT = BASE_EXPORT + f"lint==0.1 \\\n    --hash={DIGEST}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the files that describe an environment, all in agreement."""
    root = tmp_path / "project"
    (root / "graders").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "uv.lock").write_text(LOCK)
    for group, name in EXPORT_NAMES.items():
        (root / name).write_text(TEST_EXPORT if group == "test" else BASE_EXPORT)
    return root


@pytest.fixture
def said() -> io.StringIO:
    """Return what a log, which is no terminal, would hold."""
    return io.StringIO()


@pytest.fixture
def notices(said: io.StringIO) -> Notices:
    """Return notices that end in ``said``."""
    return Notices(said)


@pytest.fixture
def venv(project: Path) -> Path:
    """Return an environment that stands, made by pip, without any groups."""
    folder = project / ".venv"
    make_environment(folder, wanted_stamp(project, ())._replace(installer="pip"))
    return folder


def make_environment(folder: Path, stamp: Stamp | None = None) -> None:
    """Make what looks like an environment; without a stamp it is half-made."""
    python_of(folder).parent.mkdir(parents=True, exist_ok=True)
    python_of(folder).touch()
    (folder / "pyvenv.cfg").touch()
    if stamp is not None:
        write_stamp(folder, stamp)
