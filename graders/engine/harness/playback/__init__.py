"""Plays a conversation script against a server and checks what the script expects.

The same player serves the public samples, ``grade.py replay`` and the scenarios that students
write. Must not know points, nor a lesson.
"""

from graders.engine.harness.playback.player import play

__all__ = ["play"]
