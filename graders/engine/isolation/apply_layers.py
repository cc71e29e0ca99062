"""Isolates a student's process: each layer is one function, which returns what of it was applied.

:data:`LAYERS` has them in the order in which they are applied: a layer that needs a privilege comes
before the one that gives it up. Runs in the student's process. Must not import anything of the
trusted side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from graders.engine.core.limits import ProcessLimits
from graders.engine.isolation import (
    landlock,
    limits,
    namespaces,
    own_root,
    own_user,
    privileges,
    reachable,
    seccomp,
)
from graders.engine.isolation.layers import Layer

Settings = Mapping[str, Any]
"""What :meth:`LaunchSpec.as_json` gave, and what the fork server has added."""


def apply_layers(settings: Settings) -> tuple[str, ...]:
    """Apply all layers but those that are left off; return the names of what was applied."""
    return tuple(
        taken
        for name, layer in LAYERS.items()
        if name not in settings["without"]
        for taken in layer(settings)
    )


def _leave_network(settings: Settings) -> tuple[str, ...]:
    """Leave the network, unless the process that this one comes from has left it already."""
    return _inherited(Layer.NETWORK, settings) or namespaces.leave_network()


def _inherited(layer: Layer, settings: Settings) -> tuple[str, ...]:
    return (layer,) if layer in settings["inherited"] else ()


def _leave_queues(settings: Settings) -> tuple[str, ...]:
    if not settings["namespaces"]:
        return ()
    namespaces.unshare(namespaces.NamespaceKind.IPC)
    return (Layer.IPC,)


def _enter_own_root(settings: Settings) -> tuple[str, ...]:
    if not settings["namespaces"]:
        return ()
    namespaces.unshare(namespaces.NamespaceKind.MOUNTS)
    own_root.enter(
        reachable.readable(),
        _own_folders(settings),
        _sockets(settings),
        megabytes=settings["limits"]["disk_mb"],
        files=settings["limits"]["disk_files"],
    )
    os.chdir(settings["root"])
    return (Layer.ROOT,)


def _become_own_user(settings: Settings) -> tuple[str, ...]:
    folders = _own_folders(settings)
    # In a user namespace of ours nobody exists but who made it.
    if settings["uid"] is None or Layer.USERS in settings["inherited"]:
        return ()
    if not _is_within_reach_of_others(settings, folders):
        return ()
    own_user.become(settings["uid"], folders)
    return (Layer.UID,)


def _is_within_reach_of_others(settings: Settings, folders: Sequence[Path]) -> bool:
    if _has_own_root(settings):
        return reachable.is_open_to_all(from_the_root=False)
    passable = all(reachable.may_be_passed(folder) for folder in folders)
    return passable and reachable.is_open_to_all(from_the_root=True)


def _limit_resources(settings: Settings) -> tuple[str, ...]:
    wanted = ProcessLimits(**settings["limits"])
    alone = _is_own_user(settings) or Layer.USERS in settings["inherited"]
    return limits.apply(wanted, counted_alone=alone)


def _leave_files(settings: Settings) -> tuple[str, ...]:
    writable = [*_own_folders(settings), *reachable.DEVICES]
    if _has_own_root(settings):
        writable.append(own_root.SHARED_MEMORY)
    return landlock.restrict_files(reachable.readable(), writable)


def _has_own_root(settings: Settings) -> bool:
    """Return whether the process was to be moved to one, and so has been."""
    return settings["namespaces"] and Layer.ROOT not in settings["without"]


def _has_left_network(settings: Settings) -> bool:
    """Return whether it has a network of its own, which comes with all other namespaces."""
    return settings["namespaces"] and Layer.NETWORK not in settings["without"]


def _is_own_user(settings: Settings) -> bool:
    return settings["uid"] is not None and os.getuid() == settings["uid"]


def _limit_calls(settings: Settings) -> tuple[str, ...]:
    """Let it connect to sockets only where it finds no others: none by a name, none in a folder.

    Abstract sockets have names that belong to the network, all others lie in folders.
    """
    finds_no_others = _has_own_root(settings) and _has_left_network(settings)
    return seccomp.limit_calls(connects=bool(_sockets(settings)) and finds_no_others)


def _sockets(settings: Settings) -> list[Path]:
    return [Path(folder) for folder in settings["sockets"]]


def _own_folders(settings: Settings) -> list[Path]:
    return [Path(folder) for folder in (settings["root"], *settings["writable"])]


LAYERS: Mapping[Layer, Callable[[Settings], tuple[str, ...]]] = {
    Layer.NETWORK: _leave_network,
    Layer.PROCESSES: partial(_inherited, Layer.PROCESSES),
    Layer.USERS: partial(_inherited, Layer.USERS),
    Layer.IPC: _leave_queues,
    Layer.ROOT: _enter_own_root,
    Layer.UID: _become_own_user,
    # After that: whoever becomes another user is no longer ended with the parent.
    Layer.PARENT: lambda _: privileges.end_with_parent(),
    Layer.LIMITS: _limit_resources,
    Layer.PRIVILEGES: lambda _: privileges.refuse_new_privileges(),
    Layer.FILES: _leave_files,
    Layer.CAPABILITIES: lambda _: privileges.drop_capabilities(),
    Layer.MEMORY: lambda _: privileges.hide_memory(),
    # Last: it refuses what the others need.
    Layer.SYSCALLS: _limit_calls,
}
