"""What to try when a student's module cannot be imported, by what Python says about it.

Data more than code: each entry is a mistake that is often made. Must not know how it is shown.
"""

from __future__ import annotations

import re

from graders.engine.server.diagnosis.raised_cures import NO_POSTGRES, is_about_postgres

DISTRIBUTIONS = {
    "agents": "openai-agents",
    "argon2": "argon2-cffi",
    "chatkit": "openai-chatkit",
    "dotenv": "python-dotenv",
    "jose": "python-jose",
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
    "python_jose": "jose",
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


_INSTEAD = {
    "anthropic": "Ask other models with `openai` and the `base_url` of their provider.",
    "google": "Ask other models with `openai` and the `base_url` of their provider.",
    "langchain": "Use the Agents SDK, as the lesson does.",
    "litellm": "LiteLLM is not there. `OpenAIChatCompletionsModel(model, "
    "AsyncOpenAI(base_url=...))` of the Agents SDK reaches the same models.",
    "mcp": "In mcp 2, `FastMCP` is `MCPServer` (`from mcp.server.mcpserver import MCPServer`). But "
    "a tool server (MCP) cannot be reached here: write its tools with `@function_tool`.",
    "psycopg2": NO_POSTGRES,
    "peewee": "Peewee is not there: write the tables with SQLModel or SQLAlchemy, which are.",
    "redis": "There is no Redis here: keep the data in SQLite, or in a file.",
}
"""What does the same and is installed."""
_FIELDS = re.compile(r"`([\w.]+)`: Field required")
_SETTINGS_CLASS = re.compile(r"validation errors? for \w*(?:Settings|Config|Env)\w*", re.IGNORECASE)
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


def settings_in(error: str, message: str) -> tuple[str, ...]:
    """Return the settings that an exception says are lacking; none if it is about another thing."""
    if error == "KeyError" and (found := re.fullmatch(r"'([A-Z][A-Z0-9_]+)'", message)):
        return (found[1],)
    if error == "ValidationError" and _SETTINGS_CLASS.search(message):
        return tuple(_FIELDS.findall(message))
    if re.search(r"\b(?:not set|unset|missing|required|must be set|environment)\b", message):
        return tuple(dict.fromkeys(_VARIABLE.findall(message)))
    return ()


def instead_of(package: str) -> str:
    """Return what does the same as a package that is not installed; empty if nothing is known."""
    name = package.lower().replace("-", "_")
    known = (each for each in _INSTEAD if name == each or name.startswith(f"{each}_"))
    return _INSTEAD.get(next(known, ""), "")


def missing_cure(name: str) -> str:
    """Return what to do about ``import name`` where there is no such module."""
    top = name.partition(".")[0]
    if instead := _INSTEAD.get(top):
        return instead
    if meant := _MEANT.get(top.lower()):
        package = DISTRIBUTIONS[meant]
        return f"The package `{package}` is imported under the name `{meant}`."
    if top in {*DISTRIBUTIONS, "openai", "fastapi"} and top != name:
        return f"`{top}` has no such module in the installed version: look into its source."
    return (
        "Check the spelling and hand in all your files: only the packages of the course are "
        "installed."
    )


def import_cure(error: str, message: str, module: str) -> str:
    """Return what to do about an exception that the import of ``module`` raised."""
    if "attempted relative import with no known parent package" in message:
        return (
            f"`{module}` is imported from your folder, so files beside it are imported by their "
            "plain name: `from store import ...`, without the dot."
        )
    if lacking := re.match(r"Can't instantiate abstract class (\w+) with\w* .*method", message):
        return (
            f"The SDK's `Store` wants all of its methods. Write those that are named in "
            f"`{lacking[1]}`, each with `context` as its last argument; what the lesson does not "
            "need may `raise NotImplementedError`."
        )
    if wanted := re.match(r"cannot import name '(\w+)' from '([\w.]+)' \((?!unknown)", message):
        name, source = wanted.groups()
        return (
            f"Look into the source of `{source}` for what it really has. Articles about ChatKit "
            f"name many things that do not exist; `{name}` may be one."
        )
    if is_about_postgres(f"{error}: {message}"):
        return NO_POSTGRES
    run = f"Run `python -c 'import {module}'` in your folder: it should print nothing."
    return _ERRORS.get(error, run)
