"""Rows of CSV to events: each is an ORDER NEW, and with a name a CUSTOMER NEW too.

| of a block of rows | come as |
|---|---|
| those whose cells are all plain | RowBlocks: thousands of events by column |
| any other row | a Unit: one event with its place, for `Ingest` to judge |
| rows that are no events (further items, guests, blank ones) | PassedOver: how many |
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, compress
from operator import itemgetter

from ltv.blocks import Block
from ltv.errors import OTHER_CURRENCY, EventError, FileError
from ltv.reading.csv_cells import PLAIN_ID, Cells, are_plain_ids, micros_of, plain_ids
from ltv.reading.csv_columns import CsvRules, Table
from ltv.reading.csv_places import PlacedRows
from ltv.reading.csv_rows import (
    BLANK,
    GUESTS,
    HEADERS,
    ITEMS,
    Hint,
    InRows,
    NameInRow,
    PassedOver,
    RowBlocks,
)
from ltv.reading.csv_times import forms_of, other_form
from ltv.reading.csv_unread import Unread
from ltv.reading.decoding import check_text, not_json
from ltv.reading.units import Unit
from ltv.values import amount_text, parse_amount
from LTV_Ingest import Rules, fact_of

_ROWS_TO_TELL_TIMES = 100

#: As what rows are passed over, whatever stands in the columns of `--csv-where`.
_NO_ORDERS = (BLANK, HEADERS, ITEMS)

#: What stands for every guest, in the place of a customer.
_NOBODY = frozenset(
    ("0", "-", "--", "Guest", "guest", "GUEST", "N/A", "n/a", "NULL", "null", "None")
)

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


class OrderRows:
    """The events that the rows of one CSV file come to, block after block.

    The rows may be a part of those of the file: its first, its last ones, all, or neither.
    """

    def __init__(
        self,
        file: str,
        table: Table,
        rules: CsvRules,
        asked: Rules,
        *,
        is_first: bool,
        is_last: bool,
    ) -> None:
        self._file, self._table, self._rules, self._asked = file, table, rules, asked
        self._is_last = is_last
        self._are_times_told = not is_first
        self._key_before = ""
        self._cells = Cells(rules, asked)
        self._unread = Unread([name.strip() for name in table.header], rules, asked.currency)

    def events(self, block: PlacedRows) -> Iterator[Unit | InRows]:
        """Yield what the next rows come to. Raises FileError where none of the first has a time."""
        numbers, rows = self._whole(block.rows)
        column = {member: self._column(member, rows) for member in self._table.places}
        if "key" in column and not self._table.places["key"]:
            column["key"] = [str(block.row + number + 1) for number in numbers]
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
        is_enough = self._is_last or len(first) == _ROWS_TO_TELL_TIMES
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
    ) -> Iterator[Unit | InRows]:
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
    ) -> Iterator[Unit | InRows]:
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
