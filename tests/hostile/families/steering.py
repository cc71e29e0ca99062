"""Files that would steer Python or pytest, were they where the grader looks."""

from __future__ import annotations

from functools import partial

from tests.hostile.attack import Attack, Ending

_attack = partial(Attack, stopped_by_grader=True)

# Leaves a file where the attacks' targets are, and ends whatever has imported it.
_EVIL = """
import os
open({RESULTS!r} + "/steered", "w").close()
os._exit(0)
"""
_CHECKS_PASS = """
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome = "passed"
    return report
"""

ATTACKS = (
    _attack("conftest", "hooks of its own in pytest", files={"conftest.py": _EVIL + _CHECKS_PASS}),
    _attack(
        "conftest-below",
        "hooks of its own in pytest",
        files={"graders/lesson02/conftest.py": _EVIL, "tests/conftest.py": _EVIL},
    ),
    _attack(
        "pytest-settings",
        "a pytest that only collects",
        files={
            "pytest.ini": "[pytest]\naddopts = -p conftest --collect-only\n",
            "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--no-such-option'\n",
            "tox.ini": "[pytest]\naddopts = --no-such-option\n",
            "setup.cfg": "[tool:pytest]\naddopts = --no-such-option\n",
        },
    ),
    _attack("tests-of-its-own", "tests that pass", files={"test_server.py": _EVIL}),
    _attack(
        "pth-file",
        "code in every Python that starts",
        files={"evil.pth": "import os; os._exit(0)\n", "home/evil.pth": "import os; os._exit(0)\n"},
    ),
    _attack(
        "sitecustomize",
        "code in every Python that starts",
        files={"sitecustomize.py": _EVIL, "usercustomize.py": _EVIL},
    ),
    _attack(
        "graders-of-its-own",
        "checks of its own in place of the grader's",
        files={
            "graders/__init__.py": _EVIL,
            "graders/engine/__init__.py": _EVIL,
            "graders/lesson02/test_first_answer.py": _EVIL,
            "grade.py": _EVIL,
        },
    ),
    _attack(
        "shadowing-packages",
        "code of its own in place of the libraries that the grader's relay uses",
        files={"respx.py": _EVIL, "httpx/__init__.py": _EVIL, "logging.py": _EVIL},
    ),
    _attack(
        "compiled-files",
        "code that nobody reads",
        files={"__pycache__/store.cpython-311.pyc": "x", "store.pyc": "x"},
    ),
    _attack(
        "settings-of-the-environment",
        "another key, another data folder",
        files={".env": "OPENAI_API_KEY=sk-stolen\nCHATKIT_DATA_DIR=/\nPYTHONPATH=/\n"},
    ),
    _attack(
        "variables-for-later",
        "a later interpreter that loads its code",
        does="""
        os.environ.update(PYTHONPATH=os.getcwd(), PYTHONSTARTUP="evil.py", PYTEST_ADDOPTS="--co")
        os.environ.update(PYTEST_PLUGINS="evil", LD_PRELOAD="./evil.so", WITHOUT="seccomp")
        """,
        at="import",
    ),
    _attack(
        "settings-out-of-its-folder",
        "another's server under its own name",
        files={"submission.yaml": "frontend: ../other\n"},
        ends=Ending(problem="bad-submission-yaml"),
    ),
    _attack(
        "settings-that-grow",
        "a grader without memory",
        files={
            "submission.yaml": "a: &a [x, x]\n"
            + "".join(f"a{n}: &a{n} [*a{n - 1 or ''}, *a{n - 1 or ''}]\n" for n in range(1, 9))
        },
        ends=Ending(problem="bad-submission-yaml"),
    ),
)
