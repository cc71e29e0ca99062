"""Starts the student's process: fork server or fresh process, limits, environment, end.

Must not import or run student code in the grader, and must not know what is said over the wire.
"""

from graders.engine.sandbox.launcher import (
    Exit,
    Launcher,
    LaunchError,
    LaunchSpec,
    Process,
    open_launcher,
)
from graders.engine.sandbox.layers import Layer
from graders.engine.sandbox.limits import ProcessLimits

__all__ = [
    "Exit",
    "LaunchError",
    "LaunchSpec",
    "Launcher",
    "Layer",
    "Process",
    "ProcessLimits",
    "open_launcher",
]
