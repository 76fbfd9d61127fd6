"""Text from the data, made safe and measured for the eye.

| text | shown |
|---|---|
| `a<ESC>[2J` | `a\\x1b[2J` |
| `abcdefghij`, to 6 columns | `abcde…` |
"""

import re
import unicodedata
from itertools import accumulate

#: What a terminal acts on, and what cannot be written in UTF-8: control characters, line and
#: paragraph separators, marks and overrides of direction, interlinear marks, lone surrogates.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

ELLIPSIS = "…"


def escaped(text: str) -> str:
    """`text` with what a terminal would act on in the form of Python's escapes (`\\x1b`)."""
    return UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
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
    used = accumulate(map(_character_width, text), initial=len(ELLIPSIS))
    fitting = sum(1 for columns in used if columns <= width)
    return text[: fitting - 1] + ELLIPSIS
