"""Imports the student's app, as ``uvicorn server:app`` would, or says how far it came.

Must not know what is done with the app.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Collection
from typing import Any, Literal, cast

from graders.engine.host.exchanges import App
from graders.engine.host.tracebacks import describe, name_of, own_traceback, sendable

_MOST_ROUTES = 20
_ROUTE_CHARACTERS = 100
_NULL_BYTES = ("source code string cannot contain null bytes",)

Stage = Literal["find", "syntax", "import", "attribute", "asgi", "lifespan"]


class LoadError(Exception):
    """The app could not be had; the fields are those of the frame that reports it."""

    def __init__(self, stage: Stage, error: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.stage = stage
        self.error = error
        self.message = message
        self.detail = detail


def load_app(spec: str, root: str, shadows: Collection[str]) -> App:
    """Import ``module:attribute`` from the folder ``root`` and check that it is an ASGI 3 app.

    ``shadows`` are top-level names of the submission that hide an installed package: what was
    imported under these names is forgotten first, so that the student's own files are found, as
    they are on the student's machine. Raises :class:`LoadError`.
    """
    module_name, _, attribute = spec.partition(":")
    sys.path.insert(0, root)
    _forget(shadows)
    module = _import(module_name, root)
    app: Any = module
    for part in (attribute or "app").split("."):
        try:
            app = getattr(app, part)
        except AttributeError as error:
            raise LoadError(
                "attribute", "AttributeError", f"{module_name} has no {attribute!r}"
            ) from error
    return _checked(app, spec)


def routes_of(app: object) -> tuple[str, ...]:
    """Return the routes that an application of Starlette's kind says it has; at most twenty."""
    try:
        told = [
            f"{method} {route.path}"
            for route in getattr(app, "routes", ())
            if getattr(route, "include_in_schema", True)
            for method in sorted(getattr(route, "methods", None) or ("*",))
        ]
        return tuple(sendable(route)[:_ROUTE_CHARACTERS] for route in told[:_MOST_ROUTES])
    except Exception:  # noqa: BLE001 - an app's own `routes` may be anything
        return ()


def _forget(names: Collection[str]) -> None:
    for loaded in list(sys.modules) if names else ():
        top = loaded.partition(".")[0]
        if top in names and top not in sys.stdlib_module_names:
            del sys.modules[loaded]


def _import(name: str, root: str) -> Any:
    try:
        return importlib.import_module(name)
    except BaseException as error:
        raise LoadError(
            _stage_of(error, name), name_of(error), describe(error), own_traceback(error, root)
        ) from error


def _stage_of(error: BaseException, name: str) -> Stage:
    # Of a null byte in a file, Python says so in a ValueError up to 3.11.3.
    if isinstance(error, SyntaxError) or (type(error) is ValueError and error.args == _NULL_BYTES):
        return "syntax"
    # A package that is missing is named alone: `backend` for `backend.main`.
    if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
        return "find"
    return "import"


def _checked(app: Any, spec: str) -> App:
    # FastAPI's router can be called, but refuses every request that no application hands on.
    if not callable(app) or type(app).__name__ == "APIRouter":
        raise LoadError("asgi", name_of(app), f"{spec} is a {name_of(app)}")
    if not _takes_three(app):
        raise LoadError(
            "asgi",
            name_of(app),
            f"{spec} cannot be called with scope, receive and send, as ASGI asks",
        )
    return cast("App", app)


def _takes_three(app: Any) -> bool:
    """Return whether ``app`` can be called with three arguments; true when that cannot be told."""
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind("scope", "receive", "send")
    except TypeError:
        return False
    return True
