"""Forms of times that fit the rows of a file, for `--csv-time`: shown, never used unasked.

forms_of(["03/04/2024 10:15 AM"])  ['%m/%d/%Y %I:%M %p', '%d/%m/%Y %I:%M %p']
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product

_DAYS = (
    *("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%Y/%m/%d"),
    *("%d.%m.%Y", "%d.%m.%y", "%Y.%m.%d", "%m-%d-%Y", "%d-%m-%Y", "%m-%d-%y", "%d-%m-%y"),
    *("%b %d, %Y", "%b %d %Y", "%d %b %Y", "%d %b, %Y", "%d-%b-%Y", "%d-%b-%y", "%b-%d-%y"),
    *("%B %d, %Y", "%d %B %Y", "%a %b %d %Y", "%a, %d %b %Y", "%Y-%m-%d"),
)
_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p")
_FORMS = (
    *_DAYS,
    *map("".join, product(_DAYS, (" ", ", ", " at "), _CLOCKS, ("", " %z"))),
)
_SOME_TIME = datetime(2024, 3, 4, 10, 15, 22, tzinfo=UTC)


def forms_of(texts: Sequence[str]) -> list[str]:
    """Return the forms that all of these times have: several where 04/03 can be read two ways."""
    stripped = [text.strip(" ") for text in texts]
    shape = _shape(stripped[0])  # strptime takes a millisecond for each new form
    forms = [form for form in _FORMS if _shape(_SOME_TIME.strftime(form)) == shape]
    return [form for form in forms if all(_is_of(form, text) for text in stripped)]


def other_form(text: str, form: str) -> str:
    """Return `form` with day and month the other way round, if that reads what it does not."""
    other = re.sub("%[dm]", lambda code: {"%d": "%m", "%m": "%d"}[code[0]], form)
    return other if other != form and _is_of(other, text.strip(" ")) else ""


def _shape(text: str) -> str:
    return re.sub("[A-Za-z]+", "a", re.sub("[+-]?[0-9]+", "9", text))


def _is_of(form: str, text: str) -> bool:
    try:
        return bool(datetime.strptime(text, form))
    except ValueError:
        return False
