"""The names in blocks of Python that are said to be the SDKs', and are not there.

Blocks of one skill belong together: what one imports or defines, another may use. A name that is
not surely the SDKs' is left alone. Must not run or import anything of a block.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from graders.engine.harness import quote
from graders.lesson00 import sdk
from graders.lesson00.skill import FILE, CodeBlock

NO_PACKAGES = {
    "agents_sdk": "agents",
    "chatkit_sdk": "chatkit",
    "openai_agents": "agents",
    "openai_chatkit": "chatkit",
    "openai_chatkit_sdk": "chatkit",
}
"""Modules that are often written, and what they are really called."""
NO_DISTRIBUTIONS = {
    "agents": "openai-agents",
    "chatkit": "openai-chatkit",
    "chatkit-sdk": "openai-chatkit",
    "openai-agents-sdk": "openai-agents",
    "openai-chatkit-sdk": "openai-chatkit",
}
"""What is often installed, and what the packages of the SDKs are really called."""
MOST = 20
"""Names that are told of: who invents more knows enough."""
_INSTALL = re.compile(r"(?:pip3? install|uv add|uv pip install|poetry add)\s+(.*)")


@dataclass(frozen=True)
class Missing:
    """A name that is not there: what to say of it, and which hint fits."""

    file: str
    line: int
    said: str
    hint: str


@dataclass
class BlocksTogether:
    """What all blocks of a skill define and import."""

    imported: dict[str, sdk.Found] = field(default_factory=dict)
    twofold: set[str] = field(default_factory=set)
    """Names that stand for one thing in one block and for another in another."""
    own: set[str] = field(default_factory=set)
    classes: dict[str, list[ast.ClassDef]] = field(default_factory=dict)
    members: dict[str, set[str] | None] = field(default_factory=dict)

    def read(self, tree: ast.Module) -> None:
        """Take the imports and definitions of one block in."""
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom() | ast.Import():
                    self._import(node)
                case ast.ClassDef(name=name):
                    self.classes.setdefault(name, []).append(node)
                    self.own.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    self.own.add(name)
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    self.own.add(name)

    def _import(self, node: ast.ImportFrom | ast.Import) -> None:
        if isinstance(node, ast.ImportFrom):
            module = _module_of(node)
            found = {
                alias.asname or alias.name: sdk.look_up(module, alias.name) if module else None
                for alias in node.names
            }
            is_theirs = node.level == 0 and _is_sdk(node.module or "")
        else:
            names = {
                alias.asname or alias.name.partition(".")[0]: alias.name
                if alias.asname
                else alias.name.partition(".")[0]
                for alias in node.names
            }
            found = {bound: sdk.source_of(name) for bound, name in names.items()}
            is_theirs = all(map(_is_sdk, names.values()))
        if is_theirs:
            known = self.imported
            self.twofold |= {name for name in found.keys() & known if found[name] != known[name]}
            self.imported |= found
        else:
            self.own |= set(found)

    def meant(self, node: ast.expr) -> sdk.Found:
        """Return what an expression of names stands for in the SDKs; None if it is not theirs."""
        names, of_names = _names_in(node)
        if not of_names or names[0] in self.own | self.twofold:
            return None
        found = self.imported.get(names[0])
        for name in names[1:]:
            found = sdk.look_up(found, name) if isinstance(found, sdk.Source) else None
        return found

    def members_of(self, name: str) -> set[str] | None:
        """Return what an object of a class of a block has; None where it inherits from others.

        Only for classes that inherit from the SDKs: those are what is looked up.
        """
        if name not in self.members:
            self.members[name] = self._members_of(name)
        return self.members[name]

    def _members_of(self, name: str) -> set[str] | None:
        members: set[str] = set()
        inherits = False
        for own in self.classes[name]:
            members |= sdk.own_members(own)
            for base in sdk.bases_of(own):
                found = self.meant(base)
                if isinstance(base, ast.Name) and base.id in {"ABC", "Generic"}:
                    continue
                if not isinstance(found, sdk.Definition) or not sdk.is_class(found):
                    return None
                theirs = sdk.members_of(found)
                if theirs is None:
                    return None
                inherits = True
                members |= theirs
        return members if inherits else None


def _names_in(node: ast.expr) -> tuple[list[str], bool]:
    """Return the names of `a.b[...].c`, and whether the expression is of names alone."""
    # Not by recursion: a chain can be longer than Python's stack.
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Subscript):
        names += [node.attr] if isinstance(node, ast.Attribute) else []
        node = node.value
    of_names = isinstance(node, ast.Name)
    names += [node.id] if isinstance(node, ast.Name) else []
    return names[::-1], of_names


def missing_names(blocks: Sequence[CodeBlock]) -> list[Missing]:
    """Return names of these blocks that the installed SDKs do not have, in order, once each.

    At most :data:`MOST`; a block that is no Python is passed over.
    """
    parsed = [(block, tree) for block in blocks if (tree := _tree(block)) is not None]
    skill = BlocksTogether()
    for _, tree in parsed:
        skill.read(tree)
    found: dict[str, Missing] = {}
    for each in _missing(parsed, blocks, skill):
        found.setdefault(each.said, each)
        if len(found) == MOST:
            break
    return sorted(found.values(), key=lambda each: (each.file != FILE.name, each.file, each.line))


def _missing(
    parsed: Iterable[tuple[CodeBlock, ast.Module]],
    blocks: Iterable[CodeBlock],
    skill: BlocksTogether,
) -> Iterator[Missing]:
    for block, tree in parsed:
        for node, said, hint in _missing_in(tree, skill):
            yield Missing(block.file, block.line_of(getattr(node, "lineno", 1)), said, hint)
    for block in blocks:
        if block.is_shell:
            yield from _not_installed(block)


def _tree(block: CodeBlock) -> ast.Module | None:
    if not block.is_python:
        return None
    try:
        return block.tree()
    except SyntaxError:
        return None


_Wrong = tuple[ast.AST, str, str]


def _missing_in(tree: ast.Module, skill: BlocksTogether) -> Iterator[_Wrong]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield from _no_module(node, alias.name)
            case ast.ImportFrom(module=str(name), level=0):
                yield from _no_module(node, name)
                yield from _not_in_module(node)
            case ast.Attribute(value=value, attr=name):
                yield from _no_member(node, skill.meant(value), name)
            case ast.Call(func=func, keywords=keywords):
                given = [each.arg for each in keywords if each.arg is not None]
                yield from _no_parameter(node, skill.meant(func), given)
            case ast.ClassDef():
                yield from _no_method(node, skill)


def _is_sdk(name: str) -> bool:
    return name.partition(".")[0] in sdk.ROOTS


def _no_module(node: ast.AST, name: str) -> list[_Wrong]:
    root = name.partition(".")[0]
    if root in NO_PACKAGES:
        said = f"there is no package `{root}`; it is imported as `{NO_PACKAGES[root]}`"
        return [(node, said, "package")]
    if _is_sdk(name) and sdk.source_of(name) is None:
        return [(node, f"the installed SDK has no module `{quote(name)}`", "name")]
    return []


def _not_in_module(node: ast.ImportFrom) -> Iterator[_Wrong]:
    module = _module_of(node)
    for alias in node.names:
        if module is not None and alias.name != "*" and not sdk.has(module, alias.name):
            said = f"the installed `{module.name}` has no `{quote(alias.name)}`"
            yield node, said + _closest(alias.name, sdk.names_in(module)), "name"


def _module_of(node: ast.ImportFrom) -> sdk.Source | None:
    """Return the module of an SDK that a block imports from, if it is one."""
    return sdk.source_of(node.module or "") if node.level == 0 else None


def _no_member(node: ast.AST, found: sdk.Found, name: str) -> Iterator[_Wrong]:
    if name.startswith("__"):
        return
    if isinstance(found, sdk.Source) and not sdk.has(found, name):
        said = f"the installed `{found.name}` has no `{quote(name)}`"
        yield node, said + _closest(name, sdk.names_in(found)), "name"
    elif isinstance(found, sdk.Definition) and sdk.is_class(found):
        members = sdk.members_of(found)
        if members is not None and name not in members:
            said = f"the installed `{found.name}` has no `{quote(name)}`"
            yield node, said + _closest(name, members), "member"


def _no_parameter(node: ast.AST, found: sdk.Found, given: Sequence[str]) -> Iterator[_Wrong]:
    if not isinstance(found, sdk.Definition):
        return
    known = sdk.keywords_of(found)
    for name in given if known is not None else ():
        if known is not None and name not in known:
            said = f"the installed `{found.name}` takes no `{quote(name)}=`"
            yield node, said + _closest(name, known), "parameter"


def _no_method(node: ast.ClassDef, skill: BlocksTogether) -> Iterator[_Wrong]:
    members = skill.members_of(node.name)
    for call in _of_class(node) if members is not None else ():
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                if members is not None and name not in members and not name.startswith("__"):
                    bases = " and ".join(f"`{_written(base)}`" for base in node.bases)
                    said = f"`self.{quote(name)}(...)` is neither in {bases} nor in a block"
                    yield call, said + _closest(name, members), "method"


def _written(base: ast.expr) -> str:
    """Return the name of a base, however much stands in brackets behind it."""
    # Not by `ast.unparse`: it gives up where Python's stack ends, and has no bound on its length.
    return quote(".".join(_names_in(base)[0]))


def _of_class(node: ast.ClassDef) -> Iterator[ast.AST]:
    """Yield what stands in a class, without the classes within it: their `self` is another."""
    inner: list[ast.AST] = list(ast.iter_child_nodes(node))
    while inner:
        each = inner.pop(0)
        yield each
        if not isinstance(each, ast.ClassDef):
            inner += ast.iter_child_nodes(each)


def _not_installed(block: CodeBlock) -> Iterator[Missing]:
    goes_on = False
    for number, line in enumerate(block.text.splitlines(), 1):
        text = line.partition("#")[0].rstrip()
        command = _INSTALL.search(f"pip install {text}" if goes_on else text)
        words = re.split(r"&|;|\|", command[1], maxsplit=1)[0] if command else ""
        goes_on = command is not None and text.endswith("\\")
        for word in words.split():
            name = re.split(r"[\[=<>~!]", word.strip("\"'"), maxsplit=1)[0].lower()
            if name in NO_DISTRIBUTIONS:
                said = f"the package is not `{name}` but `{NO_DISTRIBUTIONS[name]}`"
                yield Missing(block.file, block.line_of(number), said, "package")


def _closest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(
        name, [each for each in known if each[:1] != "_"], n=1, cutoff=0.75
    )
    return f" (is it `{close[0]}`?)" if close else ""
