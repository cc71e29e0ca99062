"""What to do about an exception at work, by what it says about itself.

Data more than code: each entry is a mistake that is often made, and stands for the exception that
its pattern finds, so no advice is given for what was not seen. The first that fits counts. Must
not know how it is shown.
"""

from __future__ import annotations

import re

from graders.engine.core.results import RaisedException

REFUSED_CURE = (
    "A submission has no network: only calls to the model with `openai` or `httpx` are answered. A "
    "tool server (MCP) is not there either, neither over HTTP nor as a program: write its tools "
    "with `@function_tool` in your own process."
)
"""What to do about a call to the outside, over whatever protocol."""

NO_POSTGRES = (
    "There is no PostgreSQL here, and no other database server: keep the data in SQLite below the "
    "folder that `CHATKIT_DATA_DIR` names (`sqlite3`, `aiosqlite`, SQLAlchemy, SQLModel)."
)
# asyncpg connects from Python, psycopg from its own C library.
_POSTGRES = r"^NetworkRefusedError: connect \S*:5432\b|^\w*Error: .*\bport 5432 failed\b"


def is_about_postgres(text: str) -> bool:
    """Return whether an exception, as `Name: message`, tells of a PostgreSQL that is not there."""
    return re.search(_POSTGRES, text) is not None


# `$1` stands for what the pattern's first group finds.
_CURES = (
    (
        r"^NameError: name '(\w+)' is not defined$",
        "`$1` is neither defined nor imported in this file.",
    ),
    (
        r"'async_generator' object is not iterable",
        "An async generator gives its events to `async for event in ...`, not to `for`.",
    ),
    (
        r"'\w+' object has no attribute 'model_dump_json'",
        (
            "`respond()` must yield events of `chatkit.types`, such as `ThreadItemDoneEvent(...)`, "
            "and no dicts or texts of your own."
        ),
    ),
    (
        r"^TypeError: 'async for' requires an object with __aiter__ method, got coroutine",
        (
            "A function that is looped over with `async for` has no `yield`, so it is a coroutine "
            "and "
            "no async generator: in `respond()`, write `yield event` where it prints or returns."
        ),
    ),
    (
        r"^TypeError: 'async for' requires an object with __aiter__ method, got NoneType",
        (
            "What is looped over with `async for` is `None`: `respond()` must be `async def` and "
            "`yield` its events."
        ),
    ),
    (
        r"^TypeError: 'async for' requires an object with __aiter__ method, got generator",
        "`respond()` is a plain generator: write `async def respond(...)`.",
    ),
    (
        r"^TypeError: object async_generator can't be used in 'await' expression",
        "An async generator is not awaited: `async for event in ...: yield event`.",
    ),
    (
        r"^TypeError: object \w+ can't be used in 'await' expression",
        "What is called there is not `async`, and has its result at once: take `await` away.",
    ),
    (
        (
            r"coroutine' object|got coroutine|input_type=coroutine|type coroutine|object is not "
            r"iterable.*coroutine|coroutine.* not subscriptable"
        ),
        (
            "`await` is missing before a call of an `async` function: without it you have a "
            "coroutine and not its result."
        ),
    ),
    (
        r"^ValidationError: .*JSON input should be string, bytes or bytearray",
        (
            "`server.process(...)` got no bytes. `request.body()` is a coroutine: write "
            "`await request.body()`."
        ),
    ),
    (
        r"^AttributeError: 'StreamingResult' object has no attribute 'json'",
        (
            "A message gives a `StreamingResult`: before the other answers, write `if "
            "isinstance(result, StreamingResult): return StreamingResponse(result, "
            'media_type="text/event-stream")`.'
        ),
    ),
    (
        r"^TypeError: Object of type bytes is not JSON serializable",
        (
            "`result.json` is JSON already, in bytes: send it with `Response(result.json, "
            'media_type="application/json")`, not with `JSONResponse`.'
        ),
    ),
    (
        (
            r"^\w*Error: .*StreamingResult.*(?:not JSON serializable|is not iterable|vars\(\))|"
            r"^(?:TypeError|ValueError): .*(?:'async_generator' object|vars\(\) argument)"
        ),
        (
            "FastAPI cannot turn a `StreamingResult` into JSON: return "
            '`StreamingResponse(result, media_type="text/event-stream")`.'
        ),
    ),
    (
        (
            r"^RuntimeError: asyncio\.run\(\) cannot be called|^RuntimeError: This event loop is "
            r"already running|AgentRunner\.run_sync|cannot be called when an event loop"
        ),
        (
            "The server runs in an event loop already: `await` the call, and use "
            "`Runner.run_streamed(...)` in place of `Runner.run_sync(...)`."
        ),
    ),
    (
        r"^KeyError: '[A-Z][A-Z0-9_]+'$",
        (
            "If it is a variable of the environment: only those that the assignment names are set; "
            "read others with a default, `os.environ.get(name, default)`."
        ),
    ),
    (_POSTGRES, NO_POSTGRES),
    (
        (
            r"^(?:APIConnectionError|ConnectError|ConnectTimeout|NetworkRefusedError|"
            r"ProcessRefusedError|ConnectionRefusedError)\b|\bMCP server\b"
        ),
        REFUSED_CURE,
    ),
    (
        r"^AuthenticationError|api_key client option must be set",
        "The key of the model is in the variable `OPENAI_API_KEY`; let the client read it there.",
    ),
    (
        r"missing \d+ required (?:positional|keyword-only) arguments?: .*'context'",
        (
            "The SDK hands `context` to each method of a store as its last argument, and your own "
            "calls must do so too."
        ),
    ),
    (
        r"^NotImplementedError\b",
        "A method that is called is not written yet: fill it in.",
    ),
    (
        r"^ModuleNotFoundError|^ImportError",
        (
            "Import it at the top of the file, so that it is seen at the start, and look into the "
            "source of the package for the names that it has."
        ),
    ),
    (
        r"^SystemExit\b",
        (
            "A server must not end itself: raise an exception that says what is wrong, or yield an "
            "`ErrorEvent`."
        ),
    ),
)


def raised_cure(raised: RaisedException) -> str:
    """Return what to do about the exception, empty where only its place can be named."""
    text = f"{raised.error}: {raised.message}" if raised.message else raised.error
    for pattern, cure in _CURES:
        if found := re.search(pattern, text):
            return cure.replace("$1", found[1]) if found.groups() else cure
    return ""
