"""What Python files show without being run."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.submissions.source_files import missing_packages, not_utf8


def write(root: Path, **files: str | bytes) -> Path:
    """Write modules; return their folder."""
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (root / f"{name}.py").write_bytes(data)
    return root


def test_all_missing_packages_are_found_at_once(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    write(
        tmp_path,
        server="import os, sqlmodel\nfrom redis.asyncio import Redis\nfrom store import Store\n",
        store="import fastapi.responses\nfrom web import page\nfrom . import server\n",
        maybe="try:\n    import uvloop\nexcept ImportError:\n    pass\ndef f():\n    import late\n",
        broken="import (",
    )
    assert missing_packages(tmp_path, {"fastapi"}) == ("sqlmodel", "redis")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x = 'Zürich'\n".encode(), ""),
        ("x = 'Zürich'\n".encode("utf-16"), "server.py"),
        ("x = 1\n".encode("utf-16-le"), "server.py"),
        ("a = 1\nx = 'Zürich'\n".encode("latin-1"), "server.py, line 2"),
    ],
)
def test_a_file_with_another_encoding_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    assert not_utf8(write(tmp_path, a="x = 1\n", server=content)) == told


def test_of_many_large_files_only_some_are_read(tmp_path: Path) -> None:
    half = (b"#" * 99 + b"\n") * 6_000
    write(tmp_path, a=half, b=half + b"\xff", c=b"\xff")
    assert not_utf8(tmp_path) == "c.py, line 1"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, server=b"\xff" * (1 << 20) + b"\xff")
    assert not_utf8(tmp_path) == ""
