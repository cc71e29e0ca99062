"""What went wrong with one server, as sentences for its student: limits, refusals, failed starts.

Must not decide a criterion.
"""
