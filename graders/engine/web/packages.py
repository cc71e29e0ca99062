"""The npm packages that web code is bundled with: installed once, from the course's lock file.

They lie beside the Python packages, in a folder that has the lock file's hash. Must not know what
is bundled.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graders.engine.web.programs import find_npm

_HERE = Path(__file__).parent
_LOCKED = ("package.json", "package-lock.json")
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
_PLATFORMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
ALLOWED = ("react", "react-dom", "@openai/chatkit-react", "@openai/chatkit")
"""What a widget may import."""


class PackagesMissingError(Exception):
    """The packages are not there and cannot be installed; the text says why."""


@dataclass(frozen=True)
class WebPackages:
    """The folder ``node_modules`` of the course."""

    folder: Path

    @property
    def esbuild(self) -> Path:
        """The bundler, which is one program without Node."""
        system = _PLATFORMS.get(sys.platform, sys.platform)
        found = sorted((self.folder / "@esbuild").glob(f"{system}-*/bin/esbuild"))
        windows = sorted((self.folder / "@esbuild").glob(f"{system}-*/esbuild.exe"))
        return [*found, *windows][0]


def web_packages(say: Callable[[str], None] = lambda _: None) -> WebPackages:
    """Return the packages, which are installed if they are not there yet.

    ``say`` is told that this takes a while. Raises :class:`PackagesMissingError`.
    """
    place = Path(sys.prefix) / "share" / "chatkit-grader" / f"web-{_hash()}"
    if not (place / "node_modules").is_dir():
        say("Installing the JavaScript packages of the course, once (less than a minute) ...")
        _install(place)
    return WebPackages(place / "node_modules")


def _hash() -> str:
    content = b"".join((_HERE / name).read_bytes() for name in _LOCKED)
    return hashlib.sha256(content).hexdigest()[:16]


def _install(place: Path) -> None:
    """Install beside the place and move it there: nobody sees half of it."""
    npm = find_npm()
    if npm is None:
        raise PackagesMissingError("there is no npm on this machine")
    place.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="web-", dir=place.parent))
    try:
        for name in _LOCKED:
            shutil.copy(_HERE / name, made)
        done = subprocess.run(  # noqa: S603 - npm, with the course's own lock file
            [str(npm), *_INSTALL], cwd=made, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip())[-500:]
            raise PackagesMissingError(f"`npm ci` failed: {last}")
        made.chmod(0o755)
        try:
            os.rename(made, place)  # noqa: PTH104 - raises where another grader was faster
        except OSError:
            if not (place / "node_modules").is_dir():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
