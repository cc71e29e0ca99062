"""Fill in the answers."""

ANSWERS: dict[str, str] = {}
