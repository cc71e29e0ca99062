"""The version of the grader, for `--version` and for results; a test compares it with the project's."""

from __future__ import annotations

VERSION = "0.1.0"
