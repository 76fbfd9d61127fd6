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

from ltv.errors import DamagedFileError, EventError
from ltv.reading.decoding import (
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
from ltv.reading.files import (
    BrokenStreamError,
    CountBytes,
    StillWrittenError,
    reading,
)
from ltv.reading.layouts import Learner, Match
from ltv.reading.state import STILL_WRITTEN

ARRAY, LINES, RUN = "array", "lines", "run"

#: How many units may pass without a sign that this is an event log at all.
UNITS_TO_TELL_A_LOG = 100

PREVIEW_LENGTH = 1000

#: Bytes that are not UTF-8 are a character each here and up to three for one in the preview.
_KEPT_LENGTH = 4 * PREVIEW_LENGTH

_BLANK = re.compile(r"[ \t\n\r]*+")
_SEPARATORS = re.compile(r"[ \t\n\r,]*+")
_LINE_END = re.compile(r"\r?\n")
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

#: How many bytes are matched at once, where all match and behind something that did not.
_LONGEST_REACH = 128 * 1024
_SHORTEST_REACH = 8 * 1024

_MOST_UNITS_TO_WAIT = 64
_MISSES_TO_FORGET = 4
_EVENTS_WORTH_IT = 3

_BYTE_ORDER_MARK = "\ufeff"

_UTF_16 = re.compile(
    rb"""
      \xff\xfe | \xfe\xff | \x00\x00\xfe\xff  # byte-order marks
    | [^\x00]\x00[^\x00]\x00                 # ASCII characters, little-endian
    | \x00[^\x00]\x00[^\x00]                 # and big-endian
    """,
    re.VERBOSE | re.DOTALL,
)


class Place(NamedTuple):
    """Where in a file something is: bytes from 0 (uncompressed), lines from 1."""

    offset: int
    line: int


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


def read_units(file: str, count: CountBytes | None = None) -> Iterator[Unit]:
    """Every event of `file` (`-` for standard input), in order.

    Raises FileError when it cannot be opened or changes meanwhile, DamagedFileError when it is
    damaged.
    """
    with reading(file) as opened:
        for unit in PartReader(file, opened.text(count)):
            assert isinstance(unit, Unit), "there are no matches without a learner"
            yield unit


def framing_of(file: str, chunks: Iterator[bytes]) -> str | None:
    """How `chunks`, the begin of `file`, frame their events; None where that takes a closer look.

    Raises DamagedFileError as reading it does.
    """
    window = _Window(file, chunks)
    window.skip_byte_order_mark()
    return _framing(window)


def _framing(window: "_Window") -> str | None:
    window.skip(_BLANK)
    if window.peek() == "[":
        return ARRAY
    lines = window.lines_ahead(2)
    if window.peek() and not lines:  # a first line too long to be looked at whole
        return None
    return LINES if any(map(_is_whole_object, lines)) else RUN


class PartReader:
    """The events of a file, or of a part of it, in order: to be iterated over once.

    With a `learner`, events of the layouts that it knows come as a Match, many at once; all others
    as a Unit. A part begins with an event at the byte `begin`, in a known `framing`; it ends in
    front of the first event at `end` or behind. `first` and `last` tell where its first event was
    found, and where the one behind it begins or the file ends, each as offset and line.

    Iterating raises DamagedFileError, with a line that counts from the begin of the part.
    """

    def __init__(
        self,
        file: str,
        chunks: Iterator[bytes],
        learner: Learner | None = None,
        *,
        framing: str | None = None,
        begin: int = 0,
        end: int | None = None,
    ) -> None:
        self._window = _Window(file, chunks, learner, begin, end)
        self._framing = framing

    @property
    def first(self) -> Place:
        return self._window.first or self._window.place

    @property
    def last(self) -> Place:
        return self._window.place

    @property
    def is_event_log(self) -> bool:
        """Whether an event was found."""
        return self._window.is_event_log

    def __iter__(self) -> Iterator[Unit | Match]:
        window = self._window
        if self._framing is None:
            window.skip_byte_order_mark()
            return _checked_for_events(_frame(window), window)
        window.is_event_log = True
        if self._framing == LINES:
            return _lines(window)
        return _values(window, in_array=self._framing == ARRAY)


def _checked_for_events(units: Iterator[Unit | Match], window: "_Window") -> Iterator[Unit | Match]:
    """The same units; damage unless a JSON object with a `type` is among the first of them."""
    count = 0
    for unit in islice(units, UNITS_TO_TELL_A_LOG):
        count += 1
        window.is_event_log = isinstance(unit, Match) or (
            isinstance(unit.value, dict) and "type" in unit.value
        )
        yield unit
        if window.is_event_log:
            yield from units
            return
    if count and not window.is_cut_short:
        counted = f"the first {count}" if count > 1 else "the one"
        raise window.damage(f'not an event log: no JSON object with a "type" in {counted} read')


def _frame(window: "_Window") -> Iterator[Unit | Match]:
    framing = _framing(window)
    if framing == ARRAY:
        window.advance(1)
    elif framing is None:
        window.skip(_SEPARATORS)
        unit = _next_value(window, in_array=False)
        if unit is None:
            return
        yield unit
        lines = window.lines_ahead(1) if unit.error else []
        framing = LINES if any(map(_is_whole_object, lines)) else RUN
    yield from _lines(window) if framing == LINES else _values(window, in_array=framing == ARRAY)


def _is_whole_object(line: str) -> bool:
    try:
        return isinstance(decode(line), dict)
    except EventError:
        return False


def _lines(window: "_Window") -> Iterator[Unit | Match]:
    """The events of JSON Lines."""
    window.skip(_BLANK)
    separator = None
    while not window.is_at_end():
        yield window.take_matches(separator, is_of_lines=True) or _line_as_unit(window)
        line_end = _LINE_END.match(window.skip(_BLANK))
        separator = line_end[0] if line_end else None


def _line_as_unit(window: "_Window") -> Unit:
    line, offset = window.line, window.offset
    text = window.take_line()
    try:
        value, error = decode(text), None
    except EventError as why:
        value, error = None, why.bare()
    return Unit(line, offset, text[:_KEPT_LENGTH], value, error)


def _values(window: "_Window", *, in_array: bool) -> Iterator[Unit | Match]:
    """The events of an array behind its `[`, or of a run of objects."""
    window.skip(_SEPARATORS)
    separator = None  # of which kind is known only between two events
    while not window.is_at_end():
        if in_array and window.peek() == "]":
            _check_nothing_follows(window)
            return
        unit = window.take_matches(separator) or _next_value(window, in_array=in_array)
        if unit is None:
            return
        yield unit
        separator = window.skip(_SEPARATORS)
    if in_array and not window.is_cut_short:
        raise window.damage("the array is cut off, its closing ] is missing")


def _check_nothing_follows(window: "_Window") -> None:
    window.advance(1)
    window.skip(_BLANK)
    if window.peek():
        raise window.damage("expected nothing behind the closing ] of the array")


def _next_value(window: "_Window", *, in_array: bool) -> Unit | None:
    """The value that comes next; None for one of a run that is not written to its end yet."""
    line, offset = window.line, window.offset
    try:
        value, text = window.take_value(_FOLLOWERS_IN_ARRAY if in_array else _FOLLOWERS)
    except EventError as error:
        if not in_array and window.is_still_to_come(error):
            return None
        return _rest_of_line_as_unit(window, error, in_array=in_array)
    if may_hold_constants(text):
        try:
            decode(text)
        except EventError as error:
            return Unit(line, offset, text[:_KEPT_LENGTH], None, error.bare())
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
    return Unit(line, offset, text[:_KEPT_LENGTH], None, _why_refused(text, error).bare())


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
    known. `text[position:]` is still to be read, then `ahead[ahead_position:]`, which is not
    decoded, and then more unless `is_all`.
    """

    def __init__(
        self,
        file: str,
        chunks: Iterator[bytes],
        learner: Learner | None = None,
        begin: int = 0,
        end: int | None = None,
    ) -> None:
        self.file = file
        self.line = 1
        self.offset = begin
        self.first: Place | None = None  # where the first event begins
        self.is_event_log = False  # until an event is found
        self._is_still_written = False
        self._end = end
        self._learner = learner
        self._chunks = chunks
        self._broken: BrokenStreamError | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._position = 0
        self._ahead = b""
        self._ahead_position = 0
        self._is_all = False
        self._reach = _LONGEST_REACH
        self._misses = 0
        self._units_to_wait = 0

    @property
    def place(self) -> "Place":
        """Where what comes next begins."""
        return Place(self.offset, self.line)

    def damage(self, problem: str, behind: str = "") -> DamagedFileError:
        """The file is damaged at the present place, or `behind` the text that stands there."""
        line = self.line + behind.count("\n")
        problem = self._explained(problem)
        return DamagedFileError(self.file, line, self.offset + byte_length(behind), problem)

    def damage_of(self, error: EventError) -> DamagedFileError:
        """The file is damaged where the text that begins here has this error."""
        before = self._text[self._position : self._position + error.position]
        newlines = before.count("\n")
        problem, lead = error.message, ""
        if self.is_event_log:
            problem += ", and no event begins on the next line, so what is lost is unknown"
        else:
            lead = "no event log as far as it was read: "
        return DamagedFileError(
            self.file,
            self.line + newlines,
            self.offset + byte_length(before),
            self._explained(problem),
            self.line if newlines else 0,
            lead,
        )

    def _explained(self, problem: str) -> str:
        return f"{problem}; {STILL_WRITTEN}" if self._is_still_written else problem

    def is_still_to_come(self, error: EventError) -> bool:
        """Whether all that is wrong with what begins here is that the file is still written."""
        behind = self._text[self._position + error.position :]
        return self._is_still_written and self._is_all and not behind.strip(WHITE_SPACE)

    def _left(self) -> int:
        return len(self._text) - self._position

    def _next_chunk(self) -> bytes:
        """More bytes, none at the end. Raises BrokenStreamError, and again when asked again."""
        if self._broken:
            raise self._broken
        try:
            return next(self._chunks, b"")
        except BrokenStreamError as error:
            self._broken = error
            raise

    def _fill(self, wanted: int) -> None:
        """Have at least `wanted` characters to read, or all there are."""
        pieces = [self._text[self._position :]]
        length = len(pieces[0])
        while length < wanted and not self._is_all:
            if self._ahead_position == len(self._ahead):
                try:
                    self._ahead, self._ahead_position = self._next_chunk(), 0
                except StillWrittenError:
                    self._ahead, self._ahead_position = b"", 0
                    self._is_still_written = True
                except BrokenStreamError as error:
                    raise self.damage(str(error), behind="".join(pieces)) from None
                self._is_all = not self._ahead
            begin = self._ahead_position
            many = max(wanted - length, _FIRST_LOOK) if self._learner else len(self._ahead)
            chunk = self._ahead[begin : begin + many]
            self._ahead_position += len(chunk)
            pieces.append(self._decoder.decode(chunk, final=self._is_all))
            length += len(pieces[-1])
        self._text = "".join(pieces)
        self._position = 0

    def _look_ahead(self, wanted: int) -> None:
        """Have all that is still to be read as bytes ahead, and at least `wanted` or all."""
        begun, _ = self._decoder.getstate()
        unread = raw_bytes(self._text[self._position :]) + begun
        self._text, self._position, self._is_all = "", 0, False
        self._decoder.reset()
        if len(unread) <= self._ahead_position:
            self._ahead_position -= len(unread)
        else:
            self._ahead = unread + self._ahead[self._ahead_position :]
            self._ahead_position = 0
        pieces = [self._ahead]
        length = len(self._ahead) - self._ahead_position
        while length < wanted and not self._broken:
            try:
                pieces.append(self._next_chunk())
            except BrokenStreamError:
                break  # told when what is there has been read
            if not pieces[-1]:
                break
            length += len(pieces[-1])
        if len(pieces) > 1:
            pieces[0] = self._ahead[self._ahead_position :]
            self._ahead, self._ahead_position = b"".join(pieces), 0

    def take_matches(self, separator: str | None, *, is_of_lines: bool = False) -> Match | None:
        """The events that come next, as many as are of layouts that the learner knows.

        None when the first is not; nothing is taken then. Other events are passed over in
        doubling numbers before it is tried again, and what is looked at grows from a little.
        """
        if self._learner is None:
            return None
        if self._units_to_wait:
            self._units_to_wait -= 1
            return None
        matcher = self._learner.matcher(separator)
        if matcher is None:
            return None
        self._look_ahead(self._reach)
        reach = self._reach if self._end is None else min(self._reach, self._end - self.offset)
        text = self._ahead[self._ahead_position : self._ahead_position + reach]
        match = matcher.match(text)
        if not match.events or (is_of_lines and match.newlines != match.events):
            self._reach = min(2 * self._reach, _LONGEST_REACH)
            self._wait_longer()
            return None
        is_stopped = len(text) - match.length > self._reach // 2
        self._reach = _SHORTEST_REACH if is_stopped else min(2 * self._reach, _LONGEST_REACH)
        if is_stopped and match.events < _EVENTS_WORTH_IT:
            self._wait_longer()
        else:
            self._misses = 0
            self._units_to_wait = int(is_stopped)
        match = match._replace(text=text, line=self.line)
        self._ahead_position += match.length
        self.offset += match.length
        self.line += match.newlines
        return match

    def _wait_longer(self) -> None:
        assert self._learner is not None, "there is something to wait for"
        self._misses += 1
        if self._misses % _MISSES_TO_FORGET == 0:
            self._learner.separator = None  # perhaps not what is common here
        self._units_to_wait = min(2**self._misses, _MOST_UNITS_TO_WAIT)

    def is_at_end(self) -> bool:
        """Whether no event begins here, but the next part or nothing."""
        if self.first is None:
            self.first = self.place
        return self.is_cut_short or not self.peek()

    @property
    def is_cut_short(self) -> bool:
        """Whether the next part begins here."""
        return self._end is not None and self.offset >= self._end

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

    def skip(self, pattern: re.Pattern[str]) -> str:
        """Pass over all that `pattern` matches (anything, if only empty); the begin of it."""
        begin = ""
        while self.peek():
            match = pattern.match(self._text, self._position)
            assert match, "the patterns match the empty text"
            skipped = self.advance(match.end() - match.start())
            begin += skipped[: _FIRST_LOOK - len(begin)]
            if self._left():
                break
        return begin

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
        return self.advance(len(self._text[self._position : end].rstrip(WHITE_SPACE)))

    def _take_long_line(self) -> str:
        """The same where the end of the line is far away: what is over an event is not held."""
        held = self.advance(MAX_EVENT_BYTES + 1)
        is_blank_behind = True
        while self.peek() not in _LINE_ENDS:
            piece = self._text[self._position :].partition("\n")[0]
            is_blank_behind = is_blank_behind and not piece.strip(WHITE_SPACE)
            self.advance(len(piece))
        return held.rstrip(WHITE_SPACE) if is_blank_behind else held
