#!/usr/bin/env python3
"""Grades a submission in Classroom 50, which runs this file in the student's checkout.

Beside this file is the grader for one lesson. What Classroom 50 reads is ``result.json``,
``release-body.md`` and, where the assignment lists it under ``release_assets``, ``report.html``.
The exit code is 0 for whatever was graded; any other one says that the grader could not grade.
Standard library only. Must not import anything of the checkout.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LESSON = "lesson06"
LEVEL = "REQUIRE=strong".partition("=")[2]
GRADED = {0, 1}
RESULT, BODY, PAGE = "result.json", "release-body.md", "report.html"
LONGEST_SECONDS = 13 * 60
"""The job ends after 15 minutes, and would then say nothing."""


def main() -> int:
    """Grade the checkout in the current folder; return 0 if there is a grade."""
    checkout = Path.cwd()
    for name in (RESULT, BODY, PAGE):
        remove(checkout / name)
    code = grade(handed_in(checkout))
    if code not in GRADED or not (checkout / RESULT).is_file():
        print(f"The submission was not graded: grade.py ended with exit code {code}.")
        return code or 1
    tell(checkout / RESULT)
    return 0


def remove(path: Path) -> None:
    """Remove what the student may have put where a result goes."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        path.rename(path.with_name(f"{path.name}.{secrets.token_hex(8)}"))


def handed_in(checkout: Path) -> Path:
    """Return the folder of the submission: the assignment's, as in the template, or all."""
    folder = (checkout / "assignments" / LESSON).resolve()
    return folder if folder.is_dir() and folder.is_relative_to(checkout.resolve()) else checkout


def grade(submission: Path) -> int:
    """Run the grader; return its exit code."""
    command = [sys.executable, str(HERE / "grade.py"), LESSON, str(submission)]
    command += ["--require", LEVEL, "--github"]
    command += [f"--report={form}={file}" for form, file in REPORTS.items()]
    variables = dict(os.environ)
    if temporary := os.environ.get("RUNNER_TEMP"):
        variables.setdefault("CHATKIT_GRADER_VENV", str(Path(temporary) / "chatkit-grader"))
    try:
        return subprocess.run(
            command, env=variables, timeout=LONGEST_SECONDS, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"The grader was not ready after {LONGEST_SECONDS // 60} minutes.")
        return 1


REPORTS = {"classroom50": RESULT, "markdown": BODY, "html": PAGE}


def tell(file: Path) -> None:
    """Give the runner the outputs that it shows beside the submission."""
    output = os.environ.get("GITHUB_OUTPUT")
    if not output:
        return
    result = json.loads(file.read_text("utf-8"))
    full = result["score"] == result["max-score"]
    told = {
        "status": "success" if full else "failure",
        "summary": f"{result['score']} of {result['max-score']} points",
    }
    with Path(output).open("a", encoding="utf-8") as sink:
        for name, value in told.items():
            word = secrets.token_hex(16)
            sink.write(f"{name}<<{word}\n{value}\n{word}\n")


if __name__ == "__main__":
    sys.exit(main())
