"""A page that travels as only its own server can read it: the widget writes other pages itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.results import Status
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Launcher

ROOT = Path(__file__).parents[2]
LESSON = Catalogue(ROOT).lesson("lesson07")
SOLUTION = ROOT / "reference_solutions" / "lesson07" / "solution_encoded"
PACKED = """
  const packing = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  const packed = new Uint8Array(await new Response(packing).arrayBuffer());
  return btoa(Array.from(packed, """
TO_GZIP = {
    "web/src/usePage.ts": {
        "function encodedPage(): string": "async function encodedPage(): Promise<string>",
        "  return btoa(Array.from(bytes, ": PACKED,
    },
    "web/src/ChatWidget.tsx": {"encodedPage())": "await encodedPage())"},
    "page_context.py": {
        "import base64\n": "import base64\nimport gzip\n",
        "json.loads(base64.urlsafe_b64decode(x_page + \"=\" * (-len(x_page) % 4)))":
            "json.loads(gzip.decompress(base64.urlsafe_b64decode(x_page + '==')))",
        "except (ValueError,": "except (OSError, EOFError, ValueError,",
    },
}  # fmt: skip
MISTAKES = {
    "context-bounded": ("[:most].encode", ".encode"),
    "context-optional": ("except (OSError, EOFError, ValueError,", "except ("),
    "context-is-data": ("escape(page['title'])", "page['title']"),
}
UNCOUNTED = ("headings[:MOST_HEADINGS]", "headings")
"""A mistake that only a page with many headings shows."""


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.parametrize("lost", [[], [*MISTAKES]], ids=["right", "wrong"])
def test_page_that_only_its_server_can_read(
    launcher: Launcher, tmp_path: Path, lost: list[str]
) -> None:
    folder = _packed(tmp_path, dict(MISTAKES[name] for name in lost))
    assert _lost(launcher, folder) == {*lost}


def test_headings_that_only_its_server_can_read_are_counted(
    launcher: Launcher, tmp_path: Path
) -> None:
    folder = _packed(tmp_path, dict([UNCOUNTED]))
    assert _lost(launcher, folder, "context-bounded") == {"context-bounded"}


def _packed(place: Path, mistakes: dict[str, str]) -> Path:
    """Return the solution with compressed page data, and with mistakes in the server."""
    folder = place / "handed-in"
    shutil.copytree(SOLUTION, folder)
    for changes in (TO_GZIP, {"page_context.py": mistakes}):
        for name, pairs in changes.items():
            text = (folder / name).read_text("utf-8")
            for old, new in pairs.items():
                text = _replaced(text, old, new)
            (folder / name).write_text(text, "utf-8")
    return folder


def _lost(launcher: Launcher, folder: Path, *only: str) -> set[str]:
    """Return the criteria that were asked for, or all, and not passed."""
    result = grade_folder(
        GradingRequest(LESSON, folder, seed=7, only=only),
        lambda lesson, submission: open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ),
    )
    asked = [row for row in result.criteria if not only or row.id in only]
    return {row.id for row in asked if row.status is not Status.PASSED}
