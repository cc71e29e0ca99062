"""Fresh ids for what the model makes: a store that is keyed by item id must never see one twice.

Must not know what an id is used for.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator


def random_ids() -> Iterator[str]:
    """Yield random ids of 32 hex digits for ever."""
    while True:
        yield secrets.token_hex(16)


class Ids:
    """Puts the field's prefixes (``msg_``, ``resp_``, ``call_``) before ids from a source."""

    def __init__(self, source: Iterator[str] | None = None) -> None:
        self._source = source if source is not None else random_ids()

    def fresh(self, prefix: str) -> str:
        """Make a new id such as ``msg_4f…``."""
        return prefix + next(self._source)
