"""One started process as the grader sees it: its folders, its wire, what it does, how it ends.

Must not know a lesson, and judges nothing: what goes wrong is raised as the trouble that it is.
"""
