"""The main of a fresh student process: reads its settings from standard input, then serves.

Runs in the student's process, before any student code.
"""

from __future__ import annotations

import json
import os
import sys

from graders.engine.host.serve import forget_engine
from graders.engine.sandbox.child import WIRE_FD, become_student


def main(wire: int) -> None:
    """Turn this interpreter into the student's process; never returns."""
    settings = json.loads(sys.stdin.buffer.read())
    sys.path.remove(sys.argv[1])
    if wire != WIRE_FD:
        os.dup2(wire, WIRE_FD)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    forget_engine()
    become_student(settings)
