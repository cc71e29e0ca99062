"""What to try when a student's module cannot be imported, by what Python says about it.

Data more than code: each entry is a mistake that is often made. Must not know how it is shown.
"""

from __future__ import annotations

import re

DISTRIBUTIONS = {
    "agents": "openai-agents",
    "chatkit": "openai-chatkit",
    "dotenv": "python-dotenv",
    "jwt": "pyjwt",
    "yaml": "pyyaml",
}
"""The distribution that an import name comes from, where the two differ."""

# What people write who take the distribution's name, or that of an older article, for the import's.
_MEANT = {
    "chatkit_sdk": "chatkit",
    "openai_agents": "agents",
    "openai_chatkit": "chatkit",
    "pyjwt": "jwt",
    "python_dotenv": "dotenv",
    "pyyaml": "yaml",
}
_ERRORS = {
    "EOFError": "A server has nobody who types: remove `input()`.",
    "FileNotFoundError": "Hand in all files that your code reads, and write only below the folder "
    "that `CHATKIT_DATA_DIR` names.",
    "KeyError": "If it is a variable of the environment: only those that the assignment names are "
    "set; read others with a default, `os.environ.get(name, default)`.",
    "NetworkRefusedError": "There is no network here: connect when a request needs it, not at "
    "import, and to nothing but the model.",
    "MemoryError": "Load less while your code is imported.",
    "PermissionError": "Write only below the folder that `CHATKIT_DATA_DIR` names.",
    "ProcessRefusedError": "A submission is one process: do the work in Python, in a thread if it "
    "blocks.",
}


def missing_cure(name: str) -> str:
    """Return what to do about ``import name`` where there is no such module."""
    top = name.partition(".")[0]
    if meant := _MEANT.get(top.lower()):
        package = DISTRIBUTIONS[meant]
        return f"The package `{package}` is imported under the name `{meant}`."
    if top in {*DISTRIBUTIONS, "openai", "fastapi"} and top != name:
        return f"`{top}` has no such module in the installed version: look into its source."
    return (
        "Check the spelling and hand in all your files. Only the packages of the course are "
        "installed; `pyproject.toml` lists them."
    )


def import_cure(error: str, message: str, module: str) -> str:
    """Return what to do about an exception that the import of ``module`` raised."""
    if "attempted relative import with no known parent package" in message:
        return (
            f"`{module}` is imported from your folder, so files beside it are imported by their "
            "plain name: `from store import ...`, without the dot."
        )
    if wanted := re.match(r"cannot import name '(\w+)' from '([\w.]+)' \((?!unknown)", message):
        name, source = wanted.groups()
        return (
            f"Look into the source of `{source}` for what it really has. Articles about ChatKit "
            f"name many things that do not exist; `{name}` may be one."
        )
    run = f"Run `python -c 'import {module}'` in your folder: it should print nothing."
    return _ERRORS.get(error, run)
