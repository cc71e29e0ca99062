"""Files that were handed in: whatever is wrong is the student's, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.strict_yaml import load
from graders.engine.core.errors import ContentError, Finding
from graders.engine.submissions.handed_in import read_handed_in


def finding_in(folder: Path, name: str = "notes.yaml") -> Finding:
    with pytest.raises(Finding) as raised:
        read_handed_in(folder, name, load)
    return raised.value


def test_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text("a: b", encoding="utf-8")
    assert read_handed_in(tmp_path, "notes.yaml", Path.read_text) == "a: b"


def test_missing_file_is_named(tmp_path: Path) -> None:
    finding = finding_in(tmp_path)
    assert (finding.seen, finding.hint) == ("There is no `notes.yaml` in your folder.", "missing")


def test_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a: b", encoding="utf-8")
    (tmp_path / "notes.yaml").symlink_to(tmp_path / "secret")
    assert finding_in(tmp_path).seen == "`notes.yaml` is a link, not a file."


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", "`notes.yaml` is empty."),
        ("a: b\na: c", "`notes.yaml`, line 2: `a` is there already, on line 1. Remove one"),
        ("a: b\n\tc: d", "`notes.yaml`, line 2, is not valid YAML"),
    ],
)
def test_mistake_in_a_file_is_told_with_its_line(tmp_path: Path, text: str, seen: str) -> None:
    (tmp_path / "notes.yaml").write_text(text, encoding="utf-8")
    finding = finding_in(tmp_path)
    assert finding.seen.startswith(seen)
    assert finding.hint == "malformed"


def test_mistake_without_a_line_is_told_after_a_colon(tmp_path: Path) -> None:
    def reader(path: Path) -> None:
        raise ContentError(path, None, "Two things are wrong.")

    (tmp_path / "notes.yaml").touch()
    with pytest.raises(Finding, match=r"`notes\.yaml`: Two things are wrong\."):
        read_handed_in(tmp_path, "notes.yaml", reader)
