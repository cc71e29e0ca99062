"""The command that starts a student's process as a new interpreter.

Both sides use it: the grader where there is no fork, the forked process where a submission hides
preloaded libraries. Must not know how the process is started with it.
"""

from __future__ import annotations

import sys

from graders.engine.core.places import REPOSITORY

_BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from graders.engine.sandbox.fresh_main import main; main(int(sys.argv[2]))"
)
INTERPRETER = (sys.executable, "-s", "-P", "-c", _BOOT, str(REPOSITORY))
"""The command of a fresh student, but for the number of the wire's descriptor."""
