"""Find from the begin of a text how it frames its events, or what it is instead (SPEC, section 6).

| framing | |
|---|---|
| array | `[{...}, {...}]`, or several such arrays |
| JSON Lines | each line has an event, or several |
| run | one JSON value after another, whatever the lines |
"""

import json
import re
import sys
from collections.abc import Iterator
from itertools import islice
from json import JSONDecodeError, JSONDecoder
from typing import NamedTuple

from ltv.errors import EventError
from ltv.reading.decoding import MAX_EVENT_BYTES, SPACE, check_scanned, scan

ARRAY, LINES, RUN = "array", "lines", "run"

#: How many bytes of a text decide; of a longer line, what stands there.
MOST_LOOKED_AT = MAX_EVENT_BYTES

_LINES_LOOKED_AT = 10

BLANK = re.compile(f"[{SPACE}]*+")
SEPARATORS = re.compile(f"[{SPACE},]*+")
_FILLED_LINE = re.compile(f"[^{SPACE}][^\n]*+")
_MEMBER = re.compile(
    r"""
    (?: \{ | [ \t\n\r]*+ , ) [ \t\n\r]*+
    (?P<name> "(?: [^"\\] | \\. )*+" ) [ \t\n\r]*+ : [ \t\n\r]*+
    """,
    re.VERBOSE,
)

_AFTER_BRACKET = '{[],"n'

_DECODER = JSONDecoder(parse_int=float)  # whose digits have no limit; its values matter not


class _Kind(NamedTuple):
    """A kind of file by its first bytes, and the command that takes the text out of it."""

    name: str
    pattern: str
    command: str = ""


TAR = "tar -xOf"
_ZSTD = r"\x28\xb5\x2f\xfd"
_COMPRESSED = r"\x1f\x8b|BZh[1-9](?:1AY&SY|\x17rE8P\x90)|\xfd7zXZ\x00" + (
    f"|{_ZSTD}" if sys.version_info >= (3, 14) else ""
)
_SPREADSHEET = (  # of Excel or LibreOffice, by the first name in its zip archive, or of old ones
    r"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|docProps/|xl/|mimetypeapplication/vnd\.oasis)"
    r"|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
)

_KINDS = (
    _Kind('a spreadsheet, which has to be saved as "CSV UTF-8"', _SPREADSHEET),
    _Kind("a zip archive", r"PK(?:\x03\x04|\x05\x06|\x07\x08)", "unzip -p"),
    _Kind("a tar archive", r".{257}ustar(?:\x00|  \x00)", TAR),
    _Kind("compressed more than three times", _COMPRESSED),
    _Kind("compressed by zstd, which Python reads from 3.14 on", _ZSTD, "zstd -dc"),
    _Kind("a Parquet file", "PAR1"),
    _Kind("an Avro file", r"Obj\x01"),
    _Kind("an ORC file", "ORC"),
    _Kind("an SQLite database", r"SQLite format 3\x00"),
    _Kind("a PDF document", "%PDF-"),
)
_SIGNATURES = [re.compile(kind.pattern.encode("latin-1"), re.DOTALL) for kind in _KINDS]
_BYTES_OF_SIGNATURE = 512


class NotEventsError(ValueError):
    """What a text is that has no events; `command`, if there is one, takes them out of its file."""

    def __init__(self, problem: str, command: str = "") -> None:
        super().__init__(problem, command)
        self.problem = problem
        self.command = command


def framing_of_text(start: bytes, *, is_all: bool) -> str | None:
    """Return how a text that starts so frames its events; None where more of it is needed to tell.

    Nothing comes after `start` if it `is_all`. Raises NotEventsError for another kind of file, and
    for a wrapper.
    """
    is_all = is_all or len(start) >= MOST_LOOKED_AT
    text = start[:MOST_LOOKED_AT].decode("utf-8", "surrogateescape")
    begin = _end_of_blank(text, 0)
    is_bracket = text.startswith("[", begin)
    following = _end_of_blank(text, begin + 1) if is_bracket else begin
    if not is_all and (following == len(text) or len(start) < _BYTES_OF_SIGNATURE):
        return None
    check_kind(start)
    if begin == len(text):
        return RUN
    if text[begin] == "<":
        raise NotEventsError("it is HTML or XML, expected events as JSON")
    if is_bracket and text[following : following + 1] in _AFTER_BRACKET:  # or nothing follows
        return ARRAY
    if text[begin] == "{":
        end = _end_of_object(text, begin, is_all=is_all)
        if end is None:
            return None
        if not end or "\n" in text[begin:end]:
            check_wrapper(member_with_events(text, begin))
            if end:
                return RUN
    return _framing_by_lines(text, begin, is_all=is_all)


def check_kind(start: bytes) -> None:
    """Raise NotEventsError where a file that starts so is of another kind."""
    for kind, signature in zip(_KINDS, _SIGNATURES, strict=True):
        if signature.match(start):
            expected = "" if kind.command else ", expected events as JSON"
            raise NotEventsError(f"it is {kind.name}{expected}", kind.command)


def _end_of_blank(text: str, begin: int) -> int:
    match = BLANK.match(text, begin)
    assert match, "the pattern matches the empty text"
    return match.end()


def _end_of_object(text: str, begin: int, *, is_all: bool) -> int | None:
    """Return where the object ends that begins there; 0 if it is not whole, None if not yet."""
    try:
        found = scan(text, begin, is_all=is_all)
        if found:
            check_scanned(text[begin : found[1]])
    except EventError:
        return 0
    return found and found[1]


def _framing_by_lines(text: str, begin: int, *, is_all: bool) -> str | None:
    lines = list(islice(_FILLED_LINE.finditer(text, begin), _LINES_LOOKED_AT))
    for line in lines:
        if line.end() == len(text) and not is_all:
            return None
        if _has_events_alone(line[0]):
            return LINES
        if line[0].startswith("[{") or line[0].rstrip(SPACE) == "[":
            return RUN
    return RUN if is_all or len(lines) == _LINES_LOOKED_AT else None


def _has_events_alone(line: str) -> bool:
    """Return whether a line consists of objects, one of which has a type, and nothing else."""
    has_type = False
    position = 0
    while match := SEPARATORS.match(line, position):
        begin = match.end()
        if not line.startswith("{", begin):
            return has_type and begin == len(line)
        try:
            found = scan(line, begin, is_all=True)
            assert found, "all there is was shown"
            value, position = found
            check_scanned(line[begin:position])
        except EventError:
            return False
        has_type = has_type or has_type_member(value)
    return False


def has_type_member(value: object) -> bool:
    """Return whether a value of JSON is an object with a member `type`."""
    return isinstance(value, dict) and "type" in value


def member_with_events(text: str, begin: int) -> str | None:
    """Return the member of the object at `begin` that has an array of events, None if none has.

    The object need not be whole. One with a `type` of its own before that is an event itself.
    """
    for name, place in _members(text, begin):
        if name == "type":
            return None
        if text.startswith("[", place):
            first = _end_of_blank(text, place + 1)
            if "type" in (member for member, _ in _members(text, first)):
                return name
    return None


def _members(text: str, begin: int) -> Iterator[tuple[str, int]]:
    """Yield the name of each member of the object at `begin`, and where its value begins."""
    position = begin
    if not text.startswith("{", begin):
        return
    try:
        while match := _MEMBER.match(text, position):
            yield _DECODER.raw_decode(match["name"])[0], match.end()
            _, position = _DECODER.raw_decode(text, match.end())
    except (JSONDecodeError, RecursionError):
        return


def member_of_wrapper(value: object) -> str | None:
    """Return the member of a value without a type that has an array of events, as above."""
    members = value.items() if isinstance(value, dict) else ()
    for name, one in members:
        if isinstance(one, list) and one and has_type_member(one[0]):
            return str(name)
    return None


def check_wrapper(member: str | None) -> None:
    """Raise NotEventsError where the events stand in a `member` of an object."""
    if member is not None:
        quoted = json.dumps(member, ensure_ascii=False)
        alone = "expected them alone: an array of them, or one a line"
        raise NotEventsError(f"its events stand in the member {quoted} of an object, {alone}")


def looks_like_csv(text: str) -> bool:
    """Return whether the first line has commas or tabs and no bracket."""
    line = _FILLED_LINE.search(text)
    return bool(line and re.search("[,\t]", line[0]) and not re.search(r"[][{}]", line[0]))
