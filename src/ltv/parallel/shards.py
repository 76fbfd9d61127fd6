"""Events dealt out to shards of customers, on disk, and what a shard has read back.

A shard has all that is known of some customers, so that it can be ingested and ranked by itself.
Which one a customer is in, the id alone decides. Each part of the input leaves one file:

| | |
|---|---|
| header | where each block begins, and where the last one ends |
| blocks | by shard, and in it by type of event: a line for each event |
| lines | the members of COLUMNS, with tabs between them; times are short (ltv.times) |

An event that says the same has the same line. Ids stand as they are, but those with a control
character, a quote or a backslash as in JSON: then they have a backslash, which no other has.
"""

import array
import json
import os
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from json.encoder import encode_basestring
from zlib import crc32

from ltv.blocks import COLUMNS, Block
from ltv.output.target import writing_in
from ltv.values import shard_of
from LTV_Ingest import Fact, block_of

_TYPES = tuple(COLUMNS)

_IDS = ("key", "customer_id")

#: How many lines for each shard are worth the joining.
_ROWS_TO_JOIN = 64

_MOST_EVENTS_HELD = 250_000  # about 25 MB

_OFFSET_BYTES = array.array("Q").itemsize


class ShardWriter:
    """Shards of customers as a D that is written to files, before it is too much to hold.

    `new_path` gives the path of one file after another; `paths` are those that were written.
    """

    def __init__(self, shards: int, new_path: Callable[[], str]) -> None:
        self.paths: list[str] = []
        self._new_path = new_path
        self._held = 0
        self._shards = shards
        self._waiting = 0
        self._lines: dict[str, list[list[bytes]]] = _lists_by_type(shards)
        self._takers = {
            event_type: [lines.append for lines in of_shards]
            for event_type, of_shards in self._lines.items()
        }
        self._joined: dict[str, list[list[bytes]]] = _lists_by_type(shards)

    def add_block(self, block: Block) -> None:
        """Deal out the events of a block; no id has what is written as in JSON."""
        shards = self._shards
        takers = self._takers[block.type]
        for owner, line in zip(block.owners, block.lines(), strict=True):
            takers[crc32(owner) % shards](line)
        self._wait_for_more(block.events)

    def add(self, fact: Fact) -> None:
        """Deal out what one event says, but for what no ranking needs."""
        shard = shard_of(fact.customer_id, self._shards)
        self._takers[fact.type][shard](_line_of(fact))
        self._wait_for_more(1)

    def _wait_for_more(self, count: int) -> None:
        self._held += count
        self._waiting += count
        if self._waiting > _ROWS_TO_JOIN * self._shards:
            self._join()
        if self._held > _MOST_EVENTS_HELD:
            self.write()

    def _join(self) -> None:
        for event_type, of_shards in self._lines.items():
            for lines, joined in zip(of_shards, self._joined[event_type], strict=True):
                if lines:
                    joined.append(b"\n".join(lines))
                    lines.clear()
        self._waiting = 0

    def write(self) -> None:
        """Write all that is held to a new file, and hold nothing any more. Raises FileError."""
        self._join()
        blocks = [
            b"\n".join(self._joined[event_type][shard])
            for shard in range(self._shards)
            for event_type in _TYPES
        ]
        self._joined = _lists_by_type(self._shards)
        self._held = 0
        header_bytes = (len(blocks) + 1) * _OFFSET_BYTES
        offsets = array.array("Q", accumulate(map(len, blocks), initial=header_bytes))
        path = self._new_path()
        self.paths.append(path)
        with writing_in(os.path.dirname(path)), open(path, "xb") as file:
            file.write(offsets.tobytes())
            file.writelines(blocks)


def _lists_by_type(shards: int) -> dict[str, list[list[bytes]]]:
    return {event_type: [[] for _ in range(shards)] for event_type in _TYPES}


def _line_of(fact: Fact) -> bytes:
    """Return the line of an event that says this."""
    names = COLUMNS[fact.type]
    fields = (column[0] for column in block_of(fact).columns)
    return b"\t".join(
        _escaped(field) if name in _IDS else field
        for name, field in zip(names, fields, strict=True)
    )


def _escaped(field: bytes) -> bytes:
    return encode_basestring(field.decode())[1:-1].encode()


def _unescaped(field: bytes) -> bytes:
    return str(json.loads(b'"%b"' % field)).encode() if b"\\" in field else field


def blocks_of_shards(paths: list[str], shards: range) -> Iterator[list[Block]]:
    """Yield what each of `shards` has, from the files that parts of the input left.

    An event may be there more than once. Raises OSError.
    """
    parts = [_read_blocks(path, shards) for path in paths]
    for shard in range(len(shards)):
        first = shard * len(_TYPES)
        texts = (
            b"\n".join(filter(None, [part[first + number] for part in parts]))
            for number in range(len(_TYPES))
        )
        yield [
            Block(event_type, _columns_of(event_type, text))
            for event_type, text in zip(_TYPES, texts, strict=True)
            if text
        ]


def _columns_of(event_type: str, text: bytes) -> tuple[list[bytes], ...]:
    names = COLUMNS[event_type]
    fields = text.replace(b"\n", b"\t").split(b"\t")
    columns = [fields[column :: len(names)] for column in range(len(names))]
    if b"\\" in text:
        for number, name in enumerate(names):
            if name in _IDS:
                columns[number] = list(map(_unescaped, columns[number]))
    return tuple(columns)


def _read_blocks(path: str, shards: range) -> list[bytes]:
    """The blocks of `shards`, which stand one after the other."""
    with open(path, "rb") as file:
        file.seek(shards.start * len(_TYPES) * _OFFSET_BYTES)
        offsets = array.array("Q", file.read((len(shards) * len(_TYPES) + 1) * _OFFSET_BYTES))
        file.seek(offsets[0])
        data = file.read(offsets[-1] - offsets[0])
    return [data[begin - offsets[0] : end - offsets[0]] for begin, end in pairwise(offsets)]
