"""A plain CSV file cut into parts that can be read by themselves: a guess where rows begin.

A line break may stand in quotes. So a part begins where the lines that follow are rows as wide as
the header; and it is read anew as a whole (ltv.parallel.driver) unless each part ends with a row.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from itertools import islice

from ltv.parallel.parts import Part
from ltv.reading.csv_columns import ROW_NUMBER, CsvRules, Table
from ltv.reading.csv_reader import CsvReader
from ltv.reading.csv_rows import CSV
from ltv.reading.files import CHUNK_BYTES, reading
from ltv.reading.state import FileState
from LTV_Ingest import Rules

_CUT_BYTES = 64 * 1024
_MOST_LINES_TRIED = 100
_ROWS_TO_TELL = 4

#: Of these each line break is one byte, and nothing else has that byte.
_CUTTABLE = ("utf-8", "ascii", "cp125", "iso8859")


def csv_parts(
    file: str, part_bytes: int, state: FileState, csv_rules: CsvRules, rules: Rules
) -> Iterator[Part]:
    """Yield all parts of a plain CSV file, of about `part_bytes`.

    `state` is what `state_of_file` gave. Raises FileError.
    """
    begin = 0
    table = None
    with reading(file, state) as source:
        is_numbered = csv_rules.columns["key"] == (ROW_NUMBER,)  # from the begin of the file
        if state.size > 2 * part_bytes and not is_numbered:
            reader = CsvReader(file, iter([source.stream.read(CHUNK_BYTES)]), csv_rules, rules)
            table = reader.table()
        if table and reader.encoding.startswith(_CUTTABLE):
            for aim in range(part_bytes, state.size - part_bytes // 2, part_bytes):
                source.stream.seek(aim)
                data = source.stream.read(min(_CUT_BYTES, state.size - aim))
                end = _row_begin(data.decode(reader.encoding, "surrogateescape"), table, csv_rules)
                if end:
                    length = len(end.encode(reader.encoding, "surrogateescape"))
                    yield _part(file, begin, aim + length, state, table)
                    begin = aim + length
    yield _part(file, begin, None, state, table)


def _part(file: str, begin: int, end: int | None, state: FileState, table: Table | None) -> Part:
    if begin:
        return Part(file, CSV, begin, end, state=state, table=table)
    return Part(file, None, begin, end, state=state)


def _row_begin(text: str, table: Table, csv_rules: CsvRules) -> str:
    """Return what stands before a row with an order of its own, empty where none is found."""
    lines = StringIO(text, newline="\n").readlines()[:-1]  # the last one may be cut off
    for number in range(1, min(len(lines) - _ROWS_TO_TELL, _MOST_LINES_TRIED)):
        reader = csv.reader(lines[number:], **table.dialect(csv_rules))
        try:
            rows = list(islice(reader, _ROWS_TO_TELL))
        except csv.Error:
            continue
        are_whole = {len(row) for row in rows} == {len(table.header)}
        if are_whole and reader.line_num < len(lines) - number and table.is_order(rows[0]):
            return "".join(lines[:number])
    return ""
