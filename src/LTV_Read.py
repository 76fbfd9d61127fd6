"""Files to events with their place: framing found from the content, and damage (SPEC, section 6).

| framing | found by | a unit is |
|---|---|---|
| array | the first character is `[` | a JSON value between the brackets |
| JSON Lines | one of the first two lines is one whole JSON object | a line |
| run | otherwise | a JSON value after another |

Text that is not JSON costs, in an array or a run, what stands from its begin to the end of the line
there, provided that reading can be taken up again for certain: at a line that begins with `{` or
`]`, or at the end of a run. Everywhere else the file is damaged.
"""

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from LTV_Errors import DamagedFileError, EventError
from LTV_Input import BrokenStreamError, open_file, read_chunks
from LTV_Json import (
    MAX_EVENT_BYTES,
    WHITE_SPACE,
    byte_length,
    check_scanned,
    decode,
    may_hold_constants,
    raw_bytes,
    scan,
    too_long,
)

__all__ = ["Unit", "read_units"]

#: How many units may pass without a sign that this is an event log at all.
UNITS_TO_TELL_A_LOG = 100

PREVIEW_LENGTH = 1000

_BLANK = re.compile(r"[ \t\n\r]*+")
_SEPARATORS = re.compile(r"[ \t\n\r,]*+")
_FILLED_LINE = re.compile(r"[^ \t\n\r][^\n]*+")

#: What may stand behind an event, the end of its file included.
_FOLLOWERS = ("", ",", "{", *WHITE_SPACE)
_FOLLOWERS_IN_ARRAY = (*_FOLLOWERS, "]")

#: What a line begins with behind text that is no JSON, if nothing but that text is lost.
_BEGINS_AFTER_BAD_TEXT = ("", "{", "]")

_LINE_ENDS = ("", "\n")

_BYTE_ORDER_MARK = "\ufeff"

_UTF_16 = re.compile(
    rb"""
      \xff\xfe | \xfe\xff | \x00\x00\xfe\xff  # byte-order marks
    | [^\x00]\x00[^\x00]\x00                 # ASCII characters, little-endian
    | \x00[^\x00]\x00[^\x00]                 # and big-endian
    """,
    re.VERBOSE | re.DOTALL,
)


class Unit(NamedTuple):
    """One event as it stands in a file, good or bad.

    `line` counts from 1, `offset` in bytes of the uncompressed text from 0. `text` holds bytes that
    are not UTF-8 as lone surrogates. Either `value` is what it decodes to, or `error` says why it
    does not.
    """

    line: int
    offset: int
    text: str
    value: object
    error: EventError | None

    @property
    def preview(self) -> str:
        """The first 1,000 characters of the text, undecodable bytes as U+FFFD."""
        return raw_bytes(self.text[: 4 * PREVIEW_LENGTH]).decode("utf-8", "replace")[
            :PREVIEW_LENGTH
        ]


def read_units(file: str) -> Iterator[Unit]:
    """Every event of `file` (`-` for standard input), in order.

    Raises FileError when it cannot be opened, DamagedFileError when it is damaged.
    """
    with open_file(file) as stream:
        window = _Window(file, read_chunks(stream))
        window.skip_byte_order_mark()
        yield from _checked_for_events(_frame(window), window)


def _checked_for_events(units: Iterator[Unit], window: "_Window") -> Iterator[Unit]:
    """The same units; damage unless a JSON object with a `type` is among the first of them."""
    count = 0
    for unit in islice(units, UNITS_TO_TELL_A_LOG):
        yield unit
        count += 1
        if isinstance(unit.value, dict) and "type" in unit.value:
            yield from units
            return
    if count:
        counted = f"the first {count}" if count > 1 else "the one"
        raise window.damage(f'not an event log: no JSON object with a "type" in {counted} read')


def _frame(window: "_Window") -> Iterator[Unit]:
    window.skip(_BLANK)
    if window.peek() == "[":
        window.advance(1)
        yield from _values(window, in_array=True)
        return
    lines = window.lines_ahead(2)
    if window.peek() and not lines:  # a first line too long to be looked at whole
        unit = _next_value(window, in_array=False)
        yield unit
        lines = window.lines_ahead(1) if unit.error else []
    if any(map(_is_whole_object, lines)):
        yield from _lines(window)
    else:
        yield from _values(window, in_array=False)


def _is_whole_object(line: str) -> bool:
    try:
        return isinstance(decode(line), dict)
    except EventError:
        return False


def _lines(window: "_Window") -> Iterator[Unit]:
    """The events of JSON Lines."""
    while True:
        window.skip(_BLANK)
        if not window.peek():
            return
        yield _line_as_unit(window)


def _line_as_unit(window: "_Window") -> Unit:
    line, offset = window.line, window.offset
    text = window.take_line()
    try:
        return Unit(line, offset, text, decode(text), None)
    except EventError as error:
        return Unit(line, offset, text, None, error)


def _values(window: "_Window", *, in_array: bool) -> Iterator[Unit]:
    """The events of an array behind its `[`, or of a run of objects."""
    while True:
        window.skip(_SEPARATORS)
        first = window.peek()
        if in_array and first == "]":
            _check_nothing_follows(window)
            return
        if not first:
            if in_array:
                raise window.damage("the array is cut off, its closing ] is missing")
            return
        yield _next_value(window, in_array=in_array)


def _check_nothing_follows(window: "_Window") -> None:
    window.advance(1)
    window.skip(_BLANK)
    if window.peek():
        raise window.damage("expected nothing behind the closing ] of the array")


def _next_value(window: "_Window", *, in_array: bool) -> Unit:
    line, offset = window.line, window.offset
    try:
        value, text = window.take_value(_FOLLOWERS_IN_ARRAY if in_array else _FOLLOWERS)
    except ValueError:
        return _rest_of_line_as_unit(window)
    if may_hold_constants(text):
        try:
            decode(text)
        except EventError as error:
            return Unit(line, offset, text, None, error)
    return Unit(line, offset, text, value, None)


def _rest_of_line_as_unit(window: "_Window") -> Unit:
    """What is no JSON value, to the end of its line; damage unless an event can begin behind it."""
    place = window.line, window.offset
    text = window.take_line()
    error = _why_refused(text)
    window.skip(_BLANK)
    if window.peek() not in _BEGINS_AFTER_BAD_TEXT:
        cause = f"{error.message}, and no event on the next line: what is lost is unknown"
        raise DamagedFileError(window.file, *place, cause)
    return Unit(*place, text, None, error)


def _why_refused(text: str) -> EventError:
    try:
        decode(text.rstrip(WHITE_SPACE + ","))
    except EventError as error:
        return error
    return EventError("not-json", None, "expected a comma, white space or { behind the event")


class _Window:
    """The part of a file's text that is being looked at, and the place of what comes next.

    Bytes that are not UTF-8 stand in the text as lone surrogates, so that its length in bytes is
    known. `text[position:]` is still to be read, and more unless `is_all`.
    """

    def __init__(self, file: str, chunks: Iterator[bytes]) -> None:
        self.file = file
        self.line = 1
        self.offset = 0
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._position = 0
        self._is_all = False

    def damage(self, cause: str) -> DamagedFileError:
        """The file is damaged at the present place."""
        return DamagedFileError(self.file, self.line, self.offset, cause)

    def _left(self) -> int:
        return len(self._text) - self._position

    def _fill(self, wanted: int) -> None:
        """Have at least `wanted` characters to read, or all there are."""
        pieces = [self._text[self._position :]]
        length = len(pieces[0])
        while length < wanted and not self._is_all:
            pieces.append(self._next_piece())
            length += len(pieces[-1])
        self._text = "".join(pieces)
        self._position = 0

    def _next_piece(self) -> str:
        try:
            chunk = next(self._chunks, b"")
        except BrokenStreamError as error:
            raise self.damage(str(error)) from None
        self._is_all = not chunk
        return self._decoder.decode(chunk, final=self._is_all)

    def _grow(self) -> None:
        """Have twice as much to read: so looking again at what grows costs no more than twice."""
        self._fill(max(1, 2 * self._left()))

    def skip_byte_order_mark(self) -> None:
        """Pass over a byte-order mark of UTF-8; any other encoding is damage."""
        self._fill(4)
        if _UTF_16.match(raw_bytes(self._text[:4])):
            raise self.damage("expected UTF-8, got UTF-16 or UTF-32")
        if self.peek() == _BYTE_ORDER_MARK:
            self.advance(1)

    def peek(self) -> str:
        """The next character, empty at the end."""
        if self._position == len(self._text):
            self._fill(1)
        return self._text[self._position : self._position + 1]

    def advance(self, length: int) -> str:
        """Take `length` characters that are there."""
        taken = self._text[self._position : self._position + length]
        self._position += length
        self.line += taken.count("\n")
        self.offset += byte_length(taken)
        return taken

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Pass over all that `pattern` matches; it matches anything, if only empty."""
        while self.peek():
            match = pattern.match(self._text, self._position)
            assert match, "the patterns match the empty text"
            self.advance(match.end() - match.start())
            if self._left():
                return

    def lines_ahead(self, count: int) -> list[str]:
        """The next `count` lines that are not blank, without taking them.

        Fewer at the end, or when that is more text than two events can be.
        """
        while True:
            found = islice(_FILLED_LINE.finditer(self._text, self._position), count)
            whole = [match for match in found if match.end() < len(self._text) or self._is_all]
            if len(whole) == count or self._is_all or self._left() > 2 * MAX_EVENT_BYTES:
                return [match[0].rstrip(WHITE_SPACE) for match in whole]
            self._grow()

    def take_value(self, followers: tuple[str, ...]) -> tuple[object, str]:
        """The JSON value that begins here, and its text; it is followed by one of `followers`.

        Raises ValueError, and takes nothing, when there is none.
        """
        while True:
            found = scan(self._text, self._position, is_all=self._is_all)
            if found and (found[1] < len(self._text) or self._is_all):
                break
            if self._left() > MAX_EVENT_BYTES:
                raise too_long()
            self._grow()
        value, end = found
        text = self._text[self._position : end]
        check_scanned(text)
        if self._text[end : end + 1] not in followers:
            raise ValueError(text)
        self.advance(len(text))
        return value, text

    def take_line(self) -> str:
        """The text from here to the end of the line, without white space at its end.

        Of a text longer than an event can be, what is too long already.
        """
        while (end := self._text.find("\n", self._position)) < 0 and not self._is_all:
            if self._left() > MAX_EVENT_BYTES:
                return self._take_long_line()
            self._grow()
        if end < 0:
            end = len(self._text)
        return self.advance(end - self._position).rstrip(WHITE_SPACE)

    def _take_long_line(self) -> str:
        """The same where the end of the line is far away: what is over an event is not held."""
        held = self.advance(self._left())
        is_blank_behind = True
        while self.peek() not in _LINE_ENDS:
            piece = self._text[self._position :].partition("\n")[0]
            is_blank_behind = is_blank_behind and not piece.strip(WHITE_SPACE)
            self.advance(len(piece))
        text = held.rstrip(WHITE_SPACE) if is_blank_behind else held
        return text[: MAX_EVENT_BYTES + 1]
