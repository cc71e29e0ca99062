"""A result, made readable: one module a format, each a pure ``render``; one module writes files.

Must not compute a score, and must not know how a result came about.
"""
