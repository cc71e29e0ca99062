"""Says nothing."""

ANSWERS: dict[str, str] = {}
