"""Submissions in git repositories: fetched without a checkout, at a commit, as a tar archive.

`git` runs with the user's own keys but without hooks, prompts or submodules, and what a commit
holds is unpacked by the rules for any archive. Must not run anything of a repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graders.engine.core.errors import UsageError
from graders.engine.core.results import Problem
from graders.engine.core.text import quote
from graders.engine.submissions.archives import OF_ONE
from graders.engine.submissions.submission_copy import SubmissionProblem

_GIT = (
    *("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("-c", "protocol.ext.allow=never", "-c", "submodule.recurse=false"),
)
# Bounds itself before it becomes git, so that git has written nothing by then.
_BECOME_BOUNDED = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
for limit, most in zip((resource.RLIMIT_FSIZE, resource.RLIMIT_AS), map(int, sys.argv[1:3])):
    _, hard = resource.getrlimit(limit)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))
os.execvp(sys.argv[3], sys.argv[3:])
"""
_LEADS_ELSEWHERE = ("commondir", "gitdir", "objects/info/alternates")
_MOST_MEMORY = 2 << 30
_MOST_WRITTEN = 4 * OF_ONE.files
"""Bytes of one file that git writes: a small repository can hold a huge commit."""
PATIENCE = 300
"""Seconds of the clock on the wall that one fetch may take: a server may never answer."""


def is_repository(path: Path) -> bool:
    """Return whether a folder is a clone of a git repository that is whole by itself.

    One whose `.git` leads elsewhere would hand in what lies there. One that cannot be read through,
    such as where folders are nested deeper than a path is long, is none.
    """
    try:
        return any(map(_is_whole, (path / ".git", path)))
    except OSError:
        return False


def _is_whole(git: Path) -> bool:
    if git.is_symlink() or not ((git / "HEAD").is_file() and (git / "objects").is_dir()):
        return False
    elsewhere = (git / name for name in _LEADS_ELSEWHERE)
    return not any(each.exists() for each in elsewhere) and not any(
        each.is_symlink() for each in git.rglob("*")
    )


@dataclass(frozen=True)
class Repositories:
    """Opens repositories at a commit, or at the last one before ``due``, as git reads a date."""

    due: str | None = None

    @contextmanager
    def opened(self, source: str, commit: str) -> Iterator[Path]:
        """Yield a tar archive of what the repository holds; SubmissionProblem if it cannot be had.

        Dates of commits are what their author says.
        """
        with tempfile.TemporaryDirectory(prefix="chatkit-clone-") as name:
            room = Path(name)
            clone = room / "clone"
            _git(
                "clone", "--bare", "--no-local", "--quiet", "--", source, str(clone), source=source
            )
            archive = room / "commit.tar"
            wanted = commit or self._newest(clone, source)
            _git(
                *("archive", "--format=tar", f"--output={archive}"),
                *("--end-of-options", wanted),
                source=source,
                folder=clone,
            )
            shutil.rmtree(clone, ignore_errors=True)
            yield archive

    def _newest(self, clone: Path, source: str) -> str:
        if self.due is None:
            return "HEAD"
        found = _git(
            "rev-list", "-1", f"--before={self.due}", "HEAD", source=source, folder=clone
        ).strip()
        if not found:
            raise _problem(source, f"It has no commit before {self.due}.")
        return found


def require_git() -> None:
    """Raise a UsageError if there is no `git`."""
    if shutil.which("git") is None:
        raise UsageError(
            "Submissions are to be fetched with git, and it is not installed.",
            cure="Install git, or clone them by hand and give the folder.",
        )


def _git(*words: str, source: str, folder: Path | None = None) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
    # A path that begins with a hyphen, or `ext::`, is not let through by `lists`.
    where = ("-C", str(folder)) if folder else ()
    with subprocess.Popen(  # noqa: S603 - a fixed program, and no shell
        [*_bounds(), *_GIT, *where, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            printed, complained = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise _problem(source, "git got no answer.") from None
    if process.returncode:
        said = complained.decode("utf-8", "replace").strip().splitlines()
        raise _problem(source, quote(said[-1] if said else "git failed", 200))
    return printed[: OF_ONE.directory].decode("utf-8", "replace")


def _bounds() -> tuple[str, ...]:
    """Return what bounds a program and those that it starts in what they may write and hold.

    Where Linux can do it.
    """
    if sys.platform != "linux":
        return ()
    most = (str(_MOST_WRITTEN), str(_MOST_MEMORY))
    return (sys.executable, "-I", "-S", "-c", _BECOME_BOUNDED, *most)


def _problem(source: str, detail: str) -> SubmissionProblem:
    return SubmissionProblem(
        Problem(
            kind="no-repository",
            title=f"The repository `{quote(source, 120)}` cannot be fetched",
            detail=detail,
            cure="Clone it by hand, and see what git says.",
        )
    )
