"""JSON text to values, strictly, with the text of every number kept.

What `json.loads` lets through and this does not: more than 256 brackets open at once. What it
loses and this keeps: the spelling of numbers (`1e3`, `0.10`, 5,000 digits).

| text | value |
|---|---|
| `"a"`, `true`, `null`, `[]`, `{}` | as from `json.loads` |
| `10.00` | `JsonNumber("10.00")` |
| `NaN`, `-Infinity` | as from `json.loads`, the only floats |
"""

import re
from functools import lru_cache
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder

from ltv.errors import EventError
from ltv.values import MAX_OPEN_BRACKETS, JsonNumber

MAX_EVENT_BYTES = 16 * 1024 * 1024

#: What may stand between events, the byte-order marks of files that were joined included.
SPACE = " \t\n\r\ufeff"

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # the last one may lack its end
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DEPTH_CHANGE = dict(zip(b"[{]}", (1, 1, -1, -1), strict=True))

#: The longest thing that the decoder can stop in front of although only its end is missing
#: is `-Infinity`.
_LONGEST_LITERAL = len("-Infinity")

#: The end of a number that goes on where a text was cut: what is there is a number without it.
_NUMBER_CUT_OFF = re.compile(r"[0-9](?:\.|[eE][+-]?)?", re.ASCII)

#: The length up to which equal numbers are one object.
_SHARED_LENGTH = 12


@lru_cache(maxsize=4096)
def _shared_number(text: str) -> JsonNumber:
    return JsonNumber(text)


def _number(text: str) -> JsonNumber:
    """One object for equal short numbers: an event may hold millions."""
    return _shared_number(text) if len(text) <= _SHARED_LENGTH else JsonNumber(text)


_DECODER = JSONDecoder(parse_int=_number, parse_float=_number)


def raw_bytes(text: str) -> bytes:
    """The bytes that `text` was read from; what is not UTF-8 stands in it as lone surrogates."""
    return text.encode("utf-8", "surrogateescape")


def byte_length(text: str) -> int:
    """How many bytes `text` was read from."""
    return len(text) if text.isascii() else len(raw_bytes(text))


def decode(text: str) -> object:
    """The value of the one JSON text in `text`, which has no white space around it.

    Bytes that are not UTF-8 are expected as lone surrogates (`surrogateescape`).
    Raises EventError: `too-long`, `not-utf8` or `not-json`, the first that applies.
    """
    check_text(text)
    try:
        value, end = _DECODER.raw_decode(text)
    except JSONDecodeError as error:
        raise _unexpected(error, text, is_all=True) from None
    except RecursionError:
        raise _too_deep() from None
    if end != len(text):
        raise not_json("expected one JSON value alone, got more after it", end)
    check_depth(text)
    return value


def scan(text: str, begin: int = 0, *, is_all: bool) -> tuple[object, int] | None:
    """Find where the JSON value ends that begins at `begin`.

    Returns the value and the index after it, or None when `text` ends before that is certain
    (never with `is_all`, which says that nothing comes after `text`). Raises EventError `not-json`
    when no JSON value begins there.
    """
    try:
        value, end = _DECODER.raw_decode(text, begin)
    except JSONDecodeError as error:
        if is_all or not _may_go_on(error, text):
            raise _unexpected(error, text, is_all=is_all) from None
        return None
    except RecursionError:
        raise _too_deep() from None
    if not is_all and _NUMBER_CUT_OFF.fullmatch(text, end - 1):
        return None
    return value, end


def _may_go_on(error: JSONDecodeError, text: str) -> bool:
    """Whether the fault lies so near to the end of `text` that it may be but the end."""
    return _is_unterminated(error) or error.pos > len(text) - _LONGEST_LITERAL


def _is_unterminated(error: JSONDecodeError) -> bool:
    return error.msg.startswith("Unterminated string")


def check_scanned(text: str) -> None:
    """Refuse what `scan` passes though it costs a whole line: see SPEC, section 6.

    Raises EventError: `too-long`, `not-utf8`, or `not-json` for too many open brackets.
    """
    check_text(text)
    check_depth(text)


def check_text(text: str) -> None:
    """Raise EventError `too-long` or `not-utf8` for the text of an event that is that."""
    if len(text) > MAX_EVENT_BYTES // 4 and byte_length(text) > MAX_EVENT_BYTES:
        raise too_long()
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"expected UTF-8, got something else at character {error.start + 1}"
        raise EventError("not-utf8", None, message, error.start) from None


def check_depth(text: str) -> None:
    """Raises EventError `not-json` when too many brackets are open at once.

    `text` is JSON, or the begin of what may be.
    """
    if text.count("[") + text.count("{") <= MAX_OPEN_BRACKETS:
        return
    brackets = _STRING.sub(b"", raw_bytes(text)).translate(None, _NO_BRACKETS)
    changes = map(_DEPTH_CHANGE.__getitem__, brackets)
    if max(accumulate(changes), default=0) > MAX_OPEN_BRACKETS:
        raise _too_deep()


def too_long() -> EventError:
    """The refusal of an event of more than MAX_EVENT_BYTES."""
    return EventError("too-long", None, "expected an event of at most 16 MiB (16,777,216 bytes)")


def not_json(message: str, position: int | None = None) -> EventError:
    """The refusal of what is no JSON at `position`, where that is known."""
    if position is None:
        return EventError("not-json", None, message)
    return EventError("not-json", None, f"{message} at character {position + 1}", position)


def _unexpected(error: JSONDecodeError, text: str, *, is_all: bool) -> EventError:
    if is_all and (error.pos == len(text) or _is_unterminated(error)):
        return not_json("expected more JSON, got the end", len(text))
    return not_json("expected JSON, got something else", error.pos)


def _too_deep() -> EventError:
    return not_json(f"expected at most {MAX_OPEN_BRACKETS} brackets open at once")
