"""Values that every other package speaks in: results, exceptions, safe text, clocks.

Must not do I/O and must not know how anything is graded, played or shown.
"""
