"""The data in ``fixtures/`` that the protocol's tests run on, read with nothing but PyYAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FIXTURES = Path(__file__).parents[2] / "fixtures"


def load(folder: str) -> list[dict[str, Any]]:
    """All cases of a folder, in the order of its files."""
    files = sorted((FIXTURES / folder).glob("*.yaml"))
    return [case for file in files for case in yaml.safe_load(file.read_text("utf-8"))]


def names(cases: list[dict[str, Any]]) -> list[str]:
    """Return what pytest shows for each case."""
    return [case["name"] for case in cases]


def as_bytes(vector: dict[str, Any]) -> bytes:
    """Return the bytes that an SSE vector feeds."""
    if "input_hex" in vector:
        return bytes.fromhex(vector["input_hex"])
    return str(vector["input"]).encode()
