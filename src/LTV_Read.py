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
    check_depth,
    check_scanned,
    decode,
    may_hold_constants,
    not_json,
    raw_bytes,
    scan,
    too_long,
)

__all__ = ["Unit", "read_units"]

#: How many units may pass without a sign that this is an event log at all.
UNITS_TO_TELL_A_LOG = 100

PREVIEW_LENGTH = 1000

#: Bytes that are not UTF-8 are a character each here and up to three for one in the preview.
_KEPT_LENGTH = 4 * PREVIEW_LENGTH

_BLANK = re.compile(r"[ \t\n\r]*+")
_SEPARATORS = re.compile(r"[ \t\n\r,]*+")
_FILLED_LINE = re.compile(r"[^ \t\n\r][^\n]*+")

#: What may stand behind an event, the end of its file included.
_FOLLOWERS = ("", ",", "{", *WHITE_SPACE)
_FOLLOWERS_IN_ARRAY = (*_FOLLOWERS, "]")

#: What a line begins with behind text that is no JSON, if nothing but that text is lost.
_BEGINS_IN_ARRAY = ("{", "]")
_BEGINS = ("", *_BEGINS_IN_ARRAY)

_LINE_ENDS = ("", "\n")

#: How many characters of an event are looked at first: more than most events have.
_FIRST_LOOK = 1024

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

    `line` counts from 1, `offset` in bytes of the uncompressed text from 0. `text` is the begin of
    the event's, as much as `preview` needs; bytes that are not UTF-8 are lone surrogates.
    Either `value` is what the event decodes to, or `error` says why it does not.
    """

    line: int
    offset: int
    text: str
    value: object
    error: EventError | None

    @property
    def preview(self) -> str:
        """The first 1,000 characters of the text, undecodable bytes as U+FFFD."""
        return raw_bytes(self.text).decode("utf-8", "replace")[:PREVIEW_LENGTH]


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
        count += 1
        window.is_event_log = isinstance(unit.value, dict) and "type" in unit.value
        yield unit
        if window.is_event_log:
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
        window.skip(_SEPARATORS)
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
        value, error = decode(text), None
    except EventError as why:
        value, error = None, why
    return Unit(line, offset, text[:_KEPT_LENGTH], value, error)


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
    except EventError as error:
        return _rest_of_line_as_unit(window, error, in_array=in_array)
    if may_hold_constants(text):
        try:
            decode(text)
        except EventError as error:
            return Unit(line, offset, text[:_KEPT_LENGTH], None, error)
    return Unit(line, offset, text[:_KEPT_LENGTH], value, None)


def _rest_of_line_as_unit(window: "_Window", error: EventError, *, in_array: bool) -> Unit:
    """What `error` says is no event, to the end of its line.

    Damage, where the error was found, unless an event can begin behind it.
    """
    line, offset = window.line, window.offset
    damage = window.damage_of(error)
    text = window.take_line()
    window.skip(_BLANK)
    if window.peek() not in (_BEGINS_IN_ARRAY if in_array else _BEGINS):
        raise damage
    return Unit(line, offset, text[:_KEPT_LENGTH], None, _why_refused(text, error))


def _why_refused(text: str, error: EventError) -> EventError:
    """What is wrong with the line alone, of which `error` may speak more precisely."""
    try:
        decode(text)
    except EventError as error_of_line:
        if error_of_line.reason != error.reason or error.position > len(text):
            return error_of_line
    return error


class _Window:
    """The part of a file's text that is being looked at, and the place of what comes next.

    Bytes that are not UTF-8 stand in the text as lone surrogates, so that its length in bytes is
    known. `text[position:]` is still to be read, and more unless `is_all`.
    """

    def __init__(self, file: str, chunks: Iterator[bytes]) -> None:
        self.file = file
        self.line = 1
        self.offset = 0
        self.is_event_log = False  # until an event is found
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._position = 0
        self._is_all = False

    def damage(self, cause: str, behind: str = "") -> DamagedFileError:
        """The file is damaged at the present place, or `behind` the text that stands there."""
        line = self.line + behind.count("\n")
        return DamagedFileError(self.file, line, self.offset + byte_length(behind), cause)

    def damage_of(self, error: EventError) -> DamagedFileError:
        """The file is damaged where the text that begins here has this error."""
        before = self._text[self._position : self._position + error.position]
        cause = error.message
        if "\n" in before:
            cause = f"in the event that begins on line {self.line:,}: {cause}"
        if self.is_event_log:
            cause += ", and no event begins on the next line, so what is lost is unknown"
        else:
            cause = f"no event log as far as it was read: {cause}"
        return self.damage(cause, before)

    def _left(self) -> int:
        return len(self._text) - self._position

    def _fill(self, wanted: int) -> None:
        """Have at least `wanted` characters to read, or all there are."""
        pieces = [self._text[self._position :]]
        length = len(pieces[0])
        while length < wanted and not self._is_all:
            try:
                chunk = next(self._chunks, b"")
            except BrokenStreamError as error:
                raise self.damage(str(error), behind="".join(pieces)) from None
            self._is_all = not chunk
            pieces.append(self._decoder.decode(chunk, final=self._is_all))
            length += len(pieces[-1])
        self._text = "".join(pieces)
        self._position = 0

    def _grow(self) -> None:
        """Have about twice as much to read: looking again at what grows so costs at most twice.

        What can be no event any more grows in smaller steps.
        """
        left = self._left()
        if left > MAX_EVENT_BYTES:
            self._fill(left + MAX_EVENT_BYTES // 4)
        else:
            self._fill(max(1, min(2 * left, MAX_EVENT_BYTES + 1)))

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

        Fewer at the end, or when they are not within twice the length of the longest event; none
        when the first is longer than that event.
        """
        while True:
            found = islice(_FILLED_LINE.finditer(self._text, self._position), count)
            whole = [match for match in found if match.end() < len(self._text) or self._is_all]
            most = 2 * MAX_EVENT_BYTES if whole else MAX_EVENT_BYTES
            if len(whole) == count or self._is_all or self._left() > most:
                return [match[0].rstrip(WHITE_SPACE) for match in whole]
            self._grow()

    def take_value(self, followers: tuple[str, ...]) -> tuple[object, str]:
        """The JSON value that begins here, and its text; it is followed by one of `followers`.

        Raises EventError, and takes nothing, when there is none. What is looked at grows with the
        event: an error of the decoder costs as much as the text that it is shown.
        """
        length = _FIRST_LOOK
        while True:
            if self._left() <= length:
                self._fill(length + 1)
            text = self._text[self._position : self._position + length]
            is_all = self._is_all and len(text) == self._left()
            found = scan(text, is_all=is_all)
            if found and (found[1] < len(text) or is_all):
                break
            check_depth(text)
            if len(text) > MAX_EVENT_BYTES:
                raise too_long()
            length = min(2 * length, MAX_EVENT_BYTES + 1)
        value, end = found
        follower, text = text[end : end + 1], text[:end]
        check_scanned(text)
        if follower not in followers:
            raise not_json("expected a comma, white space or { behind the event", end)
        self.advance(end)
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
        held = self.advance(MAX_EVENT_BYTES + 1)
        is_blank_behind = True
        while self.peek() not in _LINE_ENDS:
            piece = self._text[self._position :].partition("\n")[0]
            is_blank_behind = is_blank_behind and not piece.strip(WHITE_SPACE)
            self.advance(len(piece))
        return held.rstrip(WHITE_SPACE) if is_blank_behind else held
