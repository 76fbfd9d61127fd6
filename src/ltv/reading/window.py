"""The part of a file's text that is being looked at, and the place of what comes next.

A `Window` hands out the text piece by piece, however the bytes come in: white space, a JSON value,
a line, or all events that a layout matches. Its text grows only as far as is needed.
"""

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from ltv.errors import DamagedFileError, EventError, NotAnEventLogError
from ltv.reading.decoding import (
    MAX_EVENT_BYTES,
    SPACE,
    byte_length,
    check_depth,
    check_scanned,
    not_json,
    raw_bytes,
    scan,
    too_long,
)
from ltv.reading.files import BrokenStreamError, StillWrittenError
from ltv.reading.framing import (
    MOST_LOOKED_AT,
    NotEventsError,
    framing_of_text,
    looks_like_csv,
)
from ltv.reading.general import general_matcher
from ltv.reading.layouts import Learner, Match
from ltv.reading.state import STILL_WRITTEN
from ltv.values import shown

_LINE_ENDS = ("", "\n")

#: How many characters of an event are looked at first: more than most events have.
FIRST_LOOK = 1024

#: How many characters of a text are looked at first to find its framing.
_FIRST_LOOK_AT_TEXT = 64 * 1024

#: How many characters are shown of what stands after an event where it may not.
_FOLLOWER_LENGTH = 12

#: How many bytes are matched at once, where all match and after something that did not.
_LONGEST_REACH = 128 * 1024
_SHORTEST_REACH = 8 * 1024
#: Layouts pay as long as, of so many events, not more than one is of none that is known.
_EVENTS_WORTH_UNIT = 16
_MOST_CREDIT = 256

#: How many events are taken alone for the learner, who learns nothing of bad ones.
_MOST_UNITS_WANTED = 256

_MOST_UNITS_TO_WAIT = 63
_MISSES_TO_FORGET = 4

_UTF_16 = re.compile(
    rb"""
      \xff\xfe | \xfe\xff | \x00\x00\xfe\xff  # byte-order marks
    | [^\x00]\x00[^\x00]\x00                 # ASCII characters, little-endian
    | \x00[^\x00]\x00[^\x00]                 # and big-endian
    """,
    re.VERBOSE | re.DOTALL,
)


class Position(NamedTuple):
    """Where in a file something is: bytes from 0 (uncompressed), lines from 1."""

    offset: int
    line: int


class Window:
    """The text of a file from where it has been read to, as far as it was looked at.

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
        line: int = 1,
    ) -> None:
        self.file = file
        self.line = line
        self.offset = begin
        self.first: Position | None = None  # where the first event begins
        self.is_event_log = False  # until an event is found
        self.looks_like_csv = False
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
        self._is_layout_over = False
        self._credit = 4 * _EVENTS_WORTH_UNIT  # of the layouts, in events
        self._misses = 0
        self._units_wanted = 0
        self._units_to_wait = 0
        self._last_wait = 0

    @property
    def place(self) -> "Position":
        """Where what comes next begins."""
        return Position(self.offset, self.line)

    def damage(self, problem: str, after: str = "") -> DamagedFileError:
        """Return that the file is damaged here, or `after` the text that stands here."""
        line = self.line + after.count("\n")
        problem = self._explained(problem)
        return DamagedFileError(self.file, line, self.offset + byte_length(after), problem)

    def damage_of(self, error: EventError) -> DamagedFileError:
        """Return that the file is damaged where the text that begins here has this error."""
        before = self._text[self._position : self._position + error.position]
        newlines = before.count("\n")
        place = self.line + newlines, self.offset + byte_length(before)
        if not self.is_event_log:
            problem = f" as far as it was read: {error.message}"
            return self.not_an_event_log(problem, Position(place[1], place[0]))
        lost = "and no event begins on the next line, so what is lost is unknown"
        problem = self._explained(f"{error.message}, {lost}")
        return DamagedFileError(self.file, *place, problem, self.line if newlines else 0)

    def not_an_event_log(
        self, problem: str, place: Position | None = None, command: str = ""
    ) -> NotAnEventLogError:
        """Return that the file is none, for a problem at a place, or since it looks like CSV."""
        if place and self.looks_like_csv:
            problem, place = (
                ": it looks like CSV, expected each event as a JSON object, or --csv",
                None,
            )
        if not command:
            problem = self._explained(problem)
        offset, line = place or (0, 0)
        return NotAnEventLogError(self.file, line, offset, problem, command)

    def _explained(self, problem: str) -> str:
        return f"{problem}; {STILL_WRITTEN}" if self._is_still_written else problem

    def is_still_to_come(self, error: EventError) -> bool:
        """Return whether what begins here is only bad because the file is still written."""
        after = self._text[self._position + error.position :]
        return self._is_still_written and self._is_all and not after.strip(SPACE)

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
                    raise self.damage(str(error), after="".join(pieces)) from None
                self._is_all = not self._ahead
            begin = self._ahead_position
            many = max(wanted - length, FIRST_LOOK) if self._learner else len(self._ahead)
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

    def take_matches(
        self, separator: str | None, *, is_of_lines: bool = False, is_begun: bool = False
    ) -> Match | None:
        """Take the events that come next, many at once; None where that is not to be had.

        As long as that pays, events of layouts that the learner knows, else those of any layout.
        With `is_of_lines`, an event has no line break in it, and of a line that `is_begun` the rest
        is not taken for a line. Where nothing is to be had, events are left to be taken one by one,
        ever more of them.
        """
        learner = self._learner
        if learner is None or not self.is_event_log:
            return None
        if self._units_to_wait:
            self._units_to_wait -= 1
            return None
        match = None
        if not self._is_layout_over:
            match = self._match_layouts(learner, separator, is_of_lines)
        if match is None:
            self._is_layout_over = False
            self._units_wanted += learner.wants_unit
            is_wanted = learner.wants_unit and self._units_wanted <= _MOST_UNITS_WANTED
            if is_begun or is_wanted or self._credit >= _EVENTS_WORTH_UNIT:
                self._credit = max(self._credit - _EVENTS_WORTH_UNIT, 0)
                return None
            match = self._match_generally(learner, is_of_lines)
        if match is None:
            self._last_wait = min(2 * self._last_wait + 1, _MOST_UNITS_TO_WAIT)
            self._units_to_wait = self._last_wait
            return None
        self._last_wait = 0
        match = match._replace(offset=self.offset, line=self.line, is_of_lines=is_of_lines)
        self._ahead_position += match.length
        self.offset += match.length
        self.line += match.newlines
        return match

    def _text_ahead(self, reach: int) -> bytes:
        """Return what comes next, at most `reach` bytes, and not what is of the next part."""
        self._look_ahead(reach)
        if self._end is not None:
            reach = min(reach, self._end - self.offset)
        return self._ahead[self._ahead_position : self._ahead_position + reach]

    def _match_layouts(
        self, learner: Learner, separator: str | None, is_of_lines: bool
    ) -> Match | None:
        matcher = learner.matcher(separator)
        if matcher is None:
            return None
        text = self._text_ahead(self._reach)
        match = matcher.match(text)
        self._is_layout_over = len(text) - match.length > self._reach // 2
        grown = min(2 * self._reach, _LONGEST_REACH)
        self._reach = _SHORTEST_REACH if self._is_layout_over else grown
        self._credit = min(self._credit + match.events, _MOST_CREDIT)
        self._misses = 0 if match.events else self._misses + 1
        if self._misses == _MISSES_TO_FORGET:
            self._misses = 0
            learner.separator = None  # perhaps not what is common here
        breaks = match.events * matcher.separator.count("\n")
        if not match.events or (is_of_lines and match.newlines != breaks):
            return None
        return match._replace(text=text)

    def _match_generally(self, learner: Learner, is_of_lines: bool) -> Match | None:
        text = self._text_ahead(_LONGEST_REACH)
        if is_of_lines:
            text = text[: text.rfind(b"\n") + 1]
        matcher = general_matcher(learner.currency, learner.timezone)
        match = matcher.match(text, is_of_lines=is_of_lines)
        if not match.length:
            return None
        many = learner.samples_wanted()
        for sample in matcher.samples(match, text, many, is_of_lines=is_of_lines):
            learner.learn(sample)
        return match._replace(text=text)

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

    def framing(self) -> str:
        """Return how the text, which begins here, frames its events.

        Raises DamagedFileError for another encoding, NotAnEventLogError for another kind of file.
        """
        wanted = _FIRST_LOOK_AT_TEXT
        found = None
        while found is None:
            self._fill(wanted)
            if _UTF_16.match(raw_bytes(self._text[:4])):
                raise self.damage("expected UTF-8, got UTF-16 or UTF-32")
            self.looks_like_csv = looks_like_csv(self._text)
            try:
                found = framing_of_text(raw_bytes(self._text), is_all=self._is_all)
            except NotEventsError as error:
                raise self.not_an_event_log(f": {error.problem}", command=error.command) from None
            wanted = min(2 * wanted, MOST_LOOKED_AT)
        return found

    def peek(self) -> str:
        """The next character, empty at the end."""
        if self._position == len(self._text):
            self._fill(1)
        return self._text[self._position : self._position + 1]

    def advance(self, length: int) -> str:
        """Take `length` characters that are there."""
        return self._passed(self._text[self._position : self._position + length])

    def _passed(self, text: str) -> str:
        """Pass over the text that stands here."""
        self._position += len(text)
        self.line += text.count("\n")
        self.offset += byte_length(text)
        return text

    def skip(self, pattern: re.Pattern[str]) -> str:
        """Pass over all that `pattern` matches (anything, if only empty); the begin of it."""
        begin = ""
        while self.peek():
            match = pattern.match(self._text, self._position)
            assert match, "the patterns match the empty text"
            skipped = self.advance(match.end() - match.start())
            begin += skipped[: FIRST_LOOK - len(begin)]
            if self._left():
                break
        return begin

    def take_value(
        self, followers: tuple[str, ...], *, is_of_line: bool = False
    ) -> tuple[object, str]:
        """Take the JSON value that begins here, and its text; one of `followers` comes after it.

        With `is_of_line`, it must end on its line. Raises EventError, and takes nothing, when there
        is none. What is looked at grows with the event: an error of the decoder costs as much as
        the text that it is shown.
        """
        length = FIRST_LOOK
        while True:
            if self._left() <= length:
                self._fill(length + 1)
            begin, most = self._position, self._position + length
            line_end = self._text.find("\n", begin, most) if is_of_line else -1
            text = self._text[begin : most if line_end < 0 else line_end]
            is_all = line_end >= 0 or (self._is_all and len(text) == self._left())
            found = scan(text, is_all=is_all)
            if found and (found[1] < len(text) or is_all):
                break
            check_depth(text)
            if len(text) > MAX_EVENT_BYTES:
                raise too_long()
            length = min(2 * length, MAX_EVENT_BYTES + 1)
        value, end = found
        following, text = text[end : end + _FOLLOWER_LENGTH], text[:end]
        check_scanned(text)
        if following[:1] not in followers:
            got = shown(following.partition("\n")[0])
            raise not_json(f"expected a comma, white space or {{ after the event, got {got}", end)
        return value, self._passed(text)

    def take_line(self) -> str:
        """Take the text from here to the end of the line, without white space at its end.

        Of a text longer than an event can be, what is too long already.
        """
        while (end := self._text.find("\n", self._position)) < 0 and not self._is_all:
            if self._left() > MAX_EVENT_BYTES:
                return self._take_long_line()
            self._grow()
        if end < 0:
            end = len(self._text)
        return self.advance(len(self._text[self._position : end].rstrip(SPACE)))

    def _take_long_line(self) -> str:
        """The same where the end of the line is far away: what is over an event is not held."""
        held = self.advance(MAX_EVENT_BYTES + 1)
        is_blank_after = True
        while self.peek() not in _LINE_ENDS:
            piece = self._text[self._position :].partition("\n")[0]
            is_blank_after = is_blank_after and not piece.strip(SPACE)
            self.advance(len(piece))
        return held.rstrip(SPACE) if is_blank_after else held
