"""The course's files as checked values: lessons, rubrics, conversations, quizzes.

Must not run anything: no student code, no server, no test. A file that is wrong gives a
:class:`~graders.engine.core.errors.ContentError` that says where and what to write instead.
"""
