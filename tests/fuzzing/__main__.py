"""``python -m tests.fuzzing wire --seconds 600``: fuzz one target for a while, guided by coverage.

Needs atheris, which is no part of the environment that grades. What makes a target fail is kept
beside the corpus, and is printed; give it as ``--again FILE`` to see the failure once more.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

TARGETS = ("wire", "sse", "archive", "yaml")
CORPUS = Path(tempfile.gettempdir()) / "chatkit-fuzzing"
_LONGEST_BYTES = 20_000
_SLOWEST_SECONDS = 20
_MOST_MEGABYTES = 3_000


def main(words: Sequence[str]) -> int:
    """Fuzz as the command line says; returns only if that cannot begin."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600, help="how long [600]")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help=f"a folder [{CORPUS}]")
    parser.add_argument("--again", type=Path, help="only this input, without fuzzing")
    chosen = parser.parse_args(words)
    if chosen.again is not None:
        importlib.import_module("tests.fuzzing.targets").TARGETS[chosen.target](
            chosen.again.read_bytes()
        )
        return 0
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        parser.exit(2, "atheris is missing: it runs on Linux with Python 3.11 to 3.13.\n")
    with atheris.instrument_imports(include=["graders", "zipfile", "tarfile", "yaml"]):
        targets = importlib.import_module("tests.fuzzing.targets").TARGETS
    corpus = chosen.corpus / chosen.target
    _plant(chosen.target, corpus)
    arguments = [
        f"-max_total_time={chosen.seconds}",
        f"-max_len={_LONGEST_BYTES}",
        f"-timeout={_SLOWEST_SECONDS}",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
        f"-artifact_prefix={chosen.corpus}/{chosen.target}-",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *arguments], targets[chosen.target])
    atheris.Fuzz()
    return 0


def _plant(target: str, corpus: Path) -> None:
    """Put the seeds into the corpus, under names that are the same in each run."""
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in importlib.import_module("tests.fuzzing.seeds").seeds(target):
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
