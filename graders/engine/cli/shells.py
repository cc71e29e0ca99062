"""The shells that can complete what is typed. Imports nothing, as every command line loads it."""

from __future__ import annotations

from enum import StrEnum


class Shell(StrEnum):
    """A shell for which there is a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
