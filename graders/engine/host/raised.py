"""Tells the grader of each exception that reaches the app's own edge, or that a library logs.

The SDKs catch what ``respond()``, a store or a tool raises, and log it: a report that is made there
needs no reading of what was printed, and no logging that is set up in a certain way. Whatever is
told is the student's own text. Must not know what it means.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from graders.engine.host.connection import HostConnection
from graders.engine.host.meant import meant
from graders.engine.host.tracebacks import describe, name_of, own_places, sendable
from graders.engine.wire.frames import Raised

EXCHANGE: ContextVar[int] = ContextVar("exchange", default=0)
"""The number of the exchange that is being served, 0 outside of any."""

_MOST = 300
_ORIGIN_CHARACTERS = 200
# How a request ends whose client has gone: nothing is wrong with it.
_LEAVING = (asyncio.CancelledError, GeneratorExit)


class RaisedReports:
    """Tells of exceptions of one app, whose files are below ``root``, each once."""

    def __init__(self, connection: HostConnection, root: str) -> None:
        self._connection = connection
        self._root = root
        # By what is told and not by the object: that would keep alive what its frames hold.
        self._told: set[tuple[object, ...]] = set()

    def install(self) -> None:
        """See what any logger is given as an error, also one that is switched off."""
        for name in ("error", "critical"):
            setattr(logging.Logger, name, self._seeing(getattr(logging.Logger, name)))

    def tell(self, error: BaseException, *, logger: str = "") -> None:
        """Tell of ``error``, unless that was done or it only says that the client has gone.

        ``logger`` is the name of the one that was given it.
        """
        if isinstance(error, _LEAVING) or name_of(error) == "ClientGoneError":
            return
        inner = _first_leaf(error)
        places = own_places(inner, self._root)
        # asyncio's own tells of tasks that nobody awaited, whenever they are collected.
        number = 0 if logger == "asyncio" else EXCHANGE.get()
        told = (number, name_of(inner), describe(inner), places[-1:])
        if told in self._told or len(self._told) >= _MOST:
            return
        self._told.add(told)
        self._connection.send(
            Raised(
                exchange=number,
                error=name_of(inner),
                origin=sendable(str(type(inner).__module__))[:_ORIGIN_CHARACTERS],
                message=describe(inner),
                places=places,
                logger=sendable(logger),
                meant=sendable(meant(inner)),
            )
        )

    def _seeing(self, method: Callable[..., None]) -> Callable[..., None]:
        def log(logger: logging.Logger, message: object, *args: Any, **options: Any) -> None:
            error = _exception_in(options.get("exc_info"))
            if error is not None:
                self.tell(error, logger=logger.name[:_ORIGIN_CHARACTERS])
            options["stacklevel"] = options.get("stacklevel", 1) + 1
            method(logger, message, *args, **options)

        return log


def _exception_in(info: object) -> BaseException | None:
    if isinstance(info, tuple):
        info = info[1] if len(info) > 1 else None
    elif info and not isinstance(info, BaseException):
        info = sys.exc_info()[1]
    return info if isinstance(info, BaseException) else None


def _first_leaf(error: BaseException) -> BaseException:
    """Return the exception itself, or the first of a group's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
