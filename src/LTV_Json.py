"""JSON text to values, strictly, with the text of every number kept.

What `json.loads` lets through and this does not: `NaN`, `Infinity`, more than 256 brackets open at
once. What `json.loads` loses and this keeps: the spelling of numbers (`1e3`, `0.10`, 5,000 digits).

| text | value |
|---|---|
| `"a"`, `true`, `null`, `[]`, `{}` | as from `json.loads` |
| `10.00` | `JsonNumber("10.00")` |
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from operator import itemgetter

from LTV_Errors import EventError

__all__ = [
    "MAX_EVENT_BYTES",
    "WHITE_SPACE",
    "JsonNumber",
    "byte_length",
    "check_scanned",
    "compact",
    "decode",
    "may_hold_constants",
    "number_text",
    "raw_bytes",
    "scan",
    "too_long",
]

MAX_EVENT_BYTES = 16 * 1024 * 1024
MAX_OPEN_BRACKETS = 256
WHITE_SPACE = " \t\n\r"

_BRACKETS_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"|([\[{])|([\]}])', re.DOTALL)

#: The longest thing that the decoder can stop in front of although only its end is missing
#: is `-Infinity`.
_LONGEST_LITERAL = len("-Infinity")


class JsonNumber:
    """A JSON number by its `text`, so that no digit is lost between file and sum."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"JsonNumber({self.text!r})"


def number_text(value: object) -> str | None:
    """The spelling of a number, or None when `value` is none (True and False are none)."""
    if isinstance(value, JsonNumber):
        return value.text
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, float):
        return repr(value)
    return str(value) if isinstance(value, Decimal) else None


def _integer_text(value: int) -> str:
    """Its decimal digits; Decimal, unlike `str`, has no limit on how many."""
    return format(Decimal(value), "f")


def compact(value: object) -> str:
    """`value` as JSON text without white space, its members sorted by name."""
    if isinstance(value, Mapping):
        members = sorted(((str(name), member) for name, member in value.items()), key=itemgetter(0))
        return (
            "{" + ",".join(f"{_quoted(name)}:{compact(member)}" for name, member in members) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(compact, value)) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    number = number_text(value)
    return _quoted(str(value)) if number is None else number


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class _NotANumberError(ValueError):
    """`NaN`, `Infinity` or `-Infinity` stands where a value should."""


def _refuse_constant(literal: str) -> None:
    raise _NotANumberError(literal)


_STRICT = JSONDecoder(parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_refuse_constant)
_WITH_CONSTANTS = JSONDecoder(parse_int=JsonNumber, parse_float=JsonNumber)


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
    _check_length(text)
    _check_encoding(text)
    try:
        value, end = _STRICT.raw_decode(text)
    except _NotANumberError as error:
        raise _not_json(f"expected JSON values only, got {error}") from None
    except JSONDecodeError as error:
        raise _not_json(f"expected JSON, got something else at character {error.pos + 1}") from None
    except RecursionError:
        raise _too_deep() from None
    if end != len(text):
        raise _not_json(f"expected one JSON value alone, got more after it at character {end + 1}")
    _check_depth(text)
    return value


def check_scanned(text: str) -> None:
    """Refuse what `scan` passes though it costs a whole line: see SPEC, section 6.

    Raises EventError: `too-long`, `not-utf8`, or `not-json` for too many open brackets.
    """
    _check_length(text)
    _check_encoding(text)
    _check_depth(text)


def may_hold_constants(text: str) -> bool:
    """Whether `NaN` or `Infinity` occurs in `text`, if only inside a string."""
    return "NaN" in text or "Infinity" in text


def _check_length(text: str) -> None:
    if len(text) > MAX_EVENT_BYTES // 4 and byte_length(text) > MAX_EVENT_BYTES:
        raise too_long()


def too_long() -> EventError:
    """The rejection of an event of more than MAX_EVENT_BYTES."""
    return EventError("too-long", None, "expected an event of at most 16 MiB (16,777,216 bytes)")


def _check_encoding(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"expected UTF-8, got something else at character {error.start + 1}"
        raise EventError("not-utf8", None, message) from None


def _not_json(message: str) -> EventError:
    return EventError("not-json", None, message)


def _too_deep() -> EventError:
    return _not_json(f"expected at most {MAX_OPEN_BRACKETS} brackets open at once")


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_OPEN_BRACKETS:
        return
    depth = 0
    for opening, closing in _BRACKETS_OUTSIDE_STRINGS.findall(text):
        depth += bool(opening) - bool(closing)
        if depth > MAX_OPEN_BRACKETS:
            raise _too_deep()


def scan(text: str, begin: int, *, is_all: bool) -> tuple[object, int] | None:
    """Find where the JSON value that begins at `begin` ends.

    Returns the value and the index behind it, or None when `text` ends before that is certain
    (never with `is_all`, which says that nothing comes after `text`). `NaN` and `Infinity` pass;
    `decode` is for telling them. Raises ValueError when no JSON value begins here.
    """
    try:
        value, end = _WITH_CONSTANTS.raw_decode(text, begin)
    except JSONDecodeError as error:
        if is_all or not _may_go_on(error, text):
            raise
        return None
    except RecursionError:
        raise _too_deep() from None
    if end == len(text) and not is_all and text[end - 1] not in '}]"':
        return None  # a number may have more digits
    return value, end


def _may_go_on(error: JSONDecodeError, text: str) -> bool:
    """Whether the fault lies so near to the end of `text` that it may be but the end."""
    return error.msg.startswith("Unterminated string") or error.pos > len(text) - _LONGEST_LITERAL
