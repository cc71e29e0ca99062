"""What can go wrong while the environment is set up, each with its cure.

Must not know who runs the installers or how a message is shown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

LINES_SHOWN = 8


class SetupError(Exception):
    """The environment cannot be set up.

    ``fact`` is one sentence on what is wrong, ``cures`` what to try, best first, ``seen`` the
    last lines of the installer that show it.
    """

    def __init__(self, fact: str, *cures: str, seen: Sequence[str] = ()) -> None:
        super().__init__(fact)
        self.fact = fact
        self.cures = cures
        self.seen = tuple(seen)

    def text(self) -> str:
        """Return the whole message: the fact, what was seen, what to try."""
        lines = [self.fact]
        lines += [f"  | {line}" for line in self.seen]
        lines += [
            f"  {'try:' if index == 0 else ' or:'} {cure}" for index, cure in enumerate(self.cures)
        ]
        return "\n".join(lines)


class InstallSymptom:
    """Words in an installer's output (a regular expression), and what they mean."""

    def __init__(self, words: str, fact: str, *cures: str) -> None:
        self.words = re.compile(words, re.IGNORECASE)
        self.fact = fact
        self.cures = cures


# The first that fits is told. The network stands before the missing distribution, since without
# a network pip reports both.
SYMPTOMS = (
    InstallSymptom(
        r"No space left on device|Disk quota exceeded|WinError 112",
        "The disk is full: the environment needs about 400 MB.",
        "make room, then run the same command again.",
    ),
    InstallSymptom(
        r"DO NOT MATCH THE HASHES|hash mismatch",
        "A downloaded package is not the one that the lock file names.",
        "run the same command again: the download may have been cut short.",
        "if it stays so, a proxy or a mirror changes packages: use another network.",
    ),
    InstallSymptom(
        r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer|SSLError",
        "The package index could not be trusted: its certificate was not accepted.",
        "if your network has its own certificate, name it in PIP_CERT and SSL_CERT_FILE.",
    ),
    InstallSymptom(
        r"name resolution|getaddrinfo failed|nodename nor servname|NewConnectionError"
        r"|Max retries exceeded|Network is unreachable|Connection refused|ProxyError"
        r"|ReadTimeoutError|Read timed out|dns error|tcp connect error|error sending request"
        r"|client error \(Connect\)|operation timed out|Failed to fetch",
        "The package index could not be reached: the first run needs the network.",
        "check the connection, then run the same command again.",
        "behind a proxy, set HTTPS_PROXY first.",
    ),
    InstallSymptom(
        r"No matching distribution found|Could not find a version|no wheels? with a matching",
        "A locked package was not found for this Python and this machine.",
        "check the connection, and PIP_INDEX_URL where it is set: a mirror may lack packages.",
        "use another Python from 3.11 on, for example 3.12, on a 64-bit system.",
    ),
    InstallSymptom(
        r"Permission denied|Read-only file system|Access is denied|WinError 5\b",
        "The environment's folder may not be written.",
        "set CHATKIT_GRADER_VENV to a folder of your own, then run the same command again.",
    ),
    InstallSymptom(
        r"ensurepip is not available|No module named '?(ensurepip|venv|pip)\b",
        "This Python cannot make virtual environments.",
        "install what is missing; on Debian and Ubuntu: sudo apt install python3-venv",
        "install uv (https://docs.astral.sh/uv/), which needs none of it.",
    ),
)


def explain(command: str, code: int, output: Sequence[str]) -> SetupError:
    """Turn a failed installer's output into what it means for a person."""
    seen = [line for line in output if line.strip()]
    whole = "\n".join(seen)
    for symptom in SYMPTOMS:
        if symptom.words.search(whole):
            shown = [line for line in seen if symptom.words.search(line)][-1:]
            return SetupError(symptom.fact, *symptom.cures, seen=shown)
    return SetupError(
        f"{command} failed with exit code {code}.",
        "read its last lines above, then run the same command again.",
        seen=seen[-LINES_SHOWN:],
    )


def no_venv_module() -> SetupError:
    """Return the error for a Python that cannot make environments, as Debian ships it."""
    major, minor = sys.version_info[:2]
    return SetupError(
        f"This Python ({sys.executable}) has no complete venv module.",
        f"on Debian and Ubuntu: sudo apt install python3-venv (or python{major}.{minor}-venv)",
        "install uv (https://docs.astral.sh/uv/), which needs none of it.",
    )
