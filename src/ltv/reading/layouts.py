"""Layouts of events, learnt from the data, as one compiled pattern for many events at once.

A layout is how an event is written but for its values: the order of members, the white space, the
spelling of times. Logs have a few. `layout_of` takes one from an event that the full path has
accepted; the `Matcher` of some layouts then takes the fields out of thousands of events in one
call. What it matches is an event by the rules of `LTV_Ingest`, and says the same there; what it
does not match is left to the full path. It refuses nothing.

What was learnt by measuring, in microseconds an event of about 150 bytes (CPython 3.11):

| | |
|---|---|
| all layouts as one tree, so that no text is skipped or looked at twice | 0.45 |
| of that: times, checked to the day / groups that did not match | 0.09 / 0.09 |
| one search for each layout instead | 0.9 |
| `[^"]*+` for texts, and one `translate` for what that lets through | 0.08 |
| `[^"\\\\\\x00-\\x1f]*+` instead | 0.25 |

More than 256 KiB at once is slower: the rows fall out of the processor's cache. What the rest of a
run costs, and what was tried there: tests/benchmark/README.md.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder
from typing import Any, NamedTuple

from ltv.blocks import COLUMNS, Block
from ltv.times import pack, shortened
from ltv.values import (
    FLOAT_ID_PATTERN,
    HOUR_PATTERN,
    INTEGER_ID_PATTERN,
    JSON_NUMBER_PATTERN,
    MAX_TEXT_LENGTH,
    REAL_DATE_PATTERN,
    SIXTY_PATTERN,
    amount_text_pattern,
    currency_pattern,
    parse_time,
)
from LTV_Ingest import VERBS

Row = tuple[bytes, ...]

#: As what a value is kept, by what it is.
_KEPT_ID = {"text": "id", "number": "integer-id"}
_KEPT = {
    "key": _KEPT_ID,
    "customer_id": _KEPT_ID,
    "total_amount": {"text": "amount", "number": "amount"},
    "last_name": {"text": "kept-text"},
}

_MOST_MEMBERS = 40

#: How many layouts there may be, how many pieces they may have together, and for how many of those
#: one that may be nested counts: compiling takes microseconds for each character of the pattern.
#: With 64, 100,000 events of 68 layouts took 2.4 times the processor time, 400,000 of 24 the same.
_MOST_LAYOUTS = 16
_MOST_WEIGHT = 2000
_WEIGHT_OF_NESTED = 100

#: How many events of unknown layouts make the first sample, and how many are looked at at all.
_FIRST_SAMPLE = 32
_MOST_UNITS = 2048

#: How many of the events seen must be of layouts that were seen more than once, or they do not pay.
_LEAST_SHARE = 0.75

_MEMBER = re.compile(r'(?:\{|[ \t\n\r]*,)[ \t\n\r]*"([^"\\]*+)"[ \t\n\r]*:[ \t\n\r]*')
_LAST = re.compile(r"[ \t\n\r]*\}")

_TIME = re.compile(
    r"""
    [0-9]{4}-[0-9]{2}-[0-9]{2}
    (?: (?P<separator> [Tt\ :] ) [0-9]{2}:[0-9]{2}
        (?P<second> :[0-9]{2} (?: (?P<point> [.,] ) (?P<fraction> [0-9]{1,9} ) )? )?
        (?P<zone> \ ? (?: [Zz] | UTC | GMT | (?P<offset> [+-][0-9]{2}(?::?[0-9]{2})? ) ) )?
    )?
    """,
    re.VERBOSE | re.ASCII,
)

_DIGITS_KEPT = 6  # of a second's fraction

_OFFSET_HOURS_LENGTH = len("+02")
_HOUR_LENGTH = len("1970-01-01T00")
_MINUTE_LENGTH = len("1970-01-01T00:00")

#: The kind of a time with an offset, which comes after this.
_SHIFTED = "time at "

#: The days that may be in another year with an offset, of which not all are known.
_DAYS_AT_THE_ENDS = ("1970-01-01", "2199-12-31")

_MOST_BEGINS = 100_000  # of hours or minutes in another zone

_DATE_LENGTH = len("1970-01-01")
_T = ord("T")
_PACKED_MIDNIGHT = b"1970-01-01T00:00:00.000000"
_SHORT_MIDNIGHT = _PACKED_MIDNIGHT[:-3]

_BYTES_TO_DECODE = 4096

#: What texts are made of.
_ANY = '[^"]'  # where it is known that only these are there
PLAIN = r'[^"\\\x00-\x1f]'
ASCII = r"[ !#-\[\]-\x7f]"  # where not all is UTF-8
ESCAPE = r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'

SPACE = r"[ \t\n\r]*+"
NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_DEPTH = 2  # of brackets in a value that is passed over; what is deeper takes the full path

#: MongoDB's Extended JSON: what is before the text, the name, the text, what is in it, the rest.
_EXTENDED = re.compile(
    rf'(\{{{SPACE}"\$(oid|date|number[A-Z][a-z]+)"{SPACE}:{SPACE})("([^"\\]*+)")({SPACE}\}})'
)
_MAY_BE_EXTENDED = ("key", "customer_id", "event_time", "total_amount")

_ORDINARY = bytes(set(range(0x20, 0x100)) - set(b"\\"))

_CONSTANT = "true|false|null|NaN|-?Infinity"

#: Only the types of values are asked for: digits of floats have no limit, and NaN is a constant.
_DECODER = JSONDecoder(parse_int=float, parse_constant=lambda literal: None)


def text_pattern(character: str) -> str:
    """Return the pattern of a text, of this class of characters and escapes."""
    return f'"{character}*+(?:{ESCAPE}{character}*+)*+"'


class Piece(NamedTuple):
    """What stands at one place of a layout: this `text`, or the value of a `member`."""

    kind: str
    text: str
    member: str = ""


class Layout(NamedTuple):
    """How events of one type are written."""

    type: str
    pieces: tuple[Piece, ...]

    @property
    def has_local_times(self) -> bool:
        """Return whether its times have no zone: their pattern ends with digits."""
        times = [piece.text for piece in self.pieces if piece.member == "event_time"]
        return any(pattern.endswith((')"', '[0-9]"')) for pattern in times)


class _UncommonError(ValueError):
    """An event that is written as few are."""


def layout_of(text: str) -> Layout | None:
    """The layout of a good event; None when it is too uncommon to be learnt."""
    try:
        members, rest = _members(text)
        values = {name: value for _, name, value, _ in members}
        if len(values) < len(members) or len(members) > _MOST_MEMBERS:
            return None
        pieces: list[Piece] = []
        for before, name, value, raw in members:
            pieces += Piece("literal", before), *_pieces(values["type"], name, value, raw)
    except (JSONDecodeError, RecursionError, _UncommonError):
        return None
    return Layout(values["type"], (*pieces, Piece("literal", rest)))


def _members(text: str) -> tuple[list[tuple[str, str, Any, str]], str]:
    """For each member what stands before its value, its name, the value, and that as it stands;
    and what stands after the last one.
    """
    members = []
    position = 0
    while start := _MEMBER.match(text, position):
        value, end = _DECODER.raw_decode(text, start.end())
        members.append((start[0], start[1], value, text[start.end() : end]))
        position = end
    if not _LAST.fullmatch(text, position):
        raise _UncommonError
    return members, text[position:]


def _pieces(event_type: str, name: str, value: object, raw: str) -> tuple[Piece, ...]:
    """The pieces for the value of the member `name`: one, or of Extended JSON three."""
    is_wrapped = isinstance(value, dict) and name in _MAY_BE_EXTENDED
    match = _EXTENDED.fullmatch(raw) if is_wrapped else None
    if not match:
        return (_piece(event_type, name, value, raw),)
    begin, kind, text, inside, end = match.groups()
    if kind in ("oid", "date"):
        piece = _piece(event_type, name, inside, text)
    else:
        begin, end = begin + '"', '"' + end
        piece = _piece(event_type, name, 0.0, inside)  # as of a number
        if name == "total_amount":
            piece = Piece("number-amount", "", name)
    return Piece("literal", begin), piece, Piece("literal", end)


def _piece(event_type: str, name: str, value: object, raw: str) -> Piece:
    """The piece for the value of the member `name` in an event of this type."""
    if name == "type" or (name == "verb" and "verb" not in COLUMNS[event_type]):
        return Piece("literal", raw)
    if name == "verb":
        return Piece("verb", _verb_pattern(VERBS[event_type]), name)
    if name == "event_time":
        return _time_piece(raw)
    kind = _kind_of(value)
    if name == "currency" and event_type == "ORDER" and kind == "text":
        return Piece("currency", "")
    if name not in COLUMNS[event_type] or (name == "last_name" and kind != "text"):
        return Piece(kind, "")
    kept = _KEPT[name].get(kind)
    if kept is None:
        raise _UncommonError
    return Piece("float-id" if kept == "integer-id" and "." in raw else kept, "", name)


def _verb_pattern(verbs: tuple[str, ...]) -> str:
    """A pattern of the verbs; its group is not empty for an UPDATE alone."""
    updates = "UPDATE" in verbs
    others = [verb for verb in verbs if verb != "UPDATE"]
    return f'"(?:{"|".join(others)}|(U)PDATE)"' if updates else f'"(?:{"|".join(others)})()"'


def _kind_of(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if value is None or isinstance(value, bool):
        return "constant"
    return "nested" if isinstance(value, list | dict) else "number"


def _time_piece(raw: str) -> Piece:
    """The piece for times that are spelt as this one; its group has as much as is kept."""
    match = _TIME.fullmatch(raw, 1, len(raw) - 1)
    if not match:
        raise _UncommonError
    clock = cut = zone = ""
    digits = len(match["fraction"] or "")
    if match["separator"]:
        clock = f"{re.escape(match['separator'])}{HOUR_PATTERN}:{SIXTY_PATTERN}"
        zone = re.escape(match["zone"] or "")
    if match["second"]:
        clock += f":{SIXTY_PATTERN}"
    if digits:
        clock += rf"{re.escape(match['point'])}[0-9]{{{min(digits, _DIGITS_KEPT)}}}"
        cut = "[0-9]" * (digits - _DIGITS_KEPT)
    pattern = f'"({REAL_DATE_PATTERN}{clock}){cut}{zone}"'
    kind = "time"
    if match["offset"] and match["offset"].strip("+-:0"):
        if raw[1:].startswith(_DAYS_AT_THE_ENDS):
            raise _UncommonError
        pattern = pattern.replace('"(', f'"(?!{"|".join(_DAYS_AT_THE_ENDS)})(', 1)
        kind = _SHIFTED + match["offset"]
    return Piece(kind, pattern, "event_time")


class Other(NamedTuple):
    """Text that was passed over, and where it begins in what was matched."""

    offset: int
    line: int  # from 0
    text: bytes


class Match(NamedTuple):
    """What was matched: blocks of events, how many, how many bytes and newlines all took, and what
    was passed over between them, each to be read by itself.

    They stand at the begin of `text`, which begins at this `offset` and `line` of what is read.
    """

    blocks: list[Block]
    events: int
    length: int
    newlines: int
    others: Sequence[Other] = ()
    text: bytes = b""
    offset: int = 0
    line: int = 1
    is_of_lines: bool = False


class _Leaf(NamedTuple):
    """Layouts of one type that do not differ in what is kept, and where a match has that."""

    type: str
    mark: int  # the group that is not empty in their matches, and in no other
    places: tuple[int, ...]  # the groups that the columns are in
    offset: bytes  # of their times, which have one spelling; empty in UTC

    def block(self, matches: list[Row]) -> Block:
        """Return the events of the matches, with short times."""
        block = Block(self.type, rows=matches, places=self.places)
        if not self.offset and is_short(matches[0][self.places[0]]):
            return block
        times, *others = block.columns
        return Block(self.type, [short_times(times, self.offset), *others])


def is_short(time: bytes) -> bool:
    """Return whether a time of one of the spellings that are learnt, in UTC, is a short one."""
    return len(time) == len(_SHORT_MIDNIGHT) and time[_DATE_LENGTH] == _T and b"," not in time


def short_times(times: Sequence[bytes], offset: bytes) -> Sequence[bytes]:
    """Return times of one of the spellings that are learnt as short ones.

    All have this offset, which may be empty. Raises EventError for one before 1970.
    """
    length = len(times[0])
    if offset:
        is_of_hours = len(offset) <= _OFFSET_HOURS_LENGTH or offset.endswith(b"00")
        changed = _HOUR_LENGTH if is_of_hours else _MINUTE_LENGTH
        moved = _Begins(offset)
        times = [moved[time[:changed]] + time[changed:] for time in times]
    elif (separator := times[0][_DATE_LENGTH:][:1]) not in (b"", b"T"):
        times = [time.replace(separator, b"T", 1) for time in times]
    if b"," in times[0]:
        times = [time.replace(b",", b".") for time in times]
    if length > len(_SHORT_MIDNIGHT):
        missing = _PACKED_MIDNIGHT[length:]
        return [shortened(time + missing) for time in times]
    missing = _SHORT_MIDNIGHT[length:]
    return [time + missing for time in times] if missing else times


def as_short(time: bytes) -> bytes:
    """Return a time of any of the spellings that are learnt, in UTC, as a short one."""
    return time if is_short(time) else short_times([time], b"")[0]


def in_utc(offset: bytes, time: bytes) -> bytes:
    """Return a time of any of these spellings, which has this offset, as a short one.

    Raises EventError for one before 1970.
    """
    return short_times([time], offset)[0]


class _Begins(dict[bytes, bytes]):
    """The begins of packed times as far as the minutes or hours, by those with an offset."""

    def __init__(self, offset: bytes) -> None:
        super().__init__()
        self._offset = offset

    def __missing__(self, begin: bytes) -> bytes:
        self[begin] = moved = _begin_in_utc(begin, self._offset)
        return moved


@lru_cache(_MOST_BEGINS)
def _begin_in_utc(begin: bytes, offset: bytes) -> bytes:
    """Return the begin of a packed time as far as the minutes or hours, which this has."""
    minutes = b":00" if len(begin) == _HOUR_LENGTH else b""
    return pack(parse_time((begin + minutes + offset).decode())).encode()[: len(begin)]


class Matcher:
    """The pattern of some layouts, each event with `separator` after it.

    To be had from `matcher_of`, since compiling takes some milliseconds.
    """

    def __init__(self, layouts: tuple[Layout, ...], separator: str, currency: str) -> None:
        self._tree = _tree_of(layouts)
        self.separator = separator
        # A line break is one with a CR or without: writers are mixed in a log.
        self._controls = separator.encode().translate(None, _ORDINARY + b"\r")
        self._currency = currency
        self._may_be_ordinary = True
        self._leaves: list[_Leaf] = []
        self._patterns: dict[str, re.Pattern[bytes]] = {}

    def match(self, text: bytes) -> Match:
        """All events from the begin of `text` up to the first that is not of a known layout."""
        controls = text.translate(None, _ORDINARY)
        if self._may_be_ordinary and not controls.strip(self._controls + b"\r"):
            rows, length = self._find(_ANY, text)
            behind = text[length:].translate(None, _ORDINARY)
            taken = controls[: len(controls) - len(behind)]
            returns = taken.count(b"\r")
            if taken.translate(None, b"\r") != self._controls * len(rows):
                self._may_be_ordinary = False  # layouts with newlines in them
            elif returns and returns != text.count(b"\r\n", 0, length):
                pass  # some stand elsewhere, perhaps in texts
            elif is_utf8(text[:length]):
                return self._sorted(rows, length, taken.count(b"\n"))
        rows, length = self._find(PLAIN, text)
        if not is_utf8(text[:length]):
            rows, length = self._find(ASCII, text)
        return self._sorted(rows, length, text.count(b"\n", 0, length))

    def _find(self, character: str, text: bytes) -> tuple[list[Row], int]:
        """The groups of each match, and the length of all; `character` is what texts are of."""
        pattern = self._patterns.get(character)
        if pattern is None:
            pattern = self._patterns[character] = self._compiled(character)
        rows = pattern.findall(text)
        rest = len(rows.pop()[-1]) if rows and rows[-1][-1] else 0
        return rows, len(text) - rest

    def _compiled(self, character: str) -> re.Pattern[bytes]:
        writer = _PatternWriter(character, self._currency)
        events = writer.pattern(self._tree, _Path())
        self._leaves = writer.leaves()  # the same whatever texts are made of
        line_break = re.escape(self.separator.replace("\r\n", "\n")).replace("\\\n", r"\r?\n")
        behind = line_break or r"(?=\{)"  # or it may be that more belongs to it
        pattern = f"{events}{behind}|(.++)"
        return re.compile(pattern.encode(), re.DOTALL)

    def _sorted(self, matches: list[Row], length: int, newlines: int) -> Match:
        """Sort the matches by type, with short times."""
        events = len(matches)
        blocks = []
        found = {}
        for leaf in self._leaves:
            mark = leaf.mark
            mine = [match for match in matches if match[mark]]
            if mine:
                blocks.append(leaf.block(mine))
                found[mark] = len(mine)
                if len(mine) == len(matches):
                    break
                matches = [match for match in matches if not match[mark]]
        self._leaves.sort(key=lambda leaf: found.get(leaf.mark, 0), reverse=True)
        return Match(blocks, events, length, newlines)


@lru_cache(maxsize=16)
def matcher_of(layouts: tuple[Layout, ...], separator: str, currency: str) -> Matcher:
    """The matcher of these layouts, the most common first, for amounts in `currency`."""
    return Matcher(layouts, separator, currency)


def bounded(layouts: Iterable[Layout]) -> tuple[Layout, ...]:
    """As many of the layouts as can be compiled in a fraction of a second, the first ones first."""
    known = list(layouts)[:_MOST_LAYOUTS]
    weights = accumulate(map(_weight, known))
    return tuple(
        layout for layout, weight in zip(known, weights, strict=True) if weight <= _MOST_WEIGHT
    )


def _weight(layout: Layout) -> int:
    return sum(_WEIGHT_OF_NESTED if piece.kind == "nested" else 1 for piece in layout.pieces)


class Learner:
    """The layouts that are known so far, and how often others were seen.

    `matcher` is given what separates events; the first that it is told of is what counts.
    """

    def __init__(
        self,
        layouts: tuple[Layout, ...],
        currency: str,
        separator: str | None,
        timezone: str | None = None,
    ) -> None:
        self.timezone = timezone  # of times without a zone, which no layout has then
        self.layouts = layouts
        self.separator = separator
        self.currency = currency
        self._matches = 0
        self._seen: Counter[Layout] = Counter()
        self._units = 0
        self._units_of_sample = _FIRST_SAMPLE
        self._matcher: Matcher | None = None
        self._matcher_knows: tuple[tuple[Layout, ...], str | None] = ((), None)

    def learn(self, text: str) -> None:
        """Take note of how a good event is written that no layout matched."""
        if self._units > _MOST_UNITS:
            return
        self._units += 1
        layout = layout_of(text)
        if layout and not (self.timezone and layout.has_local_times):
            self._seen[layout] += 1
        if self._units >= self._units_of_sample:
            self.learn_sample()

    @property
    def wants_unit(self) -> bool:
        """Whether an event alone tells something: how it is written, or what stands after it."""
        return self.separator is None if self.layouts else self._units < _FIRST_SAMPLE

    def samples_wanted(self) -> int:
        """Return how many events are to be learnt of those that were matched without layouts."""
        self._matches += 1  # ever less
        is_wanted = self._matches & (self._matches - 1) == 0 and self._units <= _MOST_UNITS
        return _FIRST_SAMPLE if is_wanted else 0

    def learn_sample(self) -> None:
        """Know what was seen more than once, if that is most of all.

        Longer and longer samples save compiling.
        """
        self._units_of_sample *= 2
        known = set(self.layouts)
        repeated = [(layout, count) for layout, count in self._seen.most_common() if count > 1]
        if sum(count for _, count in repeated) < _LEAST_SHARE * self._units:
            return
        new = [layout for layout, _ in repeated]
        self.layouts = bounded([*self.layouts, *(layout for layout in new if layout not in known)])

    def matcher(self, separator: str | None) -> Matcher | None:
        """What matches the layouts known so far; None as long as there are none."""
        if self.separator is None:
            self.separator = separator
        if self.separator is None or not self.layouts:
            return None
        layouts, known_separator = self._matcher_knows
        if layouts is not self.layouts or known_separator != self.separator:
            self._matcher = matcher_of(self.layouts, self.separator, self.currency)
            self._matcher_knows = self.layouts, self.separator  # a look-up would cost more
        return self._matcher


def is_utf8(text: bytes) -> bool:
    """Return whether a text is UTF-8; most of it is ASCII, which is found sooner."""
    if text.isascii():
        return True
    begin = 0
    try:
        while begin < len(text):
            end = text.find(b'"', begin + _BYTES_TO_DECODE) + 1 or len(text)
            piece = text[begin:end]
            if not piece.isascii():
                piece.decode()
            begin = end
    except UnicodeDecodeError:
        return False
    return True


#: What may follow: after each piece more of them, or the type of the event that ends there.
_Tree = dict[Piece, "_Tree | str"]


def _tree_of(layouts: tuple[Layout, ...]) -> _Tree:
    root: _Tree = {}
    for layout in layouts:
        node = root
        for piece in layout.pieces[:-1]:
            child = node.setdefault(piece, {})
            assert isinstance(child, dict), "only the last piece closes the bracket"
            node = child
        node[layout.pieces[-1]] = layout.type
    return root


class _Path(NamedTuple):
    """What is known of a match at a place of the tree."""

    groups: dict[str, int] = {}  # noqa: RUF012 - never changed; of members, the groups
    mark: int | None = None  # a group that is not empty here, and empty everywhere else
    offset: bytes = b""


class _PatternWriter:
    """Writes the pattern of a tree of layouts, and keeps account of its groups."""

    def __init__(self, character: str, currency: str) -> None:
        is_any = character == _ANY
        unit = character if is_any else f"(?:{character}|{ESCAPE})"
        text = f'"{character}*+"' if is_any else text_pattern(character)
        self._values = {
            "id": f'"({character}{{1,{MAX_TEXT_LENGTH}}}+)"',
            "integer-id": f"({INTEGER_ID_PATTERN})",
            "float-id": rf"({FLOAT_ID_PATTERN})\.0++",
            "amount": f'("{amount_text_pattern(currency)}"|{JSON_NUMBER_PATTERN})',
            "number-amount": f"({JSON_NUMBER_PATTERN})",
            "currency": f'"(?: *{currency_pattern(currency)} *)?"',  # empty: absent
            "kept-text": f'("{unit}{{0,{MAX_TEXT_LENGTH}}}")',
            "text": text,
            "number": NUMBER,
            "constant": f"(?:{_CONSTANT})",
            "nested": _nested_pattern(text, _DEPTH),
        }
        self._groups = 0
        self._ends: list[tuple[str, int, _Path]] = []

    def pattern(self, node: _Tree, path: _Path) -> str:
        """The pattern of what may follow."""
        ends = self._ends_without_groups(node)
        if ends and len({event_type for _, event_type in ends}) == 1:
            return _either([pattern for pattern, _ in ends]) + self._end(ends[0][1], path)
        if len(node) > 1:
            path = path._replace(mark=None)
        branches = []
        for piece, child in node.items():
            if isinstance(child, str):
                branches.append(self.pattern({piece: child}, path))
            else:
                branches.append(self._branch(piece, child, path))
        return _either(branches)

    def _end(self, event_type: str, path: _Path) -> str:
        mark = path.mark
        if mark is None:
            self._groups += 1
            mark = self._groups
        self._ends.append((event_type, mark, path))
        return r"\}" if path.mark else r"(\})"

    def _branch(self, piece: Piece, child: _Tree, path: _Path) -> str:
        if piece.member:
            self._groups += 1
            path = path._replace(groups={**path.groups, piece.member: self._groups})
            if piece.kind != "verb":  # whose group is empty for NEW
                path = path._replace(mark=self._groups)
        if piece.kind.startswith(_SHIFTED):
            path = path._replace(offset=piece.kind.removeprefix(_SHIFTED).encode())
        return self._one(piece) + self.pattern(child, path)

    def _ends_without_groups(self, node: _Tree) -> list[tuple[str, str]]:
        """Every way to the end, less its bracket, with the type; none when there are groups."""
        ends = []
        for piece, child in node.items():
            if isinstance(child, str):
                ends.append((self._one(piece).removesuffix(r"\}"), child))
                continue
            behind = [] if piece.member else self._ends_without_groups(child)
            if not behind:
                return []
            ends += [(self._one(piece) + pattern, event_type) for pattern, event_type in behind]
        return ends

    def _one(self, piece: Piece) -> str:
        if piece.kind == "literal":
            return re.escape(piece.text)
        return self._values.get(piece.kind, piece.text)

    def leaves(self) -> list[_Leaf]:
        """Where matches of the pattern that was written have what."""
        return [
            _Leaf(
                event_type,
                mark - 1,
                tuple([path.groups.get(member, 0) - 1 for member in COLUMNS[event_type]]),
                path.offset,
            )
            for event_type, mark, path in self._ends
        ]


def _either(patterns: list[str]) -> str:
    return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"


def _nested_pattern(text: str, depth: int) -> str:
    """Arrays and objects with at most `depth` brackets open at once."""
    value = f"(?:{text}|{NUMBER}|{_CONSTANT})"
    nested = ""
    for _ in range(depth):
        member = f"{text}{SPACE}:{SPACE}{value}"
        nested = f"(?:{_listed(r'[', value, r']')}|{_listed(r'{', member, '}')})"
        value = f"(?:{value}|{nested})"
    return nested


def _listed(opening: str, element: str, closing: str) -> str:
    more = f"(?:{SPACE},{SPACE}{element})*"
    return rf"\{opening}{SPACE}(?:{element}{more}{SPACE})?\{closing}"
