"""Packages that are installed only for those who ask for what needs them.

They are imported late, and have no types. Must not know which packages there are.
"""

from __future__ import annotations

import importlib
from typing import Any

from graders.engine.core.errors import UsageError


def optional_module(name: str, package: str, cure: str) -> Any:
    """Return a module; a UsageError with ``cure`` if its package is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError(f"{package} is not installed.", cure=cure) from None
