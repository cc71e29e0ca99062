"""One run at a time builds the environment: a lock that the system frees when its holder dies.

Must not know what is done under the lock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from graders.bootstrap.trouble import SetupError

POLL_SECONDS = 0.2  # Windows only: its locks cannot be waited for


@contextmanager
def holding(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file ``path``; call ``on_wait`` once if another run holds it."""
    with _opened(path) as file:
        if not _try_lock(file):
            on_wait()
            _wait_for_lock(file)
        yield


def _opened(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        raise SetupError(
            f"{path.parent} cannot be written ({error.strerror}), so no environment can be made.",
            "set CHATKIT_GRADER_VENV to a folder of your own, then run the same command again.",
        ) from error


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _wait_for_lock(file: IO[bytes]) -> None:
        while not _try_lock(file):
            time.sleep(POLL_SECONDS)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # some network folders have no locks; to build unlocked is better than not
            return True
        return True

    def _wait_for_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
