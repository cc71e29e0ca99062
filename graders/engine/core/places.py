"""Where the repository is: the one module that knows it.

Must not know what lies in which of its folders.
"""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
"""The folder that holds ``grade.py``, and that ``graders`` is imported from."""
