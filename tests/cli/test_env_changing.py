"""`grade.py env add` and `env lock`, with stand-ins for uv and pip."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from graders.engine.cli import env_changing, resolving
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.resolving import Printed, resolve
from graders.engine.content.course_packages import HashedPin
from graders.engine.core.errors import UsageError
from tests.cli.course import Outcome, run

HASH = "sha256:" + "0" * 64
BY_UV = f"""\
fastapi==1.0 \\
    --hash={HASH}
numpy==1.0 ; sys_platform == 'win32' \\
    --hash={HASH} \\
    --hash={HASH}
pandas==2.0 \\
    --hash={HASH}
"""
BY_PIP = json.dumps(
    {
        "install": [
            {
                "metadata": {"name": name, "version": version},
                "download_info": {"archive_info": {"hashes": {"sha256": "0" * 64}}},
            }
            for name, version in (("FastAPI", "1.0"), ("Pandas", "2.0"))
        ]
    }
)
PANDAS = HashedPin("pandas", "2.0", "", (HASH,))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with what the commands read."""
    graders = tmp_path / "graders"
    graders.mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["fastapi"]\n')
    (tmp_path / "uv.lock").write_text("version = 1\n")
    for name in ("requirements", "requirements-cluster", "requirements-test"):
        (graders / f"{name}.txt").write_text(f"fastapi==1.0 --hash={HASH}\nrich==2.0\n")
    return tmp_path


class Asked:
    """Stands in for uv and pip: keeps what it was asked, and answers."""

    def __init__(self, said: Printed) -> None:
        self.said = said
        self.words: list[str] = []
        self.beside = ""

    def __call__(self, words: Sequence[str]) -> Printed:
        """Answer."""
        self.words = list(words)
        option = "--constraints" if "--constraints" in words else "--constraint"
        self.beside = Path(words[words.index(option) + 1]).read_text()
        return self.said


def test_uv_is_asked_for_every_system_beside_the_grader(root: Path) -> None:
    asked = Asked(Printed(0, BY_UV, ""))
    found = resolve(["pandas<3"], root, uv="/bin/uv", run=asked)
    windows = HashedPin("numpy", "1.0", "sys_platform == 'win32'", (HASH, HASH))
    assert found.pins == (windows, PANDAS)
    assert found.good_for == "every system"
    assert asked.words[:3] == ["/bin/uv", "pip", "compile"]
    assert "--universal" in asked.words
    assert asked.beside == "fastapi==1.0\nrich==2.0\n"


def test_pip_is_asked_for_this_system_beside_the_grader(root: Path) -> None:
    asked = Asked(Printed(0, BY_PIP, ""))
    found = resolve(["pandas<3"], root, run=asked)
    assert found.pins == (PANDAS,)
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in found.good_for
    assert asked.words[:4] == [sys.executable, "-I", "-m", "pip"]
    assert "--dry-run" in asked.words
    assert asked.words[-1] == "pandas<3"


@pytest.mark.parametrize("uv", [None, "/bin/uv"])
def test_what_does_not_fit_is_told_in_the_words_of_who_says_so(root: Path, uv: str | None) -> None:
    asked = Asked(
        Printed(1, "", "\n".join(f"line {n}" for n in range(20)) + "\nno \x1b[31mversion\n")
    )
    with pytest.raises(UsageError) as refused:
        resolve(["pandas"], root, uv=uv, run=asked)
    assert str(refused.value).splitlines()[1:] == [
        *(f"  | line {n}" for n in range(15, 20)),
        r"  | no \x1b[31mversion",
    ]


def test_program_that_is_not_there_is_told(root: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        resolve(["pandas"], root, uv=str(root / "no-uv"))


def test_real_program_is_heard() -> None:
    said = resolving._run([sys.executable, "-c", "import sys; print(1); sys.exit('2')"])
    assert (said.code, said.out.strip(), said.err.strip()) == (1, "1", "2")
    assert resolving.find_uv() is None or Path(resolving.find_uv() or "").exists()


@pytest.fixture
def env(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every resolution find pandas."""
    found = resolving.Resolved((PANDAS,), "every system")
    monkeypatch.setattr(env_changing, "resolve", lambda *_, **__: found)
    return root


def changed(root: Path, *words: str) -> Outcome:
    return run("env", *words, root=root)


def test_first_package_makes_both_files(env: Path) -> None:
    found = changed(env, "add", "pandas")
    assert found.code == ExitCode.FULL_MARKS
    assert (env / "course.yaml").read_text() == "format_version: 1\n\npackages:\n  - pandas\n"
    assert f"pandas==2.0 \\\n    --hash={HASH}\n" in (env / "course.lock").read_text()
    assert "course.lock for pandas: pandas 2.0." in found.err
    assert "The next run of grade.py installs them." in found.err
    assert "pandas 2.0" in run("env", root=env).out
    again = changed(env, "add", "pandas")
    assert again.err == "pandas 2.0 is there already.\n"


def test_package_of_the_grader_is_there_already(env: Path) -> None:
    found = changed(env, "add", "FastAPI")
    assert (found.code, found.err) == (ExitCode.FULL_MARKS, "fastapi 1.0 is there already.\n")
    assert not (env / "course.yaml").exists()


def test_lock_is_made_anew_for_what_the_class_has_now(env: Path) -> None:
    changed(env, "add", "pandas")
    (env / "course.yaml").write_text("packages: [scipy]\n")
    assert changed(env, "lock").code == ExitCode.FULL_MARKS
    assert "# packages: scipy\n" in (env / "course.lock").read_text()
    (env / "course.yaml").write_text("name: A\n")
    assert "there is no course.lock" in changed(env, "lock").err
    assert not (env / "course.lock").exists()
    assert "there is no course.lock" in changed(env, "lock").err


def test_course_elsewhere_gets_the_package(
    env: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("class") / "other.yaml"
    other.write_text("name: A\npackages: [scipy]\n")
    assert changed(env, "add", "pandas", "--course", str(other)).code == ExitCode.FULL_MARKS
    assert other.read_text() == "name: A\npackages: [scipy, pandas]\n"
    assert "# packages: scipy, pandas\n" in (env / "course.lock").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add",), "No package is named"),
        (("add", "two words"), "`two words` is not a package"),
        (("lock", "pandas"), "`env lock` takes no packages"),
        (("ad",), "Did you mean `add`?"),
    ],
)
def test_mistake_changes_nothing(words: tuple[str, ...], message: str, env: Path) -> None:
    found = changed(env, *words)
    assert found.code == ExitCode.USAGE
    assert message in found.err
    assert not (env / "course.yaml").exists()
    assert not (env / "course.lock").exists()


def test_what_does_not_fit_changes_nothing(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UsageError("pip finds no versions that fit")

    monkeypatch.setattr(env_changing, "resolve", refuse)
    found = changed(env, "add", "pandas<1")
    assert found.code == ExitCode.USAGE
    assert not (env / "course.yaml").exists()
    assert not (env / "course.lock").exists()


def test_nothing_is_graded_while_the_lock_is_behind(env: Path) -> None:
    (env / "course.yaml").write_text("packages: [pandas]\n")
    found = run("list", root=env)
    assert found.code == ExitCode.CONTENT
    assert "course.lock: is missing, and course.yaml adds pandas" in found.err
