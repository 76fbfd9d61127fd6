"""Which columns of a CSV file make an event, and how its cells are read: what `--csv` says.

    mapping_of("customer_id=Email,key=Name,event_time=Date+Time,total_amount=Total")

Columns are found by name alone; those that are joined by `+` are put together with a space.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Any, NamedTuple

from ltv.errors import FileError

#: The names that a column may have.
Columns = tuple[str, ...]

#: The members that a column, or several, may be mapped to.
NEEDED = ("customer_id", "key", "event_time", "total_amount")
MEMBERS = (*NEEDED, "currency", "last_name", "minus")

#: Which columns the exports of some systems have, and which of their rows were paid for: of columns
#: that older exports name otherwise, the first that is there (tests/reading/test_exports.py).
LAYOUTS: dict[str, tuple[dict[str, Columns], dict[str, frozenset[str]]]] = {
    "shopify": (
        {
            "customer_id": ("Email",),
            "key": ("Name",),
            "event_time": ("Created at",),
            "total_amount": ("Total",),
            "currency": ("Currency",),
            "minus": ("Refunded Amount",),
        },
        {"Financial Status": frozenset({"paid", "partially_refunded", "refunded"})},
    ),
    "stripe": (
        {
            "customer_id": ("Customer Email",),
            "key": ("id",),
            "event_time": ("Created date (UTC)", "Created (UTC)", "Created"),
            "total_amount": ("Amount",),
            "currency": ("Currency",),
            "minus": ("Amount Refunded",),
        },
        {"Status": frozenset({"Paid", "Refunded"})},
    ),
}

#: In the place of a column for `key`: the number of the row.
ROW_NUMBER = "@row"

SAME_KEY = ("sum", "last", "max")

_LAYOUT = re.compile(rf"\s*(?P<layout>{'|'.join(LAYOUTS)})\s*(?:,|$)")

_MEMBER = re.compile(rf"(?:^|,)\s*(?P<member>{'|'.join(MEMBERS)})=")
_MOST_LISTED = 100  # names of columns
_SEPARATORS = (",", ";", "\t")
_BETWEEN_DIGITS = re.compile("(?<=[0-9])[ \u00a0\u202f](?=[0-9]{3})")
_IN_PARENTHESES = re.compile(r"\A\s*+([^()]*+)\(([^()]++)\)([^()]*+)\Z")  # amounts below 0
_SWAPPED = str.maketrans(",.", ".,")


class ColumnsError(FileError):
    """The header of a CSV file has not the columns that the command line names."""


class CsvRules(NamedTuple):
    """How CSV files are read: the columns of each member, and what is said of their cells."""

    columns: Mapping[str, Columns]  # by member
    where: Mapping[str, frozenset[str]] = {}  # the values that are wanted, by column
    time_format: str | None = None  # of strptime
    decimal_comma: bool = False
    is_quoted: bool = True
    encoding: str = "utf-8"
    same_key: str | None = None  # one of SAME_KEY
    layout: str = ""  # one of LAYOUTS, where that is what was asked for

    def time_text(self, text: str) -> str:
        """Return a time as an event has it; what is not in the form asked for, as it is."""
        stripped = text.strip(" ")
        if self.time_format is None:
            return stripped
        try:
            return datetime.strptime(stripped, self.time_format).isoformat()
        except ValueError:
            return text

    def amount_text(self, text: str) -> str:
        """Return an amount as an event has it: with a decimal point, below 0 by a sign."""
        if self.decimal_comma:
            text = _BETWEEN_DIGITS.sub(".", text).translate(_SWAPPED)
        return _IN_PARENTHESES.sub(r"-\1\2\3", text)


class Mapped(NamedTuple):
    """The columns by member, and what they begin with."""

    columns: dict[str, Columns]
    layout: str = ""


def mapping_of(text: str) -> Mapped:
    """Return the columns by member that `MEMBER=COLUMN,...` says. Raises ValueError.

    It may begin with one of LAYOUTS, whose columns it adds to or replaces. A comma separates only
    where a member follows, since names of columns have commas too.
    """
    named = _LAYOUT.match(text)
    layout = named["layout"] if named else ""
    known = LAYOUTS[layout][0] if layout else {}
    if named and named.end() == len(text):
        return Mapped(dict(known), layout)
    text = text[named.end() :] if named else text
    found = list(_MEMBER.finditer(text))
    ends = [*(match.start() for match in found), len(text)][1:]
    columns = {
        match["member"]: text[match.end() : end].strip()
        for match, end in zip(found, ends, strict=True)
    }
    if not found or found[0].start() or len(columns) < len(found) or not all(columns.values()):
        layouts = " or ".join(LAYOUTS)
        members = ", ".join(MEMBERS)
        raise ValueError(f"{layouts}, or MEMBER=COLUMN with commas between, of {members}")
    all_columns = known | {member: (column,) for member, column in columns.items()}
    missing = [member for member in NEEDED if member not in all_columns]
    if missing:
        raise ValueError(f"a column for {' and '.join(missing)}")
    return Mapped(all_columns, layout)


class Table(NamedTuple):
    """The form of one file: its separator, its header, and the numbers of the columns wanted."""

    separator: str
    header: list[str]
    places: dict[str, list[int]]  # by member
    where: list[tuple[int, frozenset[str]]]

    def is_order(self, row: Sequence[str]) -> bool:
        """Return whether a row is no further item of the order before it, whichever that is."""
        needed = (self.places[member] for member in ("key", "total_amount"))
        return all(any(row[place].strip() for place in places) for places in needed)

    def dialect(self, rules: CsvRules) -> dict[str, Any]:
        """Return the arguments of csv.reader."""
        return dialect(self.separator, rules)


def dialect(separator: str, rules: CsvRules) -> dict[str, Any]:
    """Return the arguments of csv.reader for files with this separator."""
    quoting = csv.QUOTE_MINIMAL if rules.is_quoted else csv.QUOTE_NONE
    return {"delimiter": separator, "quoting": quoting, "strict": rules.is_quoted}


def header_of(text: str, rules: CsvRules) -> tuple[str, list[str], int]:
    """Return the separator, the names and the number of lines of the header that `text` begins
    with: by the separator that gives the most names. Raises csv.Error where none reads it.
    """
    found = []
    errors = []
    for separator in _SEPARATORS:
        reader = csv.reader(StringIO(text, newline="\n"), **dialect(separator, rules))
        try:
            found.append((separator, next(reader, []), reader.line_num))
        except csv.Error as error:  # such as of quotes that close before another separator
            errors.append(error)
    if not found:
        raise errors[0]
    return max(found, key=lambda one: len(one[1]))


def table_of(file: str, separator: str, header: Sequence[str], rules: CsvRules) -> Table:
    """Return where the columns that are wanted stand. Raises ColumnsError."""
    names = [name.strip() for name in header]
    asked_for = f"--csv {rules.layout}".rstrip()

    def place(name: str) -> int:
        count = names.count(name)
        if count == 1:
            return names.index(name)
        if count:
            raise ColumnsError(file, f'two columns have the name "{name}", which {asked_for} names')
        listed = ", ".join(f'"{one}"' for one in names[:_MOST_LISTED])
        listed += f" and {len(names) - _MOST_LISTED} more" * (len(names) > _MOST_LISTED)
        problem = f'there is no column "{name}", which {asked_for} needs'
        raise ColumnsError(file, f"{problem}; its header has {listed}")

    places: dict[str, list[int]] = {}
    for member, columns in rules.columns.items():
        column = next((one for one in columns if one in names), columns[0])
        if (member, column) == ("key", ROW_NUMBER):
            places[member] = []
        else:
            parts = [column] if column in names else column.split("+")
            places[member] = [place(part.strip()) for part in parts]
    where = [(place(column), wanted) for column, wanted in rules.where.items()]
    return Table(separator, list(header), places, where)
