"""The JavaScript packages: installed once, whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from graders.engine.web import packages
from graders.engine.web.packages import PackagesMissingError, web_packages


def test_packages_are_installed_once_with_a_word_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    said: list[str] = []
    first, second = web_packages(said.append), web_packages(said.append)
    assert first == second
    assert first.esbuild.is_file()
    assert (first.folder / "@openai" / "chatkit-react").is_dir()
    assert len(said) == 1
    assert len(list((tmp_path / "share" / "chatkit-grader").iterdir())) == 1


def test_without_npm_it_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(packages, "find_npm", lambda: None)
    with pytest.raises(PackagesMissingError, match="there is no npm"):
        web_packages()
    assert not list(tmp_path.rglob("node_modules"))


def test_npm_that_fails_is_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such package >&2\nexit 1\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(packages, "find_npm", lambda: npm)
    with pytest.raises(PackagesMissingError, match="no such package"):
        web_packages()
    assert not list((tmp_path / "share" / "chatkit-grader").iterdir())
