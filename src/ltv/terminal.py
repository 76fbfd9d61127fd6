"""Text from the data, made safe and measured for the eye.

| text | shown |
|---|---|
| `a<ESC>[2J` | `a\\x1b[2J` |
| `abcdefghij`, to 6 columns | `abcde…`, or with both ends `abc…ij` |
"""

import re
import shutil
import unicodedata
from itertools import accumulate
from typing import TextIO

#: What a terminal acts on, and what cannot be written in UTF-8: control characters, line and
#: paragraph separators, marks and overrides of direction, interlinear marks, lone surrogates.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

ELLIPSIS = "…"


def escaped(text: str) -> str:
    """`text` with what a terminal would act on in the form of Python's escapes (`\\x1b`)."""
    if text.isprintable():  # what is unsafe never is
        return text
    return UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _character_width(character: str) -> int:
    is_joined = "\u1160" <= character <= "\u11ff"  # a later letter of a Korean syllable, spelt out
    if is_joined or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def display_width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` columns, with an ellipsis where it was cut.

    >>> shortened("abcdefghij", 6)
    'abcde…'
    """
    if display_width(text) <= width:
        return text
    return text[: _count_fitting(text, width - len(ELLIPSIS))] + ELLIPSIS


def cut_in_the_middle(text: str, width: int) -> str:
    """Return `text` in at most `width` columns, with an ellipsis for what was cut between its ends.

    >>> cut_in_the_middle("abcdefghij", 6)
    'abc…ij'
    """
    if display_width(text) <= width:
        return text
    room = width - len(ELLIPSIS)
    begin = text[: _count_fitting(text, room - room // 2)]
    end = text[len(text) - _count_fitting(text[::-1], room // 2) :]
    while end and not _character_width(end[0]):  # a mark on a character that was cut
        end = end[1:]
    return begin + ELLIPSIS + end


def _count_fitting(text: str, width: int) -> int:
    """How many of the first characters of `text` take at most `width` columns."""
    if text.isascii():
        return min(len(text), width)
    used = accumulate(map(_character_width, text))
    return sum(1 for columns in used if columns <= width)


def terminal_width(stream: TextIO | None) -> int | None:
    """Return the columns of the terminal that standard output, `stream`, is; None for no terminal.

    `COLUMNS` goes first, as in other programs; a terminal that does not know is taken to have 80.
    """
    try:
        is_terminal = stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return None
    return shutil.get_terminal_size().columns if is_terminal else None
