"""What a student's own root is made of: which places are copied, and which are linked."""

from __future__ import annotations

from pathlib import Path

from graders.engine.isolation.own_root import layout_of


def test_place_within_another_is_not_copied_twice(tmp_path: Path) -> None:
    inner = tmp_path / "lib" / "python"
    inner.mkdir(parents=True)
    layout = layout_of((inner, tmp_path / "lib"))
    assert layout.copied == (tmp_path / "lib",)
    assert layout.links == ()


def test_link_stays_a_link_to_a_copy_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "lib").symlink_to("usr")
    layout = layout_of((tmp_path / "lib",))
    assert layout.copied == (tmp_path / "usr",)
    assert layout.links == ((tmp_path / "lib", tmp_path / "usr"),)


def test_place_below_a_link_is_reached_through_it(tmp_path: Path) -> None:
    (tmp_path / "usr" / "python").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr")
    layout = layout_of((tmp_path / "lib" / "python", tmp_path / "lib"))
    assert layout.copied == (tmp_path / "usr",)
    assert layout.links == ((tmp_path / "lib", tmp_path / "usr"),)


def test_place_with_a_link_on_its_way_has_both_its_names(tmp_path: Path) -> None:
    (tmp_path / "data" / "venv").mkdir(parents=True)
    (tmp_path / "home").symlink_to("data")
    layout = layout_of((tmp_path / "home" / "venv",))
    assert set(layout.copied) == {tmp_path / "home" / "venv", tmp_path / "data" / "venv"}


def test_link_within_a_copy_comes_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "real").write_text("", encoding="utf-8")
    (folder / "python").symlink_to(tmp_path / "real")
    layout = layout_of((folder, folder / "python"))
    assert set(layout.copied) == {folder, tmp_path / "real"}
    assert layout.links == ()


def test_processes_are_never_copied(tmp_path: Path) -> None:
    assert layout_of((Path("/proc/self"), tmp_path)).copied == (tmp_path,)
