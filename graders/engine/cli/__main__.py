"""Runs the command line: ``python -m graders.engine.cli``, which is what ``grade.py`` does."""

from __future__ import annotations

import sys

from graders.engine.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
