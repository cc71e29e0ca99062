"""Which scenario notices which broken server, as a page: a line a server, a column a scenario.

Pure. Scenarios are numbered, because their names would not fit; a legend names them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graders.engine.core.text import visible
from graders.engine.specification import Opponents

_NOTICED, _HELD = "x", "."


def render(
    scenarios: Sequence[str], opponents: Opponents, noticed: Mapping[str, Collection[str]]
) -> RenderableType:
    """Return the table, the legend, and the servers that nothing notices."""
    return Group(*_parts(scenarios, opponents, noticed))


def _parts(
    scenarios: Sequence[str], opponents: Opponents, noticed: Mapping[str, Collection[str]]
) -> Iterator[RenderableType]:
    yield Text("\nbroken servers x scenarios\n", style="bold")
    yield _table(scenarios, opponents, noticed)
    yield Text()
    yield _legend(scenarios, noticed)
    yield Text()
    missed = [each.name for each in opponents.broken if not noticed[each.name]]
    if missed:
        yield Text(f"Noticed by no scenario: {', '.join(missed)}.", style="red")
    else:
        yield Text("Each server is noticed.", style="green")


def _table(
    scenarios: Sequence[str], opponents: Opponents, noticed: Mapping[str, Collection[str]]
) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column(no_wrap=True)
    numbers = range(1, len(scenarios) + 1)
    table.add_row("", Text("".join(f"{number // 10 or ' '}" for number in numbers), style="dim"))
    table.add_row("", Text("".join(f"{number % 10}" for number in numbers), style="dim"))
    for told in opponents.misconceptions:
        table.add_row(Text(f"{told.area}: {told.id}", style="bold"), "")
        for server in opponents.showing(told):
            names = noticed[server.name]
            cells = "".join(_NOTICED if name in names else _HELD for name in scenarios)
            table.add_row(Text(f"  {server.name}"), cells)
    return table


def _legend(scenarios: Sequence[str], noticed: Mapping[str, Collection[str]]) -> Table:
    """Return the names of the scenarios, and how many servers each notices, and it alone."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column()
    table.add_column(style="dim")
    for number, name in enumerate(scenarios, 1):
        count = sum(name in names for names in noticed.values())
        alone = sum(set(names) == {name} for names in noticed.values())
        table.add_row(
            str(number), Text(visible(name)), f"notices {count}; {alone} are noticed by no other"
        )
    return table
