"""Where this machine keeps a browser, Node and npm. Must not know what they are run for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

BROWSER_VARIABLE = "CHATKIT_GRADER_BROWSER"
_NAMES = (
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
_PLACES = {
    "linux": (
        "/usr/lib/chromium/chromium",
        "/usr/lib/chromium-browser/chromium-browser",
        "/opt/google/chrome/chrome",
        "/opt/microsoft/msedge/msedge",
    ),
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"Google\Chrome\Application\chrome.exe",
        r"Chromium\Application\chrome.exe",
        r"Microsoft\Edge\Application\msedge.exe",
    ),
}
_WINDOWS_ROOTS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")


def find_browser() -> Path | None:
    """Return a Chromium, Chrome or Edge: the one that the variable names, or the first found."""
    named = os.environ.get(BROWSER_VARIABLE)
    if named:
        found = shutil.which(named)
        return Path(found) if found else None
    return next((path for path in _candidates() if path.is_file()), None)


def find_node() -> Path | None:
    """Return Node, if it is there."""
    return _on_path("node")


def version_of(node: Path) -> int:
    """Return the main version of Node, 0 if it does not say any."""
    try:
        said = subprocess.run(  # noqa: S603 - Node itself, without a script
            [str(node), "--version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return 0
    found = re.match(r"v(\d{1,4})\.", said)
    return int(found[1]) if found else 0


def find_npm() -> Path | None:
    """Return npm, if it is there."""
    return _on_path("npm")


def _candidates() -> Iterator[Path]:
    for place in _PLACES.get(sys.platform, ()):
        if sys.platform == "win32":
            yield from (Path(os.environ[root], place) for root in _WINDOWS_ROOTS
                        if root in os.environ)  # fmt: skip
        else:
            yield Path(place)
    yield from (Path(found) for name in _NAMES if (found := shutil.which(name)))


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found).resolve() if found and name == "node" else Path(found) if found else None
