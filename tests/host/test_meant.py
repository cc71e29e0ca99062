"""The name that was meant, where an exception is about one that is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graders.engine.host.meant import meant

agent = object()


class Runner:
    """Stands for a class of an SDK."""

    @classmethod
    def run(cls, starting_agent: object, input: str) -> None:  # noqa: A002 - as the SDK has it
        """Do nothing."""


class Odd:
    """An object that cannot be looked at."""

    def __dir__(self) -> list[str]:
        raise RuntimeError("no")


def _name() -> None:
    agnt  # type: ignore[name-defined] # noqa: B018, F821 - the mistake


def _local() -> None:
    settings = 1
    str(settigs + settings)  # type: ignore[name-defined] # noqa: F821 - the mistake


def _attribute() -> None:
    "text".strp()  # type: ignore[attr-defined]


def _from_module() -> None:
    from chatkit.agents import simple_to_agent_inputs  # type: ignore[attr-defined] # noqa: F401


def _module() -> None:
    import fastpi  # type: ignore[import-not-found] # noqa: F401


def _submodule() -> None:
    import chatkit.agent  # type: ignore[import-not-found] # noqa: F401


def _keyword() -> None:
    Runner.run(agent, inputs="hello")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        (_name, "agent"),
        (_local, "settings"),
        (_attribute, "strip"),
        (_from_module, "simple_to_agent_input"),
        (_module, "fastapi"),
        (_submodule, "agents"),
        (_keyword, "input"),
    ],
)
def test_a_name_that_is_nearly_right_is_found(mistake: Callable[[], None], name: str) -> None:
    with pytest.raises((NameError, AttributeError, ImportError, TypeError)) as raised:
        mistake()
    assert meant(raised.value) == name


def _unlike() -> None:
    frobnicate  # type: ignore[name-defined] # noqa: B018, F821 - the mistake


def _unlookable() -> None:
    Odd().attribute  # type: ignore[attr-defined] # noqa: B018 - the mistake


def _unbound() -> None:
    for late in list[str]():
        str(late)
    str(late)


def _unrelated() -> None:
    raise TypeError("must be of another type")


@pytest.mark.parametrize("mistake", [_unlike, _unlookable, _unbound, _unrelated])
def test_where_nothing_is_near_nothing_is_meant(mistake: Callable[[], None]) -> None:
    with pytest.raises((NameError, AttributeError, TypeError)) as raised:
        mistake()
    assert meant(raised.value) == ""
