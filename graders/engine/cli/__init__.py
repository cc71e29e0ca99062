"""The commands of ``grade.py``: they read the command line, ask the engine, and show.

Must not decide anything about a submission. Heavy packages are imported inside the command that
needs them, so that ``grade.py list`` and ``--help`` answer at once.
"""
