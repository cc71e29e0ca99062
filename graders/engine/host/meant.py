"""Finds the name that was meant where an exception is about a name that is not there.

Newer versions of Python do much of this when they print a traceback; here it must work under each
version, and while the objects are still at hand. Must not know where the text will be shown.
"""

from __future__ import annotations

import builtins
import difflib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable
from types import FrameType

_CUTOFF = 0.7
_MOST_NAMES = 5_000
_LONGEST_NAME = 80
_NOT_IN_MODULE = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_KEYWORD = re.compile(r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'")


def meant(error: BaseException) -> str:
    """Return the name that is nearest to the one that ``error`` says is not there, if any is.

    Looks at objects of the submission, which may do anything when they are looked at.
    """
    try:
        wanted, names = _wanted(error)
        return _nearest(wanted, names)
    except Exception:  # noqa: BLE001 - an object's own `__dir__` or `__getattr__` may raise anything
        return ""


def _wanted(error: BaseException) -> tuple[str, Iterable[str]]:
    text = str(error)
    wanted: str = ""
    names: Iterable[str] = ()
    match error:
        case UnboundLocalError():
            pass
        case NameError(name=str(name)):
            wanted, names = name, _names_in(_last_frame(error))
        case AttributeError(name=str(name)):
            wanted, names = name, dir(error.obj)
        case ModuleNotFoundError(name=str(name)):
            parent, _, child = name.rpartition(".")
            wanted, names = child, _modules(parent)
        case ImportError() if found := _NOT_IN_MODULE.match(text):
            wanted, names = found[1], dir(sys.modules.get(found[2]))
        case TypeError() if found := _KEYWORD.match(text):
            wanted, names = found[2], _parameters(found[1], _last_frame(error))
    return wanted, names


def _nearest(wanted: str, names: Iterable[str]) -> str:
    if not wanted or len(wanted) > _LONGEST_NAME:
        return ""
    known = [
        name
        for name in [*names][:_MOST_NAMES]
        if name != wanted and name.startswith("_") == wanted.startswith("_")
    ]
    near = difflib.get_close_matches(wanted, known, 1, _CUTOFF)
    return near[0] if near else ""


def _last_frame(error: BaseException) -> FrameType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame if trace is not None else None


def _names_in(frame: FrameType | None) -> list[str]:
    if frame is None:
        return []
    return [*frame.f_locals, *frame.f_globals, *dir(builtins)]


def _modules(parent: str) -> list[str]:
    """Return the modules of the package ``parent``, or those that can be imported at all."""
    if not parent:
        return [*sys.stdlib_module_names, *(each.name for each in pkgutil.iter_modules())]
    return [each.name for each in pkgutil.iter_modules(sys.modules[parent].__path__)]


def _parameters(qualified: str, frame: FrameType | None) -> list[str]:
    """Return what the function of this name takes by keyword, found as its caller sees it."""
    first, *rest = qualified.split(".")
    scope = {} if frame is None else {**frame.f_globals, **frame.f_locals}
    function = scope[first]
    for part in rest:
        function = getattr(function, part)
    return [*inspect.signature(function).parameters]
