"""How a paragraph looks in plain text and in Markdown, safe whatever a submission has written.

Pure. Knows nothing of results.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from graders.engine.core.text import visible

CODE = re.compile(r"`([^`\n]+)`")
"""What is set off as code in a sentence; to split by it gives text and code in turns."""
_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]#|~$])")
_BEGINS_SOMETHING = re.compile(r"^(\s*)([-+=:]|\d+(?=[.)]))", re.MULTILINE)
_COMMAND = re.compile(r"^(\s*)::", re.MULTILINE)


@dataclass(frozen=True)
class PlainStyle:
    """Text without any mark-up, for formats that show it as it is."""

    def sentence(self, text: str) -> str:
        """Return the text with what would not be seen made visible."""
        return no_command(visible(text))

    def label(self, text: str) -> str:
        """Return the label with a colon."""
        return f"{text}:"

    def block(self, heading: str, lines: Sequence[str]) -> str:
        """Return the lines indented, below their heading."""
        shown = [f"    {on_one_line(line)}" for line in lines]
        return "\n".join([f"{heading}:", *shown] if heading else shown)


@dataclass(frozen=True)
class MarkdownStyle:
    """Markdown as GitHub, Gradescope and PrairieLearn show it; no HTML of a student gets in."""

    def sentence(self, text: str) -> str:
        """Return the text with every character that means something escaped, and `code` kept."""
        shown = visible(text)
        parts = CODE.split(shown)
        return "".join(
            code_span(part) if number % 2 else escape_markdown(part)
            for number, part in enumerate(parts)
        )

    def label(self, text: str) -> str:
        """Return the label in bold."""
        return f"**{text}**"

    def block(self, heading: str, lines: Sequence[str]) -> str:
        """Return the lines in a fence that none of them can close, folded if it has a heading."""
        fenced = fence("\n".join(map(on_one_line, lines)))
        if not heading:
            return fenced
        return f"<details><summary>{heading}</summary>\n\n{fenced}\n\n</details>"


_APART = "<!-- -->"
"""Is not shown, and keeps what stands before it apart from what comes after it."""
PLAIN = PlainStyle()
MARKDOWN = MarkdownStyle()


def no_command(text: str) -> str:
    """Return text in which GitHub's runner finds no command, should it ever come into a log.

    It takes `::` at the beginning of a line for one, blanks before it or not, and `##[` anywhere.
    """
    return _COMMAND.sub(r"\1\\::", text).replace("##[", r"##\[")


def on_one_line(text: str) -> str:
    """Return text as it can stand in a name or a table."""
    return no_command(visible(text, one_line=True))


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is: no link, no list, no HTML, no `@name` called."""
    escaped = _MEANS_SOMETHING.sub(r"\\\1", html.escape(visible(text), quote=False))
    escaped = _BEGINS_SOMETHING.sub(_written_out, escaped)
    # GitHub looks for names and addresses in the text that it shows, so that no escape helps.
    return escaped.replace("@", f"@{_APART}").replace("://", f":{_APART}//")


def _written_out(match: re.Match[str]) -> str:
    """Return the beginning of a line, its first character as an entity, which begins nothing."""
    blanks, first = match.groups()
    return f"{blanks}&#{ord(first[0])};{first[1:]}"


def code_span(text: str) -> str:
    """Return a code span; ``text`` may hold no backtick and no line feed."""
    return f"`{text}`"


def fence(text: str) -> str:
    """Return a code block around ``text``; its fence is longer than any backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{text}\n{ticks}"
