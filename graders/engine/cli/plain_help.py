"""The page of a command's ``--help`` without what only a programmer reads: types, braces.

Must not know any command.
"""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

_TYPE = re.compile(r"(?<=[A-Z.]) <[^<>]+>")
_BRACES = re.compile(r"\{([A-Z]+)\}")
_TWICE = re.compile(r"\[([A-Z]+)\.\.\.\]\.\.\.")


class PlainCommand(TyperCommand):
    """A command whose help shows ``LESSON`` for what Typer shows as ``{LESSON}`` or ``<str>``."""

    def get_help(self, ctx: Any) -> str:
        """Return the page; what is taken out of a column leaves blanks, so the columns stay."""
        page = _TYPE.sub(lambda found: " " * len(found[0]), super().get_help(ctx))
        return _TWICE.sub(r"[\1]...", _BRACES.sub(r"\1", page))
