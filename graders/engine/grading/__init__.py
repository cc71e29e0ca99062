"""One submission to one result: the pytest plugin, the order of criteria, the score.

Must not print, and must not know how a server is started or how a result is shown.
The way in is :func:`graders.engine.grading.run.grade`.
"""
