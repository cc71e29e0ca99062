"""What a widget shows, and its buttons with the texts that stand beside them.

Reads JSON from a student's server, so it may be anything. Must not know which widget ought to come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graders.engine.protocol import ChatKitEvent

_TEXTS = ("value", "label", "title", "text", "caption", "description")
_ACTIONS = ("onClickAction", "onSubmitAction", "onChangeAction")
_MOST_NODES = 5_000


@dataclass(frozen=True)
class Button:
    """Something that can be pressed: its action, and the texts beside it."""

    action: Mapping[str, Any]
    told: str

    @property
    def kind(self) -> str:
        """The type of the action."""
        return str(self.action.get("type", ""))

    @property
    def payload(self) -> Any:
        """What is sent with it."""
        return self.action.get("payload")

    @property
    def streams(self) -> bool:
        """Whether the client asks for a stream."""
        return self.action.get("streaming") is not False


def texts_in(widget: Any) -> list[str]:
    """Return all that a widget shows, in order."""
    return [text for node in _nodes(widget) for text in _own_texts(node)]


def buttons_in(widget: Any) -> list[Button]:
    """Return all buttons of a widget, in order."""
    return list(_buttons(widget, (), _NodesLeft()))


def button_beside(text: str, buttons: Sequence[Button]) -> Button | None:
    """Return the button beside which ``text`` stands, with the least else: the first of several.

    A title may be a part of another one.
    """
    beside = (each for each in buttons if text in each.told)
    return min(beside, key=lambda each: len(each.told), default=None)


class Widgets:
    """The widgets of one thread as a client has them; ``newest`` is the one that changed last."""

    def __init__(self) -> None:
        self._by_item: dict[str, Any] = {}
        self._history: list[Any] = []
        self.newest = ""

    @property
    def shown(self) -> Any:
        """The widget that changed last, ``None`` if there is none."""
        return self._by_item.get(self.newest)

    def button(self, beside: str) -> tuple[str, Button] | None:
        """Return a button beside this text and the id of its widget; the newest widget first."""
        for name in reversed(self._by_item):
            found = button_beside(beside, buttons_in(self._by_item[name]))
            if found is not None:
                return name, found
        return None

    @property
    def ever(self) -> list[list[Button]]:
        """The buttons that each widget ever had, the newest widget first."""
        return [buttons_in(widget) for widget in reversed(self._history)]

    def follow(self, event: ChatKitEvent) -> bool:
        """Do what an event says; return whether a widget changed by it."""
        if event.item_type == "widget":
            return self.keep(event.item)
        known = self._by_item.get(event.item_id)
        if known is None:
            return False
        if event.type == "thread.item.removed":
            del self._by_item[event.item_id]
            return False
        match event.update_type:
            case "widget.root.updated":
                return self._set(event.item_id, event.update.get("widget"))
            case "widget.component.updated":
                name = event.update.get("component_id")
                changed = _replaced(known, name, event.update.get("component"))
                return self._set(event.item_id, changed)
            case _:
                return False

    def keep(self, item: Mapping[str, Any]) -> bool:
        """Take a widget's item over as it is; return whether there was one."""
        name = item.get("id")
        if item.get("type") != "widget" or type(name) is not str:
            return False
        return self._set(name, item.get("widget"))

    def _set(self, name: str, widget: Any) -> bool:
        self._by_item.pop(name, None)
        self._by_item[name] = widget
        self._history.append(widget)
        self.newest = name
        return True


class _NodesLeft:
    """Bounds the walk through a widget that a student's server made."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def spend(self) -> bool:
        self._left -= 1
        return self._left > 0


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a widget, in the order in which it is shown."""
    left, budget = [value], _NodesLeft()
    while left and budget.spend():
        node = left.pop()
        if isinstance(node, list):
            left += reversed(node)
        elif isinstance(node, dict):
            yield node
            left += [each for key, each in reversed(node.items()) if key not in _ACTIONS]


def _own_texts(node: Mapping[str, Any]) -> list[str]:
    return [node[key] for key in _TEXTS if type(node.get(key)) is str and node[key]]


def _buttons(value: Any, around: Sequence[Any], budget: _NodesLeft) -> Iterator[Button]:
    """Yield the buttons in ``value``; ``around`` are the objects that it is in."""
    if not budget.spend():
        return
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from _buttons(each, (*around, (value, place)), budget)
    elif isinstance(value, dict):
        for key in _ACTIONS:
            if isinstance(value.get(key), dict):
                yield Button(value[key], _beside(value, around))
        for key, each in value.items():
            if key not in _ACTIONS:
                yield from _buttons(each, around, budget)


def _beside(node: Mapping[str, Any], around: Sequence[Any]) -> str:
    """Return the texts that belong to a button.

    These are what is in it, and in the smallest group around it that shows something else; where
    other buttons are in that group too, what stands between it and the button before it.
    """
    own = texts_in(node)
    for siblings, place in reversed(around):
        before = siblings[:place]
        if _count(siblings) == _count(siblings[place]):
            group = [text for each in siblings for text in texts_in(each)]
            if len(group) > len(own):
                return " ".join(group)
            continue
        since = next((n + 1 for n in range(place - 1, -1, -1) if _count(before[n])), 0)
        between = [text for each in before[since:] for text in texts_in(each)]
        return " ".join([*between, *texts_in(siblings[place])])
    return " ".join(own)


def _count(value: Any) -> int:
    """Return how many buttons are in ``value``."""
    return sum(isinstance(node.get(key), dict) for node in _nodes(value) for key in _ACTIONS)


def _replaced(widget: Any, name: object, component: Any) -> Any:
    """Return the widget with another component in place of the one that is called ``name``."""
    if isinstance(widget, dict):
        if name is not None and widget.get("id") == name:
            return component
        return {key: _replaced(each, name, component) for key, each in widget.items()}
    if isinstance(widget, list):
        return [_replaced(each, name, component) for each in widget]
    return widget
