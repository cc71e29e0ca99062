"""What a student's server is started with, as plain data. Must not know how that is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graders.engine.core.limits import ProcessLimits, WireLimits
from graders.engine.isolation.layers import Layer


@dataclass(frozen=True)
class ServerSettings:
    """What a server is started with.

    ``source`` is the folder that each server gets a private copy of, ``frontend`` the folder in it
    that holds web code; ``variables`` its environment
    (``{data}`` in a value becomes the data folder); ``spec_version`` the ASGI version it is told;
    ``without`` the layers of isolation that tests leave off; ``limits`` are those of its process,
    ``wire`` those of what it says; ``left_out`` names files that were handed in and not copied;
    ``preload`` modules that are imported once, before any server is started.
    """

    source: Path
    app: str = "server:app"
    frontend: str = "web"
    endpoint: str = "/chatkit"
    variables: Mapping[str, str] = field(default_factory=dict)
    limits: ProcessLimits = field(default_factory=ProcessLimits)
    shadows: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    spec_version: str = "2.3"
    without: Collection[Layer] = ()
    wire: WireLimits = field(default_factory=WireLimits)
