"""Runs a bundled script in Node, shut in. Must not know what the script is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graders.engine.web.confined import ProgramLimits, ProgramSpec, confined, own_folder

_LIMITS = ProgramLimits(cpu_seconds=5)
_FLAGS = ("--max-old-space-size=256", "--no-warnings")
_MOST_PRINTED = 1024 * 1024


@dataclass(frozen=True)
class NodeRun:
    """How a script ended: with which ``code``, and what it ``printed``.

    ``ended_for`` says why the grader ended it; it is empty where the script ended by itself.
    """

    code: int
    printed: str
    ended_for: str = ""

    @property
    def error(self) -> str:
        """The line that names the exception, or the last line."""
        lines = [line.strip() for line in self.printed.splitlines() if line.strip()]
        named = [line for line in lines if _names_error(line)]
        return (named or lines[-1:] or ["it printed nothing"])[0][:300]


def run_in_node(node: Path, script: bytes) -> NodeRun:
    """Run ``script`` in a folder of its own, and wait for its end."""
    with own_folder() as own:
        (own / "script.js").write_bytes(script)
        spec = ProgramSpec(
            command=[str(node), *_FLAGS, str(own / "script.js")],
            own=own,
            readable=[node],
            environment={"HOME": str(own), "TMPDIR": str(own), "LANG": "C.UTF-8"},
            limits=_LIMITS,
        )
        with confined(spec) as program:
            end = program.to_the_end(_MOST_PRINTED)
    return NodeRun(end.code, end.printed, end.ended_for)


def _names_error(line: str) -> bool:
    return line.startswith("FATAL ERROR: ") or ("Error: " in line and not line.startswith("at "))
