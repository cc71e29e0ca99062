"""Where the values stand in the files that `shelve` and `dbm` write, whatever kind a Python chose.

A kind is known by the first bytes of its file (GNU dbm, and the hash tables of Berkeley DB), or by
the index that lies beside it (`dbm.dumb`); SQLite's is an SQLite file. All of it is a stranger's:
values share no bytes, and where they are said to be more than the file has, there are no more of
them. Pure. Must not know files, nor what is searched for.

The layouts are those of gdbm 1.23 (`src/gdbmdefs.h`) and of Berkeley DB 5.3
(`src/dbinc/db_page.h`), of machines that put the lowest byte first, with 64 bits.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise

Value = tuple[slice, ...]
"""Where the bytes of one value stand: in one piece, or in a piece on each of several pages."""

_DUMB_ENTRY = re.compile(rb", \((\d{1,12}), (\d{1,12})\)\s*$")

# GNU dbm: a directory of places of buckets; a bucket has places of records, each a key and a value.
_GNU_MAGICS = {bytes.fromhex(magic)[::-1] for magic in ("13579ace", "13579acd", "13579acf")}
_GNU_DIRECTORY = struct.Struct("<8xqi")  # place, bytes
_GNU_BUCKET = struct.Struct("<108xi")  # how many records
_GNU_RECORD = struct.Struct("<i4xqii")  # hash, place, bytes of the key, bytes of the value
_GNU_UNUSED = -1

# Berkeley DB: pages of one size; those of a hash table hold keys and values in turn, the long ones
# as a reference to a chain of pages of their own.
_BERKELEY_MAGIC = (0x061561).to_bytes(4, "little")
_BERKELEY_MAGIC_AT = 12
_BERKELEY_PAGE_SIZE = struct.Struct("<20xI")
_BERKELEY_PAGE = struct.Struct("<16xIHHBB")  # next page, entries, free space or length, level, type
_BERKELEY_LONG = struct.Struct("<4xII")  # page, bytes
_PAGE_SIZES = [1 << power for power in range(9, 17)]
_HASH_PAGES, _OVERFLOW_PAGE = (2, 13), 7
_SHORT, _LONG = 1, 3
_PLACE_BYTES = 2
_END_OF_CHAIN = 0


def values_of(data: bytes) -> Iterator[Value] | None:
    """Return where the values of a shelf in one file stand; ``None`` if it is no such shelf."""
    layout = _layout_of(data)
    return None if layout is None else _apart(layout(data), len(data))


def values_by_index(index: bytes, data: bytes) -> Iterator[Value]:
    """Yield where the values of `dbm.dumb` stand in its ``data``; ``index`` is its other file."""
    return _apart(_dumb_values(index), len(data))


def bytes_of(value: Value, data: bytes) -> bytes:
    """Return what stands there."""
    return b"".join(data[place] for place in value)


def _layout_of(data: bytes) -> Callable[[bytes], Iterator[Value]] | None:
    if data[:4] in _GNU_MAGICS:
        return _gnu_values
    if data[_BERKELEY_MAGIC_AT : _BERKELEY_MAGIC_AT + 4] == _BERKELEY_MAGIC:
        return _berkeley_values
    return None


def _apart(values: Iterator[Value], left: int) -> Iterator[Value]:
    """Yield the values that lie in ``left`` bytes, until these are used up."""
    size = left
    for value in values:
        left -= sum(place.stop - place.start for place in value)
        if left < 0:
            return
        if all(0 <= place.start <= place.stop <= size for place in value):
            yield value


def _dumb_values(index: bytes) -> Iterator[Value]:
    for line in index.splitlines():
        if entry := _DUMB_ENTRY.search(line):
            start, length = map(int, entry.groups())
            yield (slice(start, start + length),)


def _gnu_values(data: bytes) -> Iterator[Value]:
    start, length = _unpacked(_GNU_DIRECTORY, data, 0) or (0, 0)
    directory = data[start : start + length] if start > 0 < length else b""
    places = struct.unpack(f"<{len(directory) // 8}q", directory[: len(directory) // 8 * 8])
    left = len(data)
    for bucket in dict.fromkeys(places):  # several entries may name one bucket
        (count,) = _unpacked(_GNU_BUCKET, data, bucket) or (0,)
        record = bucket + _GNU_BUCKET.size
        while count > 0 and left > 0:
            left -= _GNU_RECORD.size
            hashed, at, key, value = _unpacked(_GNU_RECORD, data, record) or (_GNU_UNUSED, 0, 0, 0)
            record += _GNU_RECORD.size
            if hashed != _GNU_UNUSED:
                count -= 1
                yield (slice(at + key, at + key + value),)


def _berkeley_values(data: bytes) -> Iterator[Value]:
    (size,) = _unpacked(_BERKELEY_PAGE_SIZE, data, 0) or (0,)
    if size not in _PAGE_SIZES:
        return
    left = len(data) // size
    for start in range(0, len(data), size):
        page = data[start : start + size]
        _, entries, _, _, kind = _unpacked(_BERKELEY_PAGE, page, 0) or (0, 0, 0, 0, 0)
        if kind not in _HASH_PAGES:
            continue
        places = page[_BERKELEY_PAGE.size :][: entries * _PLACE_BYTES]
        ends = size, *struct.unpack(f"<{len(places) // 2}H", places[: len(places) // 2 * 2])
        # They grow down from the end of the page: a key, its value, the next key.
        for end, at in list(pairwise(ends))[1::2]:
            if page[at : at + 1] == bytes([_SHORT]):
                yield (slice(start + at + 1, start + end),)
            elif page[at : at + 1] == bytes([_LONG]):
                value = _chain(data, size, page[at:end], left)
                left -= len(value)
                yield value


def _chain(data: bytes, size: int, reference: bytes, most: int) -> Value:
    """Return where a long value stands: on pages of which each names the next."""
    number, _ = _unpacked(_BERKELEY_LONG, reference, 0) or (_END_OF_CHAIN, 0)
    pieces: list[slice] = []
    while number != _END_OF_CHAIN and len(pieces) < most:
        start = number * size
        following, _, length, _, kind = _unpacked(_BERKELEY_PAGE, data, start) or (0, 0, 0, 0, 0)
        if kind != _OVERFLOW_PAGE:
            break
        begin = start + _BERKELEY_PAGE.size
        pieces.append(slice(begin, begin + length))
        number = following
    return tuple(pieces)


def _unpacked(layout: struct.Struct, data: bytes, at: int) -> tuple[int, ...] | None:
    """Return the numbers that stand at a place; ``None`` where there is no room for them."""
    if not 0 <= at <= len(data) - layout.size:
        return None
    return layout.unpack_from(data, at)
