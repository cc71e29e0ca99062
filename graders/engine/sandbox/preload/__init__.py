"""What the fork server has ready before it forks: libraries, schemas, a first conversation.

Must not know a submission.
"""
