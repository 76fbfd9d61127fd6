"""Text of CSV files to rows with their place, and these to events (ltv.reading.csv_orders).

A row whose quotes are not closed as they should be costs its first line; the other lines that it
would have taken are read as a row each.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import StringIO
from typing import Any

from ltv.errors import DamagedFileError, EventError, FileError, NotAnEventLogError
from ltv.reading.csv_columns import ColumnsError, CsvRules, Table, header_of, table_of
from ltv.reading.csv_orders import OrderRows
from ltv.reading.csv_places import PlacedRows
from ltv.reading.csv_rows import CSV, InRows
from ltv.reading.decoding import MAX_EVENT_BYTES, SPACE, not_json, too_long
from ltv.reading.files import BrokenStreamError, StillWrittenError
from ltv.reading.framing import NotEventsError, check_kind
from ltv.reading.units import PREVIEW_LENGTH, Unit
from ltv.reading.window import Position
from LTV_Ingest import Rules

_BLOCK_LENGTH = 256 * 1024
_BYTES_TO_TELL = 1024  # what kind of file it is
_MOST_LINES_OF_TITLE = 30

#: Blank lines and rows, and the one by which Excel is told the separator.
_BEFORE_HEADER = re.compile(r"\A(?:sep=.\r?\n|[,;\t \"]*+\r?\n)+")

_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))


class CsvReader:
    """The events of a CSV file, in order: to be iterated over once.

    Those of a part that begins at `begin` need the `table` of their file; up to `end`, where a row
    is to begin. If none does, `last` is before the file.

    Raises DamagedFileError, FileError, and ColumnsError for a header that lacks what is mapped.
    """

    framing = CSV
    is_event_log = True

    def __init__(  # noqa: PLR0913 - a part takes three more than a file
        self,
        file: str,
        chunks: Iterator[bytes],
        rules: CsvRules,
        asked: Rules,
        *,
        begin: int = 0,
        end: int | None = None,
        table: Table | None = None,
    ) -> None:
        self._file, self._chunks, self._rules, self._asked = file, chunks, rules, asked
        self._decode = codecs.getincrementaldecoder(rules.encoding)("surrogateescape").decode
        self.encoding = rules.encoding
        self._text, self._is_all = "", False
        self._begin_of_part = self._offset = begin
        self._left = None if end is None else end - begin
        self._is_cut_in_row = False
        self._line, self._row = 1, 1
        self._is_begun = table is not None
        if table:
            self._table = table
        csv.field_size_limit(MAX_EVENT_BYTES)

    @property
    def first(self) -> Position:
        """Where the part begins."""
        return Position(self._begin_of_part, 1)

    @property
    def last(self) -> Position:
        """As far as it was read."""
        return Position(-1 if self._is_cut_in_row else self._offset, self._line)

    def table(self) -> Table | None:
        """Take the header and return the form of the file; None for one without any."""
        return self._table if self._begin() else None

    def __iter__(self) -> Iterator[Unit | InRows]:
        if not self._is_begun and not self._begin():
            return
        orders = OrderRows(
            self._file,
            self._table,
            self._rules,
            self._asked,
            is_first=not self._is_begun,
            is_last=self._left is None,
        )
        while self._text or not self._is_all:
            self._fill(_BLOCK_LENGTH)
            end = len(self._text) if self._is_all else self._text.rfind("\n") + 1
            if end:
                yield from self._block(self._text[:end], orders)
            elif len(self._text) > MAX_EVENT_BYTES:
                yield self._long_line()
            else:
                self._fill(2 * len(self._text))

    def _long_line(self) -> Unit:
        """Take a line that is longer than any row may be."""
        text = self._text[: 4 * PREVIEW_LENGTH]
        unit = Unit(self._line, self._offset, text, None, too_long().bare())
        while "\n" not in self._text and not self._is_all:
            self._skip(len(self._text))
            self._fill(_BLOCK_LENGTH)
        self._skip(self._text.find("\n") + 1 or len(self._text))
        self._row += 1
        return unit

    def _fill(self, wanted: int) -> None:
        """Have so many characters to read, or all there are."""
        pieces, length = [self._text], len(self._text)
        while length < wanted and not self._is_all:
            pieces.append(self._decoded(self._next_chunk()))
            length += len(pieces[-1])
        self._text = "".join(pieces)

    def _decoded(self, chunk: bytes) -> str:
        try:
            return self._decode(chunk, self._is_all)
        except UnicodeError:
            problem = f"expected text in {self.encoding}; --csv-encoding names another"
            raise DamagedFileError(self._file, self._line, self._offset, problem) from None

    def _next_chunk(self) -> bytes:
        """Return more of the part, empty where that is all of it. Raises DamagedFileError."""
        try:
            chunk = next(self._chunks, None) if self._left != 0 else None
        except StillWrittenError:
            chunk = None
        except BrokenStreamError as error:
            raise DamagedFileError(self._file, self._line, self._offset, str(error)) from None
        self._is_all = chunk is None
        if chunk and self._left is not None:
            chunk = chunk[: self._left]
            self._left -= len(chunk)
        return chunk or b""

    def _begin(self) -> bool:
        """Take the header; return whether there is one."""
        head = b""
        while len(head) < _BYTES_TO_TELL and not self._is_all:
            head += self._next_chunk()
        try:
            check_kind(head)
        except NotEventsError as error:
            problem = f": {error.problem}"
            raise NotAnEventLogError(self._file, 0, 0, problem, error.command) from None
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                head = head[len(mark) :]
                self._offset, self.encoding = len(mark), encoding
                self._decode = codecs.getincrementaldecoder(encoding)("surrogateescape").decode
                break
        self._text = self._decoded(head)
        self._fill(_BLOCK_LENGTH)
        stripped = self._text.lstrip(SPACE)
        if not stripped:
            return False
        if re.match(r'\{\s*"|\[\s*[\[{\]]', stripped):
            raise FileError(self._file, "it looks like JSON, not CSV: leave out --csv")
        self._skip(len(self._text) - len(_BEFORE_HEADER.sub("", self._text, count=1)))
        try:
            separator, header, lines = header_of(self._text, self._rules)
        except csv.Error as error:
            problem = f"its header is not CSV: {error}"
            if "new-line" in str(error):
                problem = "its header has a CR in it: give it through tr -d '\\r'"
            if "\n" not in self._text and "\r" in self._text:
                problem = "its lines end with CR alone: give it through tr '\\r' '\\n'"
            raise FileError(self._file, problem) from None
        try:
            self._table = table_of(self._file, separator, header, self._rules)
        except ColumnsError as error:
            raise ColumnsError(self._file, f"{error.cause}{self._hint_at_header()}") from None
        self._skip(sum(map(len, StringIO(self._text, newline="\n").readlines()[:lines])))
        return True

    def _hint_at_header(self) -> str:
        """Return what to do where a later line has the columns, after a title, say."""
        lines = self._text.split("\n", _MOST_LINES_OF_TITLE)[:-1]
        for number in range(1, len(lines)):
            with suppress(csv.Error, ColumnsError):
                separator, header, _ = header_of("\n".join(lines[number:]), self._rules)
                table_of(self._file, separator, header, self._rules)
                line = self._line + number
                return f"; line {line} has all of them: tail -n +{line} FILE gives the rest"
        return ""

    def _bytes_of(self, text: str) -> int:
        return len(text.encode(self.encoding, "surrogateescape"))

    def _skip(self, length: int) -> None:
        text, self._text = self._text[:length], self._text[length:]
        self._offset += self._bytes_of(text)
        self._line += text.count("\n")

    def _block(self, text: str, orders: OrderRows) -> Iterator[Unit | InRows]:
        """Yield what the rows of a text of whole lines come to."""
        dialect = self._table.dialect(self._rules)
        newlines = text.count("\n") + (not text.endswith("\n"))
        try:
            rows: list[list[str] | EventError] = list(
                csv.reader(StringIO(text, newline="\n"), **dialect)
            )
            is_plain = len(rows) == newlines and len(text) <= MAX_EVENT_BYTES
        except csv.Error:
            is_plain = False
        begins: Sequence[int] = range(newlines)
        taken = newlines
        lines: list[str] = []
        if not is_plain:
            lines = StringIO(text, newline="\n").readlines()
            rows, begins, taken = self._careful_rows(lines, dialect)
            if not taken:  # one row is longer than what was looked at
                self._fill(2 * len(self._text))
                return
            text = "".join(lines[:taken])
        yield from orders.events(
            PlacedRows(
                rows, self._row, begins, taken, text, self._line, self._offset, self.encoding
            )
        )
        self._row += len(rows)
        self._skip(len(text))

    def _careful_rows(
        self, lines: list[str], dialect: dict[str, Any]
    ) -> tuple[list[list[str] | EventError], list[int], int]:
        """Return the rows of some lines, where each begins, and how many lines they take."""
        rows: list[list[str] | EventError] = []
        begins: list[int] = []
        begin = 0
        alone = 0  # up to this line each is a row
        while begin < len(lines):
            source = iter(lines[begin : begin + 1] if begin < alone else lines[begin:])
            reader = csv.reader(source, **dialect)
            at = begin
            try:
                for row in reader:
                    lines_of_row = lines[at : begin + reader.line_num]
                    is_long = sum(map(len, lines_of_row)) > MAX_EVENT_BYTES
                    rows.append(too_long() if is_long else row)
                    begins.append(at)
                    at = begin + reader.line_num
                begin = at
            except csv.Error as error:
                reached = begin + reader.line_num
                size = sum(map(len, lines[at:reached]))
                is_open = "end of data" in str(error) and at >= alone
                if is_open and not self._is_all and size <= MAX_EVENT_BYTES:
                    return rows, begins, at
                self._is_cut_in_row |= is_open and self._left is not None
                is_long = size > MAX_EVENT_BYTES or "limit" in str(error)
                problem = "expected the closing quote" if is_open else f"expected CSV: {error}"
                rows.append(too_long() if is_long else not_json(problem))
                begins.append(at)
                begin, alone = at + 1, max(alone, reached)
        return rows, begins, len(lines)
