"""uv and pip: which is taken, what it is told, how its end is read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from graders.bootstrap import installers
from graders.bootstrap.installers import Command, clean_environment, pip_commands, uv_commands
from graders.bootstrap.stamp import python_of
from graders.bootstrap.trouble import SetupError

ROOT, VENV = Path("/project"), Path("/project/.venv")


def command(code: str) -> Command:
    """Return a command that runs a line of Python and reads its progress as pip's."""
    return Command("pip install", (sys.executable, "-I", "-S", "-c", code), installers.pip_step, {})


def fake_uv(folder: Path, script: str) -> None:
    """Put an executable named uv into a folder."""
    program = folder / "uv"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder on PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_uv_is_taken_where_it_answers(only_path: Path) -> None:
    fake_uv(only_path, "exit 0")
    assert installers.choose_installer().name == "uv"


@pytest.mark.parametrize("script", ["exit 127", "kill -9 $$"])
def test_uv_that_does_not_answer_is_passed_over(only_path: Path, script: str) -> None:
    fake_uv(only_path, script)
    assert installers.choose_installer().name == "pip"


def test_uv_that_cannot_be_run_is_passed_over(only_path: Path) -> None:
    fake_uv(only_path, "")
    (only_path / "uv").write_bytes(b"\x7fELF no program")
    assert installers.choose_installer().name == "pip"


def test_python_without_ensurepip_is_told_with_its_cure(
    only_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(only_path.iterdir()) == []
    monkeypatch.setattr(installers, "find_spec", lambda name: None if name == "ensurepip" else 1)
    with pytest.raises(SetupError, match="no complete venv module"):
        installers.choose_installer()


def test_uv_is_told_to_keep_to_the_lock_and_to_compile() -> None:
    [sync] = uv_commands(ROOT, VENV, ["test"], new=True)
    assert {"--frozen", "--compile-bytecode", "--no-default-groups"} <= set(sync.words)
    assert sync.words[-2:] == ("--group", "test")
    assert sync.environment["UV_PROJECT_ENVIRONMENT"] == str(VENV)


def test_pip_makes_the_environment_then_installs_with_hashes_and_compiles() -> None:
    make, install = pip_commands(ROOT, VENV, ["test"], new=True)
    assert make.words[1:] == ("-I", "-m", "venv", str(VENV))
    assert install.words[:4] == (str(python_of(VENV)), "-I", "-m", "pip")
    assert {"--require-hashes", "--compile"} <= set(install.words)
    assert [word for word in install.words if word.endswith(".txt")] == [
        str(ROOT / "graders/requirements.txt"),
        str(ROOT / "graders/requirements-test.txt"),
    ]


def test_both_install_what_a_class_adds_with_hashes_and_nothing_more(tmp_path: Path) -> None:
    venv = tmp_path / "env"
    (tmp_path / "course.lock").write_text("")
    lock = str(tmp_path / "course.lock")
    sync, add = installers.uv_commands(tmp_path, venv, (), True)
    assert lock not in sync.words
    assert add.words[:3] == ("uv", "pip", "install")
    (install,) = installers.pip_commands(tmp_path, venv, (), False)
    for words in (add.words, install.words):
        assert words[-2:] == ("--requirement", lock)
        assert {"--require-hashes", "--no-deps"} <= set(words)


def test_pip_only_installs_where_the_environment_stands() -> None:
    [install] = pip_commands(ROOT, VENV, ["test"], new=False)
    assert "install" in install.words


def test_environment_of_an_installer_misleads_it_in_nothing_and_holds_no_key() -> None:
    variables = {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy",
        "PIP_INDEX_URL": "https://mirror",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": ".",
        "PIP_USER": "1",
        "VIRTUAL_ENV": "/other",
        "OPENAI_API_KEY": "sk-1",
        "GITHUB_TOKEN": "t",
        "JWT_SECRET": "s",
    }
    assert set(clean_environment(variables)) == {"PATH", "HTTPS_PROXY", "PIP_INDEX_URL"}


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Collecting rich==14.1.0 (from -r requirements.txt)", ("downloading", "rich==14.1.0")),
        ("Installing collected packages: a, b, c", ("installing", "3 packages")),
        ("  Using cached rich-14.1.0-py3-none-any.whl (243 kB)", None),
        ("", None),
    ],
)
def test_pips_progress_is_read(line: str, step: installers.Step | None) -> None:
    assert installers.pip_step(line) == step


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("   Downloading openai (1.2MiB)", ("downloading", "openai (1.2MiB)")),
        ("Installed 75 packages in 257ms", ("installed", "75 packages in 257ms")),
        (" + rich==14.1.0", None),
    ],
)
def test_uvs_progress_is_read(line: str, step: installers.Step | None) -> None:
    assert installers.uv_step(line) == step


def test_run_tells_each_step() -> None:
    steps: list[installers.Step] = []
    installers.run(command("print('Collecting rich')"), lambda *step: steps.append(step))
    assert steps == [("starting", "pip install"), ("downloading", "rich")]


def test_run_explains_a_failure_from_both_of_its_outputs() -> None:
    failing = command("import sys; print('a'); sys.exit('Network is unreachable')")
    with pytest.raises(SetupError, match="could not be reached"):
        installers.run(failing, lambda *_: None)


def test_interrupted_run_ends_its_program() -> None:
    endless = command("print('Collecting rich', flush=True)\nwhile True: input_ = 1")

    def interrupt(stage: str, _: str) -> None:
        if stage == "downloading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        installers.run(endless, interrupt)


def test_program_that_does_not_heed_the_interrupt_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installers, "STOP_SECONDS", 0)
    stubborn = command(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('Collecting rich', flush=True)\n"
        "while True: input_ = 1"
    )

    def interrupt(stage: str, _: str) -> None:
        if stage == "downloading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        installers.run(stubborn, interrupt)


def test_base_python_is_not_that_of_a_virtual_environment() -> None:
    assert sys.prefix not in installers.base_python() or sys.prefix == sys.base_prefix
