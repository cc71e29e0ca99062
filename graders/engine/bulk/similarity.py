"""Which submissions share code: pairs to look at, with the lines that they share.

What the assignment gives out, and what many of the class have, counts for nothing. What names,
numbers and texts say is not compared, so that renaming hides nothing. Fingerprints and their
comparison are copydetect's (winnowing: Schleimer, Wilkerson and Aiken, 2003); the tokens are ours,
since it takes a file for a submission, and loses the place of what follows the name of a class.
It is installed only where it is asked for, and Pygments with it, so both are imported late. Must
not judge, nor open a submission.
"""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice, product
from typing import Any

from graders.engine.core.optional import optional_module

LANGUAGES = (".py", ".ts", ".tsx", ".js", ".jsx")
"""What is compared. A quiz and a specification look alike by nature, in YAML."""
RUN = 30
"""Tokens in a row that two submissions must share: some four lines."""
LEAST_SHARED = 150
"""Tokens that a pair must share to be told of: some twenty lines."""
LEAST_SHARE = 0.4
"""The part of its own code that one of a pair must share to be told of."""
MOST_SHARING = 10
"""A run of tokens that more submissions have than this, and than a tenth, is common."""
MOST_TOKENS = 60_000
"""Tokens of one submission that are compared; an honest one has a few thousand."""
MOST_COLUMNS = 1_000
MOST_CHARACTERS = 1_000_000
"""Of a line and of a submission. Some patterns of the lexers take time by the square of a line's
length, or by that of the blank lines in a row that are not empty."""
MOST_AT_ONCE = 10_000
"""Characters of web code that a lexer gets at once."""
MOST_PAIRS = 50
MOST_BLOCKS = 30
MOST_REPEATS = 16
"""Places of one run of tokens in a pair, all of which are tried with one another; of more, the
first of one is tried with the first of the other, and so on."""
_ALIKE = (("Literal.String", "a text"), ("Name", "a name"), ("Literal.Number", "a number"))
_SKIPPED = ("Comment", "Literal.String.Doc")
_BORDER = re.compile(
    r"^(?:export|import|async|function|class|const|let|var|type|interface)\b", re.MULTILINE
)
_FENCED = re.compile(r"^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
_FENCES = {"python": ".py", "py": ".py", "tsx": ".tsx", "ts": ".ts", "js": ".js", "jsx": ".jsx"}


@dataclass(frozen=True)
class Code:
    """The code of one submission: the text of each file by its path."""

    student: str
    report: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Lines:
    """Lines of a file: ``first`` counts from 1."""

    path: str
    first: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        """Return the number of the last line."""
        return self.first + len(self.lines) - 1


@dataclass(frozen=True)
class Side:
    """One of a pair; ``share`` is the part of its own code that the other one has, 0 to 1."""

    student: str
    report: str
    share: float


@dataclass(frozen=True)
class SimilarPair:
    """Two submissions that share code, and where; ``shared`` counts tokens of the first."""

    first: Side
    second: Side
    shared: int
    blocks: tuple[tuple[Lines, Lines], ...]
    more_blocks: int = 0


@dataclass(frozen=True)
class Similarity:
    """The pairs to look at, the most similar first; ``more`` were found and are not shown.

    ``cut`` names students whose code was too long to be compared whole.
    """

    compared: int
    pairs: tuple[SimilarPair, ...]
    more: int
    cut: tuple[str, ...]


def similar(codes: Sequence[Code], given: Mapping[str, str]) -> Similarity:
    """Return which of ``codes`` share more than the ``given`` files of the assignment."""
    alphabet = _Alphabet()
    known = _hashes_of(given_code(given), alphabet)
    prints = [_Print(*_bounded(code), alphabet) for code in codes]
    _take_out(prints, known)
    found = sorted(_found(prints), key=lambda each: (-each.share, -each.shared, each.names))
    return Similarity(
        compared=len(codes),
        pairs=tuple(_pair(each) for each in found[:MOST_PAIRS]),
        more=max(len(found) - MOST_PAIRS, 0),
        cut=tuple(each.code.student for each in prints if each.cut),
    )


def most_sharing(submissions: int) -> int:
    """Return how many of so many submissions may share code that is not yet common."""
    return max(MOST_SHARING, submissions // 10)


def given_code(files: Mapping[str, str]) -> dict[str, str]:
    """Return the code in an assignment's files; that of a README is what it shows in blocks."""
    found = {path: text for path, text in files.items() if path.endswith(LANGUAGES)}
    for path, text in files.items():
        if path.endswith(".md"):
            blocks = _FENCED.finditer(text)
            shown = [(_FENCES.get(each["language"]), each["code"]) for each in blocks]
            found |= {f"{path}:{at}{kind}": code for at, (kind, code) in enumerate(shown) if kind}
    return found


def _bounded(code: Code) -> tuple[Code, bool]:
    """Return the code as far as it is compared, and whether more was there.

    Tabs become spaces; what cannot be seen at the end of a line goes.
    """
    files: dict[str, str] = {}
    cut, left = False, MOST_CHARACTERS
    for path, text in code.files.items():
        lines = [line.expandtabs().rstrip() for line in text[: left + 1].split("\n")]
        files[path] = "\n".join(line[:MOST_COLUMNS] for line in lines)[:left]
        cut = cut or len(text) > left or max(map(len, lines)) > MOST_COLUMNS
        left = max(left - len(files[path]), 0)
    return replace(code, files=files), cut


def pieces(path: str, text: str) -> Iterator[str]:
    """Yield the pieces of a file in which its words are looked for, one after the other.

    A large file of web code is divided, if possible before a definition: of a comment or a text
    that nobody ends, a lexer looks for the end through all that follows.
    """
    while len(text) > MOST_AT_ONCE and not path.endswith(".py"):
        borders = [each.start() for each in _BORDER.finditer(text, 1, MOST_AT_ONCE)]
        at = borders[-1] if borders else text.rfind("\n", 0, MOST_AT_ONCE) + 1 or MOST_AT_ONCE
        yield text[:at]
        text = text[at:]
    yield text


@dataclass
class _Alphabet:
    """One character for each kind of token: what the words of a language are, and no name is."""

    _letters: dict[str, str] = field(default_factory=dict)
    _borders: Iterator[int] = field(default_factory=lambda: iter(range(0xF0000, 0x110000)))

    def letter(self, word: str) -> str:
        return self._letters.setdefault(word, chr(0xE000 + len(self._letters) % 0x1800))

    def border(self) -> str:
        """Return what stands between two files, and nowhere else."""
        return chr(next(self._borders, 0x10FFFF))


def _tokens(path: str, text: str) -> Iterator[tuple[str, int]]:
    """Yield the words of a file that are compared, each with its line."""
    lexers = _library("pygments.lexers")
    kind_of = _library("pygments.token").string_to_tokentype
    skipped = [kind_of(name) for name in _SKIPPED]
    alike = [(kind_of(name), told) for name, told in _ALIKE]
    line, before = 1, ""
    lexer = lexers.get_lexer_for_filename(path, stripnl=False, ensurenl=False)
    words = (each for piece in pieces(path, text) for each in lexer.get_tokens(piece))
    for kind, word in words:
        at = line
        line += word.count("\n")
        if not word.strip() or any(kind in each for each in skipped):
            continue
        told = next((told for of, told in alike if kind in of), word)
        # What stands in one pair of quotes, and texts in a row, are one.
        if not told == before == "a text":
            yield told, at
        before = told


@dataclass
class _Print:
    """The tokens of one submission as a text of one character each, and its fingerprint."""

    code: Code
    cut: bool
    alphabet: _Alphabet
    places: list[tuple[str, int]] = field(default_factory=list)
    fingerprint: Any = field(init=False)

    def __post_init__(self) -> None:
        text = ""
        for path, content in self.code.files.items():
            # Borders count as well: there may be more places than tokens are compared.
            left = max(MOST_TOKENS - len(self.places), 0)
            words = list(islice(_tokens(path, content), left))
            text += "".join(self.alphabet.letter(word) for word, _ in words)
            text += self.alphabet.border()
            self.places += [(path, line) for _, line in words] + [(path, 0)]
            self.cut = self.cut or len(self.places) >= MOST_TOKENS
        # A window of one keeps every run of tokens: `hash` of a text differs between processes,
        # and which ones a wider window keeps hangs on it.
        self.fingerprint = _library("copydetect").CodeFingerprint(
            "", RUN, 1, filter=False, fp=io.StringIO(text)
        )

    def take_out(self, hashes: set[int]) -> None:
        """Leave out runs of tokens, as if the submission did not have them."""
        fingerprint = self.fingerprint
        fingerprint.hashes -= hashes
        fingerprint.hash_idx = {
            each: at for each, at in fingerprint.hash_idx.items() if each in fingerprint.hashes
        }
        length = len(fingerprint.filtered_code)
        covered = _library("copydetect.utils").get_token_coverage
        fingerprint.token_coverage = covered(fingerprint.hash_idx, RUN, length)


def _library(name: str) -> Any:
    cure = "Start it as `python grade.py bulk ... --similarity`; this installs it."
    return optional_module(name, "copydetect", cure)


def _hashes_of(files: Mapping[str, str], alphabet: _Alphabet) -> set[int]:
    return set(_Print(Code("", "", files), False, alphabet).fingerprint.hashes)


def _take_out(prints: Sequence[_Print], known: set[int]) -> None:
    """Leave out what the assignment gives, and what many have."""
    having = Counter(each for one in prints for each in one.fingerprint.hashes)
    most = most_sharing(len(prints))
    common = {each for each, count in having.items() if count > most}
    for each in prints:
        each.take_out(known | common)


@dataclass(frozen=True)
class _Found:
    first: _Print
    second: _Print
    shared: int
    shares: tuple[float, float]

    @property
    def share(self) -> float:
        return max(self.shares)

    @property
    def names(self) -> tuple[str, str]:
        return self.first.code.student, self.second.code.student


def _found(prints: Sequence[_Print]) -> Iterator[_Found]:
    for one, other in combinations(prints, 2):
        if one.fingerprint.hashes.isdisjoint(other.fingerprint.hashes):
            continue
        shared, shares, _ = _library("copydetect").compare_files(one.fingerprint, other.fingerprint)
        if shared >= LEAST_SHARED and max(shares) >= LEAST_SHARE:
            yield _Found(one, other, int(shared), (float(shares[0]), float(shares[1])))


def _pair(found: _Found) -> SimilarPair:
    blocks = list(_blocks(found.first, found.second))
    first, second = (
        Side(each.code.student, each.code.report, min(share, 1.0))
        for each, share in zip((found.first, found.second), found.shares, strict=True)
    )
    return SimilarPair(
        first,
        second,
        shared=found.shared,
        blocks=tuple(blocks[:MOST_BLOCKS]),
        more_blocks=max(len(blocks) - MOST_BLOCKS, 0),
    )


def _blocks(one: _Print, other: _Print) -> Iterator[tuple[Lines, Lines]]:
    """Yield what both have, the longest runs first taken, in the order of the first's lines."""
    taken_one: set[int] = set()
    taken_other: set[int] = set()
    kept: list[tuple[int, int, int]] = []
    for length, at, to in sorted(_runs(one, other), key=lambda each: (-each[0], *each[1:])):
        here, there = range(at, at + length), range(to, to + length)
        if taken_one.isdisjoint(here) and taken_other.isdisjoint(there):
            taken_one.update(here)
            taken_other.update(there)
            kept.append((at, to, length))
    for at, to, length in sorted(kept):
        yield _lines(one, at, length), _lines(other, to, length)


def _runs(one: _Print, other: _Print) -> Iterator[tuple[int, int, int]]:
    """Yield the length of each run of tokens that both have, and where it begins in either."""
    mine, others = one.fingerprint.hash_idx, other.fingerprint.hash_idx
    by_distance: dict[int, list[int]] = defaultdict(list)
    for each in one.fingerprint.hashes & other.fingerprint.hashes:
        both = mine[each], others[each]
        few = len(both[0]) * len(both[1]) <= MOST_REPEATS
        for at, to in product(*both) if few else zip(*both, strict=False):
            by_distance[int(to - at)].append(int(at))
    for distance, starts in by_distance.items():
        starts.sort()
        begin = last = starts[0]
        for at in [*starts[1:], len(one.places) + RUN]:
            if at > last + 1:
                yield last - begin + RUN, begin, begin + distance
                begin = at
            last = at


def _lines(side: _Print, at: int, length: int) -> Lines:
    path, first = side.places[at]
    _, last = side.places[at + length - 1]
    text = side.code.files[path].split("\n")
    return Lines(path, first, tuple(text[first - 1 : last]))
