"""Grades ChatKit servers: ``python grade.py lesson02``; see ``python grade.py --help``.

The only entry. The first run sets up an environment beside this file, every run then goes on
in it. This file must stay readable for Python 3.6, because an old Python has to get as far as
the sentence that says it is too old; everything else is in ``graders/bootstrap``.
"""

# Nothing else may be imported here: Python has both already, and the import path is not clean yet.
import os
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.realpath(__file__))


def too_old_message(version: "tuple[int, ...]", executable: str) -> str:
    """Say which Python was found, which one is needed, and how to go on."""
    return "\n".join(
        [
            "grade.py needs Python {}.{} or newer; found {}.{} at {}.".format(
                *OLDEST, *version[:2], executable
            ),
            f"  try: run it with a newer one, for example: python3.{OLDEST[1]} grade.py",
            "       There is none yet? Get one from https://www.python.org/downloads/.",
        ]
    )


def leave_own_folder(path: "list[str]") -> "list[str]":
    """Return an import path without the folder that Python puts first for a script.

    Else a file here that is named like a library, say a student's ``agents.py``, would be
    imported by the judge in place of the library.
    """
    return [entry for entry in path if os.path.realpath(entry) != ROOT]


def load_graders() -> None:
    """Make the package ``graders``, and nothing else of this folder, importable."""
    import importlib.util

    folder = os.path.join(ROOT, "graders")
    start = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(
        "graders", start, submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None or not os.path.exists(start):
        raise SystemExit(f"grade.py: there is no {start}: download the project again.")
    package = importlib.util.module_from_spec(spec)
    sys.modules["graders"] = package
    spec.loader.exec_module(package)


def main() -> int:
    """Check the Python, then let ``graders.bootstrap`` do the rest; return the exit code."""
    if sys.version_info < OLDEST:
        sys.stderr.write(too_old_message(sys.version_info[:2], sys.executable) + "\n")
        return 2
    sys.path[:] = leave_own_folder(sys.path)
    load_graders()
    from graders.bootstrap.launch import launch

    return launch(ROOT, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
