"""``grade.py env``: what a server may import here, with what a class has added.

Must not install anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.columns import Columns
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.locked_packages import LockedPackage, packages_of

PROMISED = "A server may import these packages"
OTHERS = "Also there, because the grader or one of these needs it"
ADDED = "Added for the class"


def show_environment(context: CommandContext) -> ExitCode:
    """Print the packages with their versions."""
    found, page = packages_of(context.root), context.stdout()
    for heading, packages in (
        (PROMISED, found.promised),
        (ADDED, found.of_course),
        (OTHERS, found.others),
    ):
        if packages:
            page.print(Text(heading, style="bold"))
            print_page(page, Columns(_shown(packages), padding=(0, 3), column_first=True))
            page.print()
    page.print(Text("Add one for a class: python grade.py env add PACKAGE", style="dim"))
    page.print(Text("What works in a graded server: docs/what-a-server-may-use.md", style="dim"))
    return ExitCode.FULL_MARKS


def _shown(packages: Iterable[LockedPackage]) -> list[Text]:
    return [
        Text.assemble(each.name, (f" {each.version}", "dim"))
        for each in packages
        if each.is_for_here
    ]
