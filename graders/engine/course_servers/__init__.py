"""The course's own servers: its solutions, and its mutants, which are made from them.

Must not run any of them, nor know how one is graded.
"""
