"""Where a server may store, and what may happen to it: its folders, and its database if it has one.

With a database, that is what is disturbed, and the folders are left alone. A server that lets
nobody else into its database is a finding. Must not know a schema, nor what a server ought to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from graders.engine.database import stored_rows
from graders.engine.database.databases import ServerDatabase
from graders.engine.harness import storage, storage_faults


class Stores:
    """All of one server's: ``data`` is its data folder, ``folders`` all where it may store."""

    def __init__(
        self,
        data: Path,
        folders: Sequence[Path],
        database: ServerDatabase | None,
    ) -> None:
        self._data = data
        self._folders = folders
        self._database = database

    @property
    def is_database(self) -> bool:
        """Whether a database server stores, and not files."""
        return self._database is not None

    @property
    def takes_time_from_sql(self) -> bool:
        """Whether statements asked the database server for the time, which does not follow ours."""
        if self._database is None:
            return False
        with self._database.asked_by_others():
            return self._database.was_asked_for_the_time

    def places_containing(self, word: str, *, logs: bool = False) -> list[str]:
        """Name the tables and files that hold ``word``; with ``logs``, also logs."""
        found = storage.places_containing(self._folders, word, logs=logs)
        if self._database is not None:
            with self._database.asked_by_others():
                found += stored_rows.tables_containing(self._database, word)
        return found

    def damage(self, word: str, spared: Iterable[str]) -> int:
        """Replace each stored value that holds ``word`` and none of ``spared``."""
        spared = tuple(spared)
        count = storage_faults.damage(self._folders, word, spared)
        if self._database is not None:
            with self._database.asked_by_others():
                count += stored_rows.damage_rows(self._database, word, spared)
        return count

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold all of it as another program does that changes it."""
        if self._database is None:
            with storage_faults.locked(self._folders):
                yield
        else:
            with (
                self._database.asked_by_others(),
                stored_rows.locked_tables(self._database),
            ):
                yield

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nothing be written."""
        if self._database is None:
            with storage_faults.read_only(self._folders):
                yield
        else:
            with (
                self._database.asked_by_others(),
                self._database.having("default_transaction_read_only", "on"),
            ):
                yield

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let it not be there at all."""
        if self._database is None:
            with storage_faults.unmounted(self._data):
                yield
        else:
            with self._database.away():
                yield
