"""Files to units, slowly and plainly: section 6 of SPEC.md, and what section 2 says of texts.

The first half of `oracle.py`, from which it is used.
"""

from __future__ import annotations

import bz2
import json
import lzma
import re
import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

try:
    from compression import zstd  # Python 3.14 and later
except ImportError:
    zstd = None

SPACE = b" \t\n\r"  # what JSON calls white space
MAX_EVENT_BYTES = 16 * 1024 * 1024
MAX_OPEN_BRACKETS = 256
MAX_COMPRESSIONS = 3
LINES_TO_KNOW_JSON_LINES_BY = 10
UNITS_TO_KNOW_A_LOG_BY = 100
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Failure(Exception):  # noqa: N818
    """The run fails: a file is damaged or no event log, or there is nothing to rank.

    `lines` are those of which the message names one: where the fault is in an event over several
    lines, it may be any up to where it shows. `says` is a word that is in it, where there is one.
    `units` are those that were read of a file that turned out to be no event log.
    """

    def __init__(
        self,
        why: str,
        damaged_file: str | None = None,
        *,
        lines: Sequence[int] = (),
        says: str | None = None,
        is_no_log: bool = False,
    ) -> None:
        super().__init__(why)
        self.damaged_file = damaged_file
        self.lines = lines
        self.says = says
        self.is_no_log = is_no_log
        self.status = 1
        self.units: list[Unit] = []
        self.rejects: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}
        self.reasons: dict[str, int] = {}


@dataclass(frozen=True)
class Number:
    """A JSON number, as it is spelt."""

    text: str


@dataclass(frozen=True)
class Constant:
    """NaN, Infinity or -Infinity."""

    text: str


@dataclass
class Unit:
    """What is read as one event: its place, its text, and its value or what is wrong with it."""

    line: int
    offset: int
    text: str
    value: Any = None
    problem: str | None = None  # too-long, not-utf8, not-json; None: `value` counts


# --- JSON (section 2: not-json) ---------------------------------------------------------------

# A string, a bracket, or a quotation mark that begins nothing that is a string.
BRACKET_OR_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"|["\[\]{}]')


def too_deep(text: str, start: int) -> bool:
    """Return whether over 256 brackets are open at once in the value that begins at `start`."""
    if text[start : start + 1] not in ("{", "["):
        return False
    is_open = 0
    for match in BRACKET_OR_STRING.finditer(text, start):
        token = match.group()
        if token in ("{", "["):
            is_open += 1
        elif token in ("}", "]"):
            is_open -= 1
        elif token == '"':  # no string: whatever reads on will stop here
            return False
        if is_open > MAX_OPEN_BRACKETS:
            return True
        if is_open == 0:
            return False
    return False


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Constant)


def scan_value(text: str, start: int) -> tuple[Any, int] | None:
    """Return the JSON value that begins at `start`, and where it ends; None if there is none."""
    if too_deep(text, start):
        return None
    try:
        return DECODER.raw_decode(text, start)
    except json.JSONDecodeError:
        return None


def judged(raw: bytes) -> tuple[Any, str | None]:
    """Return the JSON value that a text is, and the first of the reasons why it is none."""
    if len(raw) > MAX_EVENT_BYTES:
        return None, "too-long"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None, "not-utf8"
    found = scan_value(text, 0)
    if found is None or found[1] != len(text):
        return None, "not-json"
    return found[0], None


def shown(raw: bytes) -> str:
    """Return the text of a unit, undecodable bytes as U+FFFD."""
    return raw.decode("utf-8", errors="replace")


def bad_unit(line: int, offset: int, raw: bytes) -> Unit:
    """Return a unit that is to be rejected, whatever its text would be elsewhere."""
    return Unit(line, offset, shown(raw), None, judged(raw)[1] or "not-json")


def is_typed(unit: Unit) -> bool:
    """Return whether a unit is what a log is known by: a JSON object with a `type` member."""
    return unit.problem is None and isinstance(unit.value, dict) and "type" in unit.value


# --- White space and lines --------------------------------------------------------------------


def skip(data: bytes, at: int, *, commas: bool = False) -> int:
    """Return the first place from `at` on without white space or a byte-order mark."""
    while at < len(data):
        if data.startswith(BYTE_ORDER_MARK, at):
            at += len(BYTE_ORDER_MARK)
        elif data[at] in SPACE or (commas and data[at] == ord(",")):
            at += 1
        else:
            break
    return at


def stripped_at_end(data: bytes) -> bytes:
    """Return the text without the white space and byte-order marks at its end."""
    shorter = data.rstrip(SPACE).removesuffix(BYTE_ORDER_MARK)
    return data if shorter == data else stripped_at_end(shorter)


def lines_of(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the lines that are not blank: number, offset of the first byte that counts, text."""
    offset = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        begin = skip(line, 0) if line.strip(SPACE) else len(line)  # at once, as millions are blank
        if begin < len(line):
            yield number, offset + begin, stripped_at_end(line[begin:])
        offset += len(line) + 1


# --- Compression ------------------------------------------------------------------------------


def new_gzip_member() -> Any:
    return zlib.decompressobj(wbits=31)


def new_bzip2_member() -> Any:
    return bz2.BZ2Decompressor()


def new_xz_member() -> Any:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ)


ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
COMPRESSIONS = [
    (b"\x1f\x8b", new_gzip_member),
    (b"BZh", new_bzip2_member),
    (b"\xfd7zXZ\x00", new_xz_member),
]
DAMAGES: list[type[Exception]] = [zlib.error, lzma.LZMAError, OSError, ValueError, EOFError]
if zstd is not None:
    COMPRESSIONS.append((ZSTD_MAGIC, zstd.ZstdDecompressor))
    DAMAGES.append(zstd.ZstdError)


def uncompressed(name: str, data: bytes) -> bytes:
    """Return the text of a file, compressed up to three times over. Raises Failure."""
    for _ in range(MAX_COMPRESSIONS):
        for magic, new_member in COMPRESSIONS:
            if data.startswith(magic):
                data = b"".join(members(name, data, magic, new_member))
                break
        else:
            break
    return data


def members(name: str, data: bytes, magic: bytes, new_member: Any) -> Iterator[bytes]:
    """Yield the members of a compressed file, one after another, zero padding left out."""
    while data:
        if not data.startswith(magic):
            raise Failure(f"{name}: something stands after the compressed stream", name)
        member = new_member()
        try:
            text = member.decompress(data)
        except tuple(DAMAGES) as error:
            raise Failure(f"{name}: the compressed stream is damaged: {error}", name) from error
        if not member.eof:
            raise Failure(f"{name}: the compressed stream is cut off", name)
        yield text
        data = member.unused_data.lstrip(b"\0")


# --- Not an event log -------------------------------------------------------------------------

#: The first bytes of other kinds of file, and a word by which a message names them.
OTHER_KINDS = [
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), "zip"),
    (re.compile(rb".{257}ustar(?:\x00|  \x00)", re.DOTALL), "tar"),
    (re.compile(re.escape(ZSTD_MAGIC)), "zst"),
    (re.compile(rb"PAR1"), "Parquet"),
    (re.compile(rb"Obj\x01"), "Avro"),
    (re.compile(rb"ORC"), "ORC"),
    (re.compile(rb"SQLite format 3\x00"), "SQLite"),
    (re.compile(rb"%PDF-"), "PDF"),
]


def no_log(name: str, why: str, lines: Sequence[int] = (), says: str | None = None) -> Failure:
    return Failure(f"{name}: not an event log: {why}", name, lines=lines, says=says, is_no_log=True)


def check_kind(name: str, data: bytes) -> None:
    """Raise Failure for what is another kind of file, by its first bytes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Failure(f"{name}: UTF-16 instead of UTF-8", name)
    for pattern, kind in OTHER_KINDS:
        if pattern.match(data):
            raise no_log(name, kind, says=kind)
    if any(data.startswith(magic) for magic, _ in COMPRESSIONS):
        raise no_log(name, "compressed more than three times over")
    if data.startswith(b"<", skip(data, 0)):
        raise no_log(name, "text that begins with <")


def members_of(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the members of the object that begins at `at`, as far as they can be read.

    Each comes as its name and where its value begins.
    """
    while True:
        at = json_space_end(text, at + 1)  # after the { or the comma
        name = scan_value(text, at)
        if name is None or not isinstance(name[0], str):
            return
        at = json_space_end(text, name[1])
        if not text.startswith(":", at):
            return
        at = json_space_end(text, at + 1)
        yield name[0], at
        value = scan_value(text, at)
        if value is None:
            return
        at = json_space_end(text, value[1])
        if not text.startswith(",", at):
            return


def json_space_end(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\n\r":
        at += 1
    return at


def wrapped_in(text: str) -> str | None:
    """Return the member of the object at the begin of a text in which there are events, or None.

    Its value is an array that begins with an object with a `type`, and no `type` of the outer
    object's own comes before it.
    """
    for name, at in members_of(text, 0):
        if name == "type":
            return None
        inner = json_space_end(text, at + 1)
        begins_with_object = text.startswith("[", at) and text.startswith("{", inner)
        if begins_with_object and "type" in (
            inner_name for inner_name, _ in members_of(text, inner)
        ):
            return name
    return None


def failure_without_type(
    name: str, data: bytes, found: list[Unit], lines: Sequence[int]
) -> Failure:
    """Return what to say of a file without a `type` in it, with the first fault on those lines."""
    failure = failure_by_begin(name, data, found) or no_log(name, "no type in it", lines)
    failure.units = found
    return failure


def failure_by_begin(name: str, data: bytes, found: list[Unit]) -> Failure | None:
    """Return what to say of a file whose begin shows what it is, if it does."""
    first_line = next((text for _, _, text in lines_of(data)), b"")
    if re.search(rb"[,\t]", first_line) and not re.search(rb"[\[\]{}()]", first_line):
        return no_log(name, "it looks like CSV", says="CSV")
    is_object = data.startswith(b"{", skip(data, 0)) and found and found[0].problem is None
    member = wrapped_in(found[0].text) if is_object else None
    return None if member is None else no_log(name, "a wrapper", says=member)


# --- Framing ----------------------------------------------------------------------------------


def units(name: str, data: bytes) -> list[Unit]:
    """Return the units of one file. Raises Failure, for what is damaged or no event log."""
    data = uncompressed(name, data)
    check_kind(name, data)
    found: list[Unit] = []
    try:
        for unit in framed(name, data):
            found.append(unit)
            if len(found) == UNITS_TO_KNOW_A_LOG_BY and not any(map(is_typed, found)):
                break
    except TextFailure as damage:
        if any(map(is_typed, found)):
            raise
        # The first that is no event, or what nothing could be read after: both are the first fault.
        lines = [*(unit.line for unit in found[:1]), *damage.lines]
        raise failure_without_type(name, data, found, lines) from damage
    if found and not any(map(is_typed, found[:UNITS_TO_KNOW_A_LOG_BY])):
        raise failure_without_type(name, data, found, [found[0].line])
    return found


class TextFailure(Failure):
    """Text that is not JSON, where it cannot be known how much is lost."""


def framed(name: str, data: bytes) -> Iterator[Unit]:
    """Yield the units of a text, by the framing that its begin shows."""
    head = data[:MAX_EVENT_BYTES]
    begin = skip(head, 0)
    if is_array(head, begin):
        return arrays_units(name, data, begin)
    if head.startswith(b"{", begin) and not is_object(head[begin:].partition(b"\n")[0]):
        member = wrapped_in(shown(head[begin:]))
        if member is not None:
            raise no_log(name, "a wrapper", says=member)
        if is_object(head[begin:]):
            return run_units(name, data)
    if is_json_lines(head):
        return line_units(data)
    return run_units(name, data)


def is_array(head: bytes, begin: int) -> bool:
    """Return whether the text is a JSON array, and not a line such as `[INFO] started`."""
    following = head[skip(head, begin + 1) :][:1]  # nothing at the end, which is in all bytes
    return head.startswith(b"[", begin) and following in b'{[],"n'


def whole_object_end(data: bytes, latin: str, at: int) -> int | None:
    """Return where the object that begins at `at` ends, if it is JSON that may be an event."""
    found = scan_value(latin, at) if data.startswith(b"{", at) else None
    if found is None or judged(data[at : found[1]])[1] is not None:
        return None
    return found[1]


def is_object(text: bytes) -> bool:
    """Return whether a whole object stands at the begin of a text."""
    return whole_object_end(text, text.decode("latin-1"), 0) is not None


def is_json_lines(head: bytes) -> bool:
    """Return whether one of the first ten lines has whole objects alone, one with a `type`."""
    for count, (number, offset, text) in enumerate(lines_of(head), 1):
        found = list(units_of_line(number, offset, text))
        are_objects = all(unit.problem is None and isinstance(unit.value, dict) for unit in found)
        if are_objects and any(map(is_typed, found)):
            return True
        if text == b"[" or text.startswith(b"[{") or count == LINES_TO_KNOW_JSON_LINES_BY:
            return False
    return False


# --- JSON Lines -------------------------------------------------------------------------------


def line_units(data: bytes) -> Iterator[Unit]:
    """Yield the units of JSON Lines, those of one line after those of another."""
    for number, offset, text in lines_of(data):
        yield from units_of_line(number, offset, text)


def units_of_line(number: int, offset: int, text: bytes) -> Iterator[Unit]:
    """Yield the units of a line: objects one after another, or one JSON value.

    Commas before and after are passed over in either case.
    """
    at = skip(text, 0, commas=True)
    latin = text.decode("latin-1")
    if at < len(text) and not text.startswith(b"{", at):
        found = scan_value(latin, at)
        is_alone = found is not None and skip(text, found[1], commas=True) == len(text)
        value, problem = judged(text[at : found[1]] if found and is_alone else text[at:])
        yield Unit(number, offset + at, shown(text[at:]), value, problem)
        return
    while at < len(text):
        end = whole_object_end(text, latin, at)
        if end is None or not may_follow(text, end, in_array=False):
            yield bad_unit(number, offset + at, text[at:])
            return
        raw = text[at:end]
        yield Unit(number, offset + at, shown(raw), judged(raw)[0])
        at = skip(text, end, commas=True)


def may_follow(data: bytes, end: int, *, in_array: bool) -> bool:
    """Return whether an event may end here: before a separator, another event or the end."""
    if end == len(data) or data.startswith(BYTE_ORDER_MARK, end):
        return True
    return data[end] in SPACE + b",{" or (in_array and data[end] == ord("]"))


# --- Arrays and runs --------------------------------------------------------------------------


class Places:
    """Line numbers of offsets that only ever grow."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.line = 1
        self.offset = 0

    def line_of(self, offset: int) -> int:
        self.line += self.data.count(b"\n", self.offset, offset)
        self.offset = offset
        return self.line


def arrays_units(name: str, data: bytes, begin: int) -> Iterator[Unit]:
    """Yield the units of one JSON array after another; the first one's `[` is at `begin`."""
    places = Places(data)
    while begin < len(data):
        if not data.startswith(b"[", begin):
            line = places.line_of(begin)
            raise Failure(f"{name}: something stands after the array", name, lines=[line])
        end = yield from units_between(name, data, begin + 1, places, in_array=True)
        if end == len(data):
            line = places.line_of(end)
            raise Failure(f"{name}: the array is not closed", name, lines=[line])
        begin = skip(data, end + 1)


def run_units(name: str, data: bytes) -> Iterator[Unit]:
    """Yield the units of objects one after another, with white space, commas or nothing between."""
    yield from units_between(name, data, 0, Places(data), in_array=False)


def units_between(
    name: str, data: bytes, at: int, places: Places, *, in_array: bool
) -> Generator[Unit, None, int]:
    """Yield the units of an array or a run; return where its `]` or the file's end stands."""
    # One character for each byte: positions are offsets, and brackets, quotation marks and
    # digits are the same as in UTF-8.
    latin = data.decode("latin-1")
    while True:
        at = skip(data, at, commas=True)
        if at == len(data) or (in_array and data[at] == ord("]")):
            return at
        line = places.line_of(at)
        found = scan_value(latin, at)
        raw = data[at : found[1]] if found else b""
        value, problem = judged(raw)
        if found is None or problem or not may_follow(data, found[1], in_array=in_array):
            end = end_of_bad_line(name, data, at, line, in_array=in_array)
            yield bad_unit(line, at, stripped_at_end(data[at:end]))
        else:
            end = found[1]
            yield Unit(line, at, shown(raw), value)
        at = end


def end_of_bad_line(name: str, data: bytes, at: int, line: int, *, in_array: bool) -> int:
    """Return the end of the line at `at`, all of which is lost by what is not JSON there.

    Raises TextFailure, unless next comes a line that begins with `{` or `]`, or a run's end.
    """
    line_end = data.find(b"\n", at)
    if line_end < 0:
        line_end = len(data)
    after = skip(data, line_end)
    recovers = not in_array if after == len(data) else data[after] in b"{]"
    if not recovers:
        last = line + data.count(b"\n", at, skip(data, fault_place(data, at)))
        raise TextFailure(f"{name}: text that is not JSON", name, lines=range(line, last + 1))
    return line_end


def fault_place(data: bytes, at: int) -> int:
    """Return where it shows that what begins at `at` is no event, as Python's decoder sees it."""
    try:
        return DECODER.raw_decode(data.decode("latin-1"), at)[1]
    except json.JSONDecodeError as error:
        return error.pos
    except RecursionError:  # too many brackets are open for the decoder, too
        return len(data)
