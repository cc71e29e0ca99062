"""What checks keep from one run to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.harness import kept
from graders.engine.harness.kept import KeptTexts, usual_place


def test_texts_are_kept_in_memory() -> None:
    texts = KeptTexts()
    texts.keep({"a": "1", "b": ""})
    assert texts.of(["a", "b", "c"]) == {"a": "1", "b": ""}
    assert KeptTexts().of(["a"]) == {}


def test_texts_outlive_the_process_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "kept.sqlite3"
    KeptTexts(file, "v1").keep({"a": "1"})
    KeptTexts(file, "v1").keep({"a": "2"})
    assert KeptTexts(file, "v1").of(["a"]) == {"a": "2"}


def test_another_version_knows_nothing_of_them(tmp_path: Path) -> None:
    file = tmp_path / "kept.sqlite3"
    KeptTexts(file, "v1").keep({"a": "1"})
    assert KeptTexts(file, "v2").of(["a"]) == {}


def test_two_that_use_one_file_find_what_the_other_has_kept(tmp_path: Path) -> None:
    file = tmp_path / "kept.sqlite3"
    one, other = KeptTexts(file), KeptTexts(file)
    assert other.of(["a"]) == {}
    one.keep({"a": "1"})
    assert other.of(["a"]) == {"a": "1"}


def test_file_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    broken = tmp_path / "kept.sqlite3"
    broken.write_text("no database", encoding="utf-8")
    for file in (broken, broken / "below" / "a file"):
        texts = KeptTexts(file)
        texts.keep({"a": "1"})
        assert texts.of(["a"]) == {"a": "1"}
        assert KeptTexts(file).of(["a"]) == {}


def test_oldest_texts_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    file = tmp_path / "kept.sqlite3"
    for name in "abc":
        KeptTexts(file).keep({name: name})
    assert KeptTexts(file).of("abc") == {"b": "b", "c": "c"}


def test_usual_place_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert usual_place() == tmp_path / "chatkit-grader" / "kept.sqlite3"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual_place() == tmp_path / ".cache" / "chatkit-grader" / "kept.sqlite3"
