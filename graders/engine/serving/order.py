"""What `grade.py serve` was asked for, and the command and the variables that do it.

Must not start anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SETTING = "CHATKIT_GRADER_SERVE"
KEY_VARIABLE, DATA_VARIABLE = "OPENAI_API_KEY", "CHATKIT_DATA_DIR"
NO_KEY = "sk-no-key-the-model-is-scripted"
SCRIPTED = {
    KEY_VARIABLE: NO_KEY,
    # Traces would be sent to the real provider, which refuses this key.
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}
"""The variables that are set where the model is scripted."""


@dataclass(frozen=True)
class ServeOrder:
    """A server to run: ``folder`` holds ``app`` (``module:variable``); ``root`` is the course's."""

    root: Path
    folder: Path
    app: str
    scripted: bool

    @classmethod
    def from_text(cls, text: str) -> ServeOrder:
        """Return what :meth:`to_text` has written."""
        told = json.loads(text)
        return cls(Path(told["root"]), Path(told["folder"]), told["app"], told["scripted"])

    def to_text(self) -> str:
        """Return the order as it can stand in a variable."""
        told = {"root": str(self.root), "folder": str(self.folder)}
        return json.dumps({**told, "app": self.app, "scripted": self.scripted})

    def command(self, host: str, port: int) -> list[str]:
        """Return the command that runs uvicorn, isolated from the current folder and its files."""
        options = {
            "--app-dir": self.root,
            "--host": host,
            "--port": port,
            "--reload-dir": self.folder,
        }
        told = [str(word) for pair in options.items() for word in pair]
        python = [sys.executable, "-I", "-X", "utf8", "-m", "uvicorn"]
        return [*python, "graders.engine.serving.app:app", "--reload", *told]

    def variables(
        self, of_lesson: Mapping[str, str], own: Mapping[str, str], data: Path
    ) -> dict[str, str]:
        """Return the variables that are set beside ``own``, those of the person's environment.

        What a person has set stays as it is.
        """
        wanted = {DATA_VARIABLE: str(data), **of_lesson}
        shown = {name: value.replace("{data}", str(data)) for name, value in wanted.items()}
        kept = {name: value for name, value in shown.items() if name not in own}
        return {**(SCRIPTED if self.scripted else {}), **kept}
