"""The version of the grader, for `--version` and for results; a test compares it with pyproject."""

from __future__ import annotations

VERSION = "0.1.0"
