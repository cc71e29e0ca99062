"""The skill that was handed in: its file, the parts of it, and the files beside it.

Everything is read as a stranger's: only regular files inside of what was handed in, of a bounded
size. Must not run anything, nor judge what a part says.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath
from textwrap import dedent
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from graders.engine.content.nodes import MappingNode, ScalarNode
from graders.engine.content.strict_yaml import parse
from graders.engine.harness import found
from graders.engine.submissions.handed_in import mistakes_found

NAME = "chatkit-server"
SKILLS = PurePosixPath(".claude/skills")
FOLDER = SKILLS / NAME
FILE = FOLDER / "SKILL.md"
MOST_BYTES = 50_000
"""Of one file: an agent reads it as a whole, and some 500 lines are much for that."""
MOST_FILES = 20
_FENCE = "---"
_PYTHON = frozenset({"python", "py", "python3"})
_SHELL = frozenset({"", "bash", "console", "sh", "shell", "zsh"})
_WRONG = re.compile(r"\s*#\W*wrong\b", re.IGNORECASE)
_BOX = re.compile(r"\[[ xX]\]\s")
_BEFORE = rf"(?:\./|{re.escape(str(FOLDER))}/)?"
_PATH = re.compile(rf"{_BEFORE}((?:references|scripts|assets)/[\w./-]+)")
_PATH_IN_TEXT = re.compile(rf"(?<![\w./-]){_BEFORE}((?:references|scripts|assets)/[\w./-]*\.\w+)")
_NUMBER = re.compile(r"\W*(?:[ivx]+|[a-z])[.):]\s")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


@dataclass(frozen=True)
class CodeBlock:
    """A block of code: its file, the line that its first line has there, its language, its text."""

    file: str
    line: int
    language: str
    text: str

    @property
    def is_python(self) -> bool:
        """Whether it is Python that is meant to be right."""
        return self.language in _PYTHON and not _WRONG.match(self.text)

    @property
    def is_shell(self) -> bool:
        """Whether it shows commands that are meant to be right."""
        return self.language in _SHELL and not _WRONG.match(self.text)

    def tree(self) -> ast.Module:
        """Return its syntax tree; a SyntaxError that counts its own lines if it has none."""
        try:
            return ast.parse(dedent(self.text))
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error) or "it is nested too deeply") from None

    def line_of(self, line: int | None) -> int:
        """Return where a line of the block stands in its file."""
        return self.line + (line or 1) - 1


class MarkdownPart:
    """Something of a Markdown file: what it links and names."""

    tokens: Sequence[Token]

    @property
    def links(self) -> list[str]:
        """What it links, as it is written there."""
        return _links(self.tokens)

    @property
    def paths(self) -> list[str]:
        """The paths in the skill's folder that it names as code."""
        return _paths(self.tokens)


@dataclass(frozen=True)
class SkillSection(MarkdownPart):
    """A heading with its line, and all up to the next heading of its level."""

    title: str
    level: int
    line: int
    tokens: Sequence[Token] = field(repr=False)

    @property
    def words(self) -> str:
        """The title's words: no numbers, signs or capitals."""
        title = self.title.casefold()
        number = _NUMBER.match(title)
        return " ".join(re.findall(r"[a-z]+", title[number.end() :] if number else title))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but headings."""
        levels = iter(self.tokens)
        for token in levels:
            if token.type == "heading_open":
                next(levels)
            elif token.content.strip() and not _is_comment(token):
                return False
        return True

    @property
    def paths_in_text(self) -> list[str]:
        """The files in the skill's folder that it names in plain text."""
        return _paths_in_text(self.tokens)

    @property
    def entries(self) -> list[str]:
        """The entries of its lists that have a box, as they are written."""
        entries: list[list[str]] = []
        for token in self.tokens:
            if token.type == "list_item_open":
                entries.append([])
            elif token.type in {"inline", "fence"} and entries:
                entries[-1].append(token.content)
        texts = (" ".join(parts) for parts in entries)
        return [text for text in texts if _BOX.match(text)]


class MarkdownPage(MarkdownPart):
    """A Markdown file: sections, links and blocks; lines are counted from 1."""

    def __init__(self, name: str, text: str, first_line: int = 1) -> None:
        self.name = name
        self.first_line = first_line
        self.tokens = MarkdownIt("commonmark").enable("table").parse(text)

    @property
    def blocks(self) -> list[CodeBlock]:
        """Its fenced blocks of code."""
        return [
            CodeBlock(
                self.name,
                self.first_line + (token.map or [0])[0] + 1,
                (token.info.split() or [""])[0].lower(),
                token.content,
            )
            for token in self.tokens
            if token.type == "fence"
        ]

    @cached_property
    def sections(self) -> list[SkillSection]:
        """Its sections, each with what stands below it."""
        at = [n for n, token in enumerate(self.tokens)
              if token.type == "heading_open" and token.level == 0]  # fmt: skip
        return [self._section(start, islice(at, n, None)) for n, start in enumerate(at, 1)]

    def _section(self, start: int, later: Iterable[int]) -> SkillSection:
        level = int(self.tokens[start].tag[1])
        ends = (n for n in later if int(self.tokens[n].tag[1]) <= level)
        end = next(ends, len(self.tokens))
        line = self.first_line + (self.tokens[start].map or [0])[0]
        body = self.tokens[start + 3 : end]
        return SkillSection(self.tokens[start + 1].content, level, line, body)


@dataclass(frozen=True)
class Skill:
    """A skill: what was handed in, and the text of its ``SKILL.md``."""

    root: Path
    text: str

    @cached_property
    def _parts(self) -> tuple[list[str] | None, int, str]:
        lines = self.text.removeprefix("\ufeff").splitlines(keepends=True)
        if not lines or lines[0].rstrip() != _FENCE:
            return None, 0, "".join(lines)
        ends = (n for n, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE)
        end = next(ends, None)
        if end is None:
            return None, 0, "".join(lines)
        return lines[1:end], end + 1, "".join(lines[end + 1 :])

    @property
    def has_front_matter(self) -> bool:
        """Whether its first line is ``---``, and another such line follows."""
        return self._parts[0] is not None

    @cached_property
    def front_matter(self) -> dict[str, str]:
        """The texts of its front matter by key; a finding that names the line if it is none."""
        lines = self._parts[0] or []
        with mistakes_found(FILE.name):
            node = parse("\n" + "".join(lines), self.root / FILE, empty_values=True)
        if not isinstance(node, MappingNode):
            found(f"`{FILE.name}`, line 2: this is no `key: value`.", hint="malformed")
        return {
            key: value.text.strip()
            for key, value in node.fields.items()
            if isinstance(value, ScalarNode)
        }

    @cached_property
    def page(self) -> MarkdownPage:
        """What stands below the front matter."""
        _, line, body = self._parts
        return MarkdownPage(FILE.name, body, line + 1)

    @cached_property
    def blocks(self) -> list[CodeBlock]:
        """All code of the skill: the blocks of its Markdown files, and its Python files."""
        return [*self.page.blocks, *self._blocks_beside()]

    def _blocks_beside(self) -> Iterator[CodeBlock]:
        folder = self.root / FOLDER
        paths = sorted(path for path in folder.rglob("*") if path.suffix in {".md", ".py"})
        for path in paths[:MOST_FILES]:
            name = path.relative_to(folder).as_posix()
            text = None if name == FILE.name else own_text(self.root, FOLDER / name)
            if text is None:
                continue
            if path.suffix == ".py":
                yield CodeBlock(name, 1, "python", text)
            else:
                yield from MarkdownPage(name, text).blocks

    def lacks(self, link: str) -> bool:
        """Return whether a link of ``SKILL.md`` names a file that was not handed in."""
        return is_local(link) and not self._own(link).exists_in(self.root)

    def is_beside(self, link: str) -> bool:
        """Return whether a link names a file in the skill's own folder, other than itself."""
        if not is_local(link) or self.lacks(link):
            return False
        path = self._own(link).normal
        return path != FILE and path.is_relative_to(FOLDER) and (self.root / path).is_file()

    def _own(self, link: str) -> OwnPath:
        return OwnPath(FOLDER / unquote(re.split(r"[?#]", link, maxsplit=1)[0]))


@dataclass(frozen=True)
class OwnPath:
    """A path from the folder that was handed in."""

    path: PurePosixPath

    @property
    def normal(self) -> PurePosixPath:
        """The same path without ``..``; one that leads out of the folder is kept as it is."""
        parts: list[str] = []
        for part in self.path.parts:
            if part == ".." and parts:
                parts.pop()
            else:
                parts.append(part)
        return PurePosixPath(*parts)

    def exists_in(self, root: Path) -> bool:
        """Return whether there is such a file or folder, really inside and behind no link."""
        path = self.normal
        if path.is_absolute() or ".." in path.parts or "\0" in str(path):
            return False
        try:
            place = (root / path).resolve()
            return place == root.resolve() / path and place.exists()
        except (OSError, RuntimeError):  # such as a name that is too long, or links in a circle
            return False


def own_text(root: Path, name: PurePosixPath) -> str | None:
    """Return the text of a file that was handed in; None if it is no text, or too large."""
    path = root / name
    if not OwnPath(name).exists_in(root) or not path.is_file():
        return None
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def is_local(link: str) -> bool:
    """Return whether a link names a file: no address, and no heading of the same page."""
    return bool(link) and not _SCHEME.match(link) and not link.startswith(("#", "//"))


def _links(tokens: Sequence[Token]) -> list[str]:
    children = (child for token in tokens for child in token.children or ())
    links = (child.attrGet("href") or child.attrGet("src") for child in children)
    return [str(link) for link in links if link]


def _paths(tokens: Sequence[Token]) -> list[str]:
    paths: list[str] = []
    for token in tokens:
        for child in token.children or ():
            if child.type == "code_inline":
                alone = _PATH.fullmatch(child.content)
                paths += [alone[1]] if alone else _PATH_IN_TEXT.findall(child.content)
    return paths


def _paths_in_text(tokens: Sequence[Token]) -> list[str]:
    texts = (child.content for token in tokens for child in token.children or ()
             if child.type == "text")  # fmt: skip
    return [path for text in texts for path in _PATH_IN_TEXT.findall(text)]


def _is_comment(token: Token) -> bool:
    text = token.content.strip()
    return token.type == "html_block" and text.startswith("<!--") and text.endswith("-->")
