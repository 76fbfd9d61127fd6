"""Files to events with their place, and damage (SPEC, section 6).

| framing | a unit is |
|---|---|
| array | a JSON value between the brackets |
| JSON Lines | an object on a line, or what else the line has |
| run | a JSON value |

Text that is not JSON costs, in an array or a run, what stands from its begin to the end of the line
there, provided that reading can be taken up again for certain: at a line that begins with `{` or
`]`, or at the end of a run. Everywhere else the file is damaged.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from ltv.errors import EventError, NotAnEventLogError
from ltv.reading.decoding import SPACE, check_scanned, check_text, decode, not_json, raw_bytes, scan
from ltv.reading.files import CountBytes, reading
from ltv.reading.framing import (
    ARRAY,
    BLANK,
    LINES,
    RUN,
    SEPARATORS,
    NotEventsError,
    check_wrapper,
    has_type_member,
    member_of_wrapper,
)
from ltv.reading.layouts import Learner, Match
from ltv.reading.window import FIRST_LOOK, Position, Window
from ltv.values import shown

#: How many units may pass without a sign that this is an event log at all.
UNITS_TO_TELL_A_LOG = 100

PREVIEW_LENGTH = 1000

#: Bytes that are not UTF-8 are a character each here and up to three for one in the preview.
_KEPT_LENGTH = 4 * PREVIEW_LENGTH

#: What may stand after an event, the end of its file or line included.
_FOLLOWERS = ("", ",", "{", *SPACE)
_FOLLOWERS_IN_ARRAY = (*_FOLLOWERS, "]")

#: What a line begins with after text that is not JSON, if nothing but that text is lost.
_BEGINS_IN_ARRAY = ("{", "]")
_BEGINS = ("", *_BEGINS_IN_ARRAY)


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
        text = self.text
        if not text.isascii():
            text = raw_bytes(text).decode("utf-8", "replace")
        return text[:PREVIEW_LENGTH]


def read_units(file: str, count: CountBytes | None = None) -> Iterator[Unit]:
    """Yield every event of `file` (`-` for standard input), in order.

    Raises FileError when it cannot be opened or changes meanwhile, DamagedFileError when it is
    damaged.
    """
    with reading(file) as opened:
        for unit in PartReader(file, opened.text(count)):
            assert isinstance(unit, Unit), "there are no matches without a learner"
            yield unit


class PartReader:
    """The events of a file, or of a part of it, in order: to be iterated over once.

    With a `learner`, events of the layouts that it knows come as a Match, many at once; all others
    as a Unit. A part begins with an event at the byte `begin`, in a known `framing` (that of a file
    is known once its iterator is there); it ends in
    front of the first event at `end` or after it. `first` and `last` tell where its first event was
    found, and where the one after it begins or the file ends, each as offset and line.

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
        self._window = Window(file, chunks, learner, begin, end)
        self.framing = framing

    @property
    def first(self) -> Position:
        return self._window.first or self._window.place

    @property
    def last(self) -> Position:
        return self._window.place

    @property
    def is_event_log(self) -> bool:
        """Whether an event was found."""
        return self._window.is_event_log

    def __iter__(self) -> Iterator[Unit | Match]:
        window = self._window
        if self.framing is not None:
            window.is_event_log = True
            return _units(window, self.framing)
        self.framing = window.framing()
        window.skip(BLANK)
        if self.framing == ARRAY:
            window.advance(1)
        return _checked_for_events(_units(window, self.framing), window)


def _units(window: Window, framing: str) -> Iterator[Unit | Match]:
    return _lines(window) if framing == LINES else _values(window, in_array=framing == ARRAY)


def _checked_for_events(units: Iterator[Unit | Match], window: Window) -> Iterator[Unit | Match]:
    """Yield the same; raise NotAnEventLogError unless one of the first units has a `type`."""
    first = wrapper = None
    count = 0
    try:
        for unit in islice(units, UNITS_TO_TELL_A_LOG):
            count += 1
            window.is_event_log = isinstance(unit, Match) or has_type_member(unit.value)
            yield unit
            if window.is_event_log:
                yield from units
                return
            assert isinstance(unit, Unit), "a match is of events"
            first = first or unit
            wrapper = wrapper or member_of_wrapper(unit.value)
    except NotAnEventLogError:
        if first is None:
            raise
        read = " as far as it was read"
    else:
        if first is None or window.is_cut_short:
            return
        counted = f"the first {count} read; the first" if count > 1 else "the one read"
        read = f': no JSON object with a "type" in {counted}'
    try:
        check_wrapper(wrapper)
    except NotEventsError as error:
        raise window.not_an_event_log(f": {error.problem}", command=error.command) from None
    place = Position(first.offset, first.line)
    raise window.not_an_event_log(f"{read}: {_fault_of(first)}", place)


def _fault_of(unit: Unit) -> str:
    if unit.error:
        return unit.error.message
    if isinstance(unit.value, dict):
        return 'expected a member "type"'
    return f"expected a JSON object, got {shown(unit.value)}"


def _lines(window: Window) -> Iterator[Unit | Match]:
    """Yield the events of JSON Lines."""
    window.skip(SEPARATORS)
    separator = None
    line_begun = 0  # the line of which something was taken
    while not window.is_at_end():
        is_begun = window.line == line_begun
        match = window.take_matches(separator, is_of_lines=True, is_begun=is_begun)
        if match:
            yield from _with_others(match, window, LINES)
        else:
            yield _next_in_line(window, is_begun=is_begun)
        line_begun = 0 if match and match.newlines else window.line
        between = window.skip(SEPARATORS)
        separator = None if match else between


def _with_others(match: Match, window: Window, framing: str) -> Iterator[Unit | Match]:
    """Yield a match, and the units of what it passed over."""
    if match.events:
        yield match
    for begin, line_breaks, text in match.others:
        offset, line = match.offset + begin, match.line + line_breaks
        if unit := _unit_alone(offset, line, text, framing):
            yield unit
            continue
        other = Window(window.file, iter([text]), begin=offset, line=line)
        other.is_event_log = True
        yield from _units(other, framing)


def _unit_alone(offset: int, line: int, text: bytes, framing: str) -> Unit | None:
    """Return the unit of text, such as a whole line, that begins with an object; None for more.

    What is not JSON and no short line is None, too, since a window grows with what it looks at.
    """
    if not text.startswith(b"{"):
        return None
    one = text.decode("utf-8", "surrogateescape").removesuffix("\n")
    try:
        found = scan(one, is_all=True)
        assert found, "all that there is"
        value, end = found
        check_scanned(one[:end])
    except EventError as error:
        if framing != LINES or len(text) > FIRST_LOOK:
            return None
        one = one.rstrip(SPACE)
        return Unit(line, offset, one[:_KEPT_LENGTH], None, _why_refused(one, error).bare())
    if one[end:].strip(SPACE + ","):
        return None
    return Unit(line, offset, one[: min(end, _KEPT_LENGTH)], value, None)


def _next_in_line(window: Window, *, is_begun: bool) -> Unit:
    """Take an object of a line; where none begins, all that is left of it."""
    line, offset = window.line, window.offset
    if window.peek() == "{":
        try:
            value, text = window.take_value(_FOLLOWERS, is_of_line=True)
        except EventError as error:
            return _rest_of_line(window, error)
        return Unit(line, offset, text[:_KEPT_LENGTH], value, None)
    if is_begun:
        return _rest_of_line(window, not_json("expected { or the end of the line after an event"))
    text = window.take_line()
    try:
        value = decode(text.rstrip(SPACE + ","))
    except EventError as error:
        return Unit(line, offset, text[:_KEPT_LENGTH], None, error.bare())
    return Unit(line, offset, text[:_KEPT_LENGTH], value, None)


def _rest_of_line(window: Window, error: EventError) -> Unit:
    """Take what `error` says is not an event, to the end of its line."""
    line, offset = window.line, window.offset
    text = window.take_line()
    return Unit(line, offset, text[:_KEPT_LENGTH], None, _why_refused(text, error).bare())


def _why_refused(text: str, error: EventError) -> EventError:
    """Return what is wrong with the line alone, of which `error` may speak more precisely."""
    try:
        check_text(text)
        if error.position > len(text):
            decode(text)
    except EventError as error_of_line:
        if error_of_line.reason != error.reason or error.position > len(text):
            return error_of_line
    return error


def _values(window: Window, *, in_array: bool) -> Iterator[Unit | Match]:
    """Yield the events of arrays after the first `[`, or of a run of objects."""
    window.skip(SEPARATORS)
    separator = None  # of which kind is known only between two events
    while not window.is_at_end():
        unit = None
        if in_array and window.peek() == "]":
            if not _is_in_next_array(window):
                return
        else:
            match = window.take_matches(separator)
            unit = None if match else _next_value(window, in_array=in_array)
            if match:
                yield from _with_others(match, window, RUN)
            elif unit:
                yield unit
            else:
                return
        between = window.skip(SEPARATORS)
        separator = between if unit else None
    if in_array and not window.is_cut_short:
        raise window.damage("the array is cut off, its closing ] is missing")


def _is_in_next_array(window: Window) -> bool:
    """Pass over the end of an array; return whether another one begins. Raises DamagedFileError."""
    window.advance(1)
    window.skip(BLANK)
    if window.peek() not in ("[", ""):
        raise window.damage("expected nothing but another array after the closing ] of an array")
    return bool(window.advance(1))


def _next_value(window: Window, *, in_array: bool) -> Unit | None:
    """Take the value that comes next; None for one of a run that is not written to its end yet."""
    line, offset = window.line, window.offset
    try:
        value, text = window.take_value(_FOLLOWERS_IN_ARRAY if in_array else _FOLLOWERS)
    except EventError as error:
        if not in_array and window.is_still_to_come(error):
            return None
        damage = window.damage_of(error)
        unit = _rest_of_line(window, error)
        window.skip(BLANK)
        if window.peek() not in (_BEGINS_IN_ARRAY if in_array else _BEGINS):
            raise damage from None
        return unit
    return Unit(line, offset, text[:_KEPT_LENGTH], value, None)
