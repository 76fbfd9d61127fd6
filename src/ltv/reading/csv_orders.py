"""CSV files of orders to events: each row is an ORDER NEW, and with a name a CUSTOMER NEW too.

| of a block of lines | come as |
|---|---|
| rows whose cells are all plain | RowBlocks: thousands of events by column |
| any other row | a Unit: one event with its place, for `Ingest` to judge |
| rows that are no events (further items, guests, blank ones) | PassedOver: how many |

A row whose quotes are not closed as they should be costs its first line; the other lines that it
would have taken are read as a row each.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import StringIO
from itertools import accumulate, compress
from operator import itemgetter
from typing import Any

from ltv.blocks import Block
from ltv.errors import OTHER_CURRENCY, DamagedFileError, EventError, FileError, NotAnEventLogError
from ltv.reading.csv_cells import PLAIN_ID, Cells, are_plain_ids, micros_of, plain_ids
from ltv.reading.csv_columns import ColumnsError, CsvRules, Table, header_of, table_of
from ltv.reading.csv_places import PlacedRows
from ltv.reading.csv_rows import (
    BLANK,
    CSV,
    GUESTS,
    HEADERS,
    ITEMS,
    Hint,
    NameInRow,
    PassedOver,
    RowBlocks,
)
from ltv.reading.csv_times import forms_of, other_form
from ltv.reading.csv_unread import Unread
from ltv.reading.decoding import MAX_EVENT_BYTES, SPACE, check_text, not_json, too_long
from ltv.reading.files import BrokenStreamError, StillWrittenError
from ltv.reading.framing import NotEventsError, check_kind
from ltv.reading.units import PREVIEW_LENGTH, Unit
from ltv.reading.window import Position
from ltv.values import amount_text, parse_amount
from LTV_Ingest import Rules, fact_of

_BLOCK_LENGTH = 256 * 1024
_BYTES_TO_TELL = 1024  # what kind of file it is
_ROWS_TO_TELL_TIMES = 100
_MOST_LINES_OF_TITLE = 30

#: As what rows are passed over, whatever stands in the columns of `--csv-where`.
_NO_ORDERS = (BLANK, HEADERS, ITEMS)

#: What stands for every guest, in the place of a customer.
_NOBODY = frozenset(
    ("0", "-", "--", "Guest", "guest", "GUEST", "N/A", "n/a", "NULL", "null", "None")
)

#: Blank lines and rows, and the one by which Excel is told the separator.
_BEFORE_HEADER = re.compile(r"\A(?:sep=.\r?\n|[,;\t \"]*+\r?\n)+")

_ENCODING_HINT = "text is not in the encoding; --csv-encoding names another, such as cp1252"
_RAGGED_HINT = (
    "rows have other numbers of cells than the header,"
    " as of separators at their ends or in cells without quotes"
)
_SPELLING_HINT = 'rows with {} "{}" are left out: --csv-where has it spelt otherwise'
_NO_QUOTES = "where quotes are characters like others, --csv-quote none"
_UNCLOSED_HINT = f"a quote is not closed as in CSV; {_NO_QUOTES}"
_SWALLOWED_HINT = f"a cell in quotes holds whole rows; {_NO_QUOTES}"
_NOBODY_HINT = (
    'the customer "{}" may be all guests; map customer_id to another column, such as the address'
)
_FORM_HINT = "times can be read only with day and month the other way round, --csv-time '{}'"
_COMMA_HINT = "amounts can be read only with --decimal-comma"

_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))


Found = Unit | RowBlocks | NameInRow | PassedOver | Hint


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
        self._key_before = ""
        self._are_times_told = self._is_begun = table is not None
        if table:
            self._table = table
        self._cells = Cells(rules, asked)
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

    def __iter__(self) -> Iterator[Found]:
        if not self._is_begun and not self._begin():
            return
        names = [name.strip() for name in self._table.header]
        self._unread = Unread(names, self._rules, self._asked.currency)
        while self._text or not self._is_all:
            self._fill(_BLOCK_LENGTH)
            end = len(self._text) if self._is_all else self._text.rfind("\n") + 1
            if end:
                yield from self._block(self._text[:end])
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
            if "\n" not in self._text and "\r" in self._text:
                problem = "its lines end with CR alone: give it through tr '\\r' '\\n'"
                raise FileError(self._file, problem) from None
            raise FileError(self._file, f"its header is not CSV: {error}") from None
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

    def _block(self, text: str) -> Iterator[Found]:
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
        yield from self._events(
            PlacedRows(rows, begins, taken, text, self._line, self._offset, self.encoding)
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

    def _events(self, block: PlacedRows) -> Iterator[Found]:
        numbers, rows = self._whole(block.rows)
        column = {member: self._column(member, rows) for member in self._table.places}
        if "key" in column and not self._table.places["key"]:
            column["key"] = [str(self._row + number + 1) for number in numbers]
        times = self._cells.times(column["event_time"])
        self._check_times(column["event_time"], times)
        amounts = self._cells.amounts(column)
        keys, owners = column["key"], column["customer_id"]
        checks: list[Iterable[object]] = [check for check in (times, amounts) if None in check]
        checks += [plain_ids(ids) for ids in (keys, owners) if not are_plain_ids(ids)]
        checks += [[row[at] in wanted for row in rows] for at, wanted in self._table.where]
        if "last_name" in column:
            checks.append([not name or PLAIN_ID.fullmatch(name) for name in column["last_name"]])
        if not block.text.isascii():
            checks.append([all(map(_is_utf8, row)) for row in rows])
        are_good = list(map(all, zip(*checks, strict=True))) if checks else [True] * len(rows)
        if rows and rows.count(self._table.header):
            are_good = [
                good and row != self._table.header for good, row in zip(are_good, rows, strict=True)
            ]
        yield from self._good(are_good, numbers, block, column, times, amounts)
        if len(rows) < len(block.rows) or not all(are_good):
            yield from self._others(are_good, block, column, numbers)
        yield from self._hints(block, rows, owners, numbers, are_good)
        self._key_before = next(filter(str.strip, reversed(keys)), self._key_before)

    def _hints(
        self,
        block: PlacedRows,
        rows: list[list[str]],
        owners: list[str],
        numbers: Sequence[int],
        are_good: list[bool],
    ) -> Iterator[Hint]:
        """Yield what is to be warned of; `rows` and what follows are of the whole rows alone."""
        if self._unread.is_any:
            lines = list(map(block.line_of, compress(numbers, are_good)))
            yield from self._unread.hints(list(compress(rows, are_good)), lines)
        if not _NOBODY.isdisjoint(owners):
            for number, owner, good in zip(numbers, owners, are_good, strict=True):
                if good and owner in _NOBODY:
                    yield Hint(_NOBODY_HINT.format(owner), 1, block.line_of(number))
        if block.line_count > len(block.rows):  # some have line breaks in quotes
            most = len(self._table.header) - 1
            ends = [*block.begins[1:], block.line_count]
            for number, row in zip(numbers, rows, strict=True):
                if ends[number] - block.begins[number] > 1 and any(
                    "\n" in cell and cell.count(self._table.separator) >= most for cell in row
                ):
                    yield Hint(_SWALLOWED_HINT, 1, block.line_of(number))

    def _whole(self, rows: list[list[str] | EventError]) -> tuple[Sequence[int], list[list[str]]]:
        """Return the rows with as many cells as the header, and their numbers."""
        width = len(self._table.header)
        if set(map(type, rows)) <= {list} and set(map(len, rows)) <= {width}:  # type: ignore[arg-type] # of lists
            return range(len(rows)), rows  # type: ignore[return-value] # likewise
        pairs = enumerate(rows)
        whole = {one: row for one, row in pairs if isinstance(row, list) and len(row) == width}
        return list(whole), list(whole.values())

    def _column(self, member: str, rows: list[list[str]]) -> list[str]:
        places = self._table.places[member]
        if len(places) == 1:
            return list(map(itemgetter(places[0]), rows))
        return [" ".join([row[place] for place in places]).strip() for row in rows]

    def _check_times(self, texts: list[str], times: list[bytes | None]) -> None:
        """Raise FileError where none of the first times is one."""
        if self._are_times_told:
            return
        self._are_times_told = True
        (name,) = self._column("event_time", [self._table.header])
        pairs = zip(texts, times, strict=True)
        first = [pair for pair in pairs if pair[0].strip() not in ("", name)][:_ROWS_TO_TELL_TIMES]
        is_enough = self._left is None or len(first) == _ROWS_TO_TELL_TIMES
        if is_enough and first and not any(time for _, time in first):
            what = f"none of the first {len(first)} rows has a time that is read"
            forms = forms_of([text for text, _ in first])
            shown = " or ".join(map(repr, forms)) or "'%m/%d/%Y %H:%M', with months in English"
            remedy = (
                f"say how times are written, {'such as' if forms else 'for example'} --csv-time"
            )
            raise FileError(self._file, f'{what}, such as "{first[0][0]}": {remedy} {shown}')

    def _good(
        self,
        are_good: list[bool],
        numbers: Sequence[int],
        block: PlacedRows,
        column: dict[str, list[str]],
        times: list[bytes | None],
        amounts: list[bytes | None],
    ) -> Iterator[RowBlocks]:
        """Yield the events of the rows whose cells are all plain."""

        def kept(cells: Sequence[str]) -> list[bytes]:
            return "\n".join(compress(cells, are_good)).encode().split(b"\n")

        if not any(are_good):
            return
        good_times = list(compress(times, are_good))
        owners = kept(column["customer_id"])
        news = [b""] * len(owners)
        columns = good_times, news, kept(column["key"]), owners, list(compress(amounts, are_good))
        blocks = [Block("ORDER", columns)]  # type: ignore[arg-type] # no None is good
        if "last_name" in column:
            names = kept(column["last_name"])
            quoted = [b'"%b"' % name for name in names]
            customers = Block("CUSTOMER", (good_times, news, owners, quoted))  # type: ignore[arg-type] # likewise
            blocks.append(customers.only(list(map(bool, names))))
        begins = map(block.begins.__getitem__, compress(numbers, are_good))
        yield RowBlocks(blocks, [block.line + begin for begin in begins])

    def _others(
        self,
        are_good: list[bool],
        block: PlacedRows,
        column: dict[str, list[str]],
        numbers: Sequence[int],
    ) -> Iterator[Found]:
        """Yield what every other row is."""
        good = set(compress(numbers, are_good))
        at = {number: index for index, number in enumerate(numbers) if number not in good}
        befores: list[str] = []
        passed: Counter[str] = Counter()
        spent = 0
        for number, row in enumerate(block.rows):
            if number in good:
                continue
            index = at.get(number)
            cells = {} if index is None else {one: column[one][index] for one in column}
            before = ""
            if index is not None and not cells["total_amount"].strip():  # perhaps a further item
                keys = column["key"]
                befores = befores or [*accumulate(keys, _last_filled, initial=self._key_before)]
                before = befores[index]
            if isinstance(row, EventError):
                yield block.unit(number, None, row)
                if row.reason == "not-json" and "new-line" not in row.message:
                    yield Hint(_UNCLOSED_HINT, 1, block.line_of(number))
                continue
            what = self._kind(row, cells, before)
            if what == GUESTS:
                with suppress(EventError):  # what it spent is not known
                    spent += micros_of(cells, self._rules, self._asked.currency)
            if what:
                passed[what] += 1
                for text in self._spelt_otherwise(row, what):
                    yield Hint(text, 1, block.line_of(number))
            else:
                yield from self._single(block, number, row, cells)
        if passed:
            yield PassedOver(passed, spent)

    def _kind(self, row: list[str], cells: dict[str, str], before: str) -> str:
        """Return as what a row is passed over; empty for one that is an event, good or bad."""
        if not any(map(str.strip, row)):
            return BLANK
        if row == self._table.header:
            return HEADERS
        if not cells:
            return ""
        if not cells["total_amount"].strip() and cells["key"].strip() in ("", before.strip()):
            return ITEMS
        for place, wanted in self._table.where:
            if row[place] not in wanted:
                return f'rows with {self._table.header[place]} "{row[place]}"'
        return "" if cells["customer_id"].strip() else GUESTS

    def _spelt_otherwise(self, row: list[str], what: str) -> Iterator[str]:
        """Yield the hint at a value that is left out but for its case, or spaces around it."""
        for place, wanted in self._table.where if what not in _NO_ORDERS else ():
            cell = row[place]
            if cell not in wanted and cell.strip().lower() in {value.lower() for value in wanted}:
                yield _SPELLING_HINT.format(self._table.header[place], cell)

    def _single(
        self, block: PlacedRows, number: int, row: list[str], cells: dict[str, str]
    ) -> Iterator[Found]:
        """Yield the events of one row for `Ingest` to judge."""
        try:
            check_text(block.row_text(number))
            if not cells:
                width, got = len(self._table.header), len(row)
                raise not_json(f"expected {width} cells as in the header, got {got}")
        except EventError as error:
            yield block.unit(number, None, self._with_encoding(error))
            hint = _ENCODING_HINT if error.reason == "not-utf8" else _RAGGED_HINT
            yield Hint(hint, 1, block.line_of(number))
            return
        event: dict[str, object] = {
            "type": "ORDER",
            "verb": "NEW",
            "key": cells["key"] or None,
            "event_time": self._rules.time_text(cells["event_time"]) or None,
            "customer_id": cells["customer_id"],
            "total_amount": self._rules.amount_text(cells["total_amount"]).strip() or None,
            "currency": cells.get("currency"),
        }
        try:
            fact = fact_of(event, self._asked)
            if cells.get("minus"):
                micros = micros_of(cells, self._rules, self._asked.currency)
                event |= {"total_amount": amount_text(micros), "currency": self._asked.currency}
        except EventError as error:
            yield block.unit(number, event, error)
            wanted = self._rules.time_format or ""
            if error.reason == "bad-time" and (form := other_form(cells["event_time"], wanted)):
                yield Hint(_FORM_HINT.format(form), 1, block.line_of(number))
            if error.reason == "bad-amount" and self._is_of_comma(cells):
                yield Hint(_COMMA_HINT, 1, block.line_of(number))
            return
        yield block.unit(number, event, None)
        if name := cells.get("last_name"):
            members = {"key": fact.customer_id, "event_time": event["event_time"]}
            yield NameInRow({"type": "CUSTOMER", "verb": "NEW", **members, "last_name": name})

    def _is_of_comma(self, cells: dict[str, str]) -> bool:
        try:
            amount = self._rules._replace(decimal_comma=True).amount_text(cells["total_amount"])
            parse_amount(amount, self._asked.currency, cells.get("currency"))
        except EventError as error:
            return error.reason == OTHER_CURRENCY and not self._rules.decimal_comma
        return not self._rules.decimal_comma

    def _with_encoding(self, error: EventError) -> EventError:
        if error.reason != "not-utf8":
            return error
        return EventError("not-utf8", None, f"{error.message}; --csv-encoding names another")


def _last_filled(before: str, key: str) -> str:
    return key if key.strip() else before


def _is_utf8(text: str) -> bool:
    return text.isascii() or text.isprintable() or not re.search("[\ud800-\udfff]", text)
