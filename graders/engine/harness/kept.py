"""What checks keep from one run to the next: short texts by name, about the course's own servers.

Kept in memory, and in one file where there is a place for it. The file is only ever a shortcut:
where it cannot be read or written, things are found again. Must not know what the texts mean, nor
hold anything of a submission's server: that one is to be tried in each run.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

MOST_KEPT = 50_000
"""Texts in the file; the oldest go first."""
_SECONDS = 10
"""How long to wait for another process that writes."""
_TABLE = "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, text TEXT NOT NULL)"


def usual_place() -> Path:
    """Return the file in the folder where programs of this user keep such things."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(folder) / "chatkit-grader" / "kept.sqlite3"


class KeptTexts:
    """Texts by name; with a ``file`` they outlive the process.

    ``made_with`` says what decides them beside their names, such as the version of the grader: with
    another one, nothing of them is known.
    """

    def __init__(self, file: Path | None = None, made_with: str = "") -> None:
        self._file = file
        self._made_with = made_with
        self._known: dict[str, str] = {}

    def of(self, names: Iterable[str]) -> dict[str, str]:
        """Return the texts that are known of these names."""
        wanted = list(names)
        self._read([name for name in wanted if name not in self._known])
        return {name: self._known[name] for name in wanted if name in self._known}

    def keep(self, texts: Mapping[str, str]) -> None:
        """Keep these texts."""
        self._known.update(texts)
        rows = [(self._key(name), text) for name, text in texts.items()]
        with suppress(sqlite3.Error, OSError), self._opened() as database:
            database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)
            database.execute(
                "DELETE FROM kept WHERE rowid <= (SELECT max(rowid) FROM kept) - ?", (MOST_KEPT,)
            )

    def _read(self, names: list[str]) -> None:
        with suppress(sqlite3.Error, OSError), self._opened() as database:
            for name in names:
                found = database.execute("SELECT text FROM kept WHERE name = ?", (self._key(name),))
                for (text,) in found:
                    self._known[name] = text

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Yield the database in one transaction; an OSError where there is no place for it."""
        if self._file is None:
            raise FileNotFoundError
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=_SECONDS)) as database, database:
            database.execute(_TABLE)
            yield database

    def _key(self, name: str) -> str:
        return hashlib.sha256(f"{self._made_with}\0{name}".encode()).hexdigest()
