"""Many submissions graded in one run: found, scheduled, kept, compared and told of as a class.

Must not judge: each submission is graded by ``grading``, in a process that this package only feeds.
"""
