"""What every user may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.isolation import reachable


def test_reach_of_others_ends_at_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    for folder in tmp_path.parents:
        if not folder.stat().st_mode & 0o1:
            assert not reachable.may_be_passed(inner)
            return
    tmp_path.chmod(0o755)
    closed.chmod(0o755)
    assert reachable.may_be_passed(inner)
    closed.chmod(0o700)
    assert not reachable.may_be_passed(inner)


@pytest.mark.parametrize(
    ("mode", "open_to_all"), [(0o755, True), (0o711, False), (0o750, False), (0o744, False)]
)
def test_folder_is_open_to_all_by_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, *, open_to_all: bool
) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    folder.chmod(mode)
    monkeypatch.setattr(reachable, "readable", lambda: (folder,))
    reachable.is_open_to_all.cache_clear()
    try:
        assert reachable.is_open_to_all(from_the_root=False) is open_to_all
    finally:
        reachable.is_open_to_all.cache_clear()
