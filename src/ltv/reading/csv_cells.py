"""Cells of CSV rows as the fields of blocks: columns of times, amounts and ids at once.

| | |
|---|---|
| times of the common forms | taken apart by one pattern |
| plain amounts in the currency that is summed | as they stand |
| other times and amounts | looked at one by one, those of the same text once |
| what is neither | None, for `Ingest` to judge |
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from ltv.blocks import amount_field
from ltv.errors import EventError
from ltv.reading.csv_columns import CsvRules
from ltv.reading.layouts import as_short, in_utc
from ltv.times import pack, shortened
from ltv.values import (
    CLOCK_PATTERN,
    OFFSET_PATTERN,
    REAL_DATE_PATTERN,
    parse_amount,
    parse_time,
)
from LTV_Ingest import Rules

_MOST_KEPT = 100_000

PLAIN_ID = re.compile(r'[^\x00-\x1f"\\\x7f\ud800-\udfff]{1,256}')
_PLAIN_IDS = re.compile(rf"(?:{PLAIN_ID.pattern}(?:\n|\Z))*+")

_TIMES = re.compile(
    rf"({REAL_DATE_PATTERN}[T ]{CLOCK_PATTERN})(?: ?(Z|UTC|{OFFSET_PATTERN}))?\n|(.++)".encode(),
    re.DOTALL,
)
_UTC = {b"Z", b"UTC", b"+0000", b"+00:00", b"+00", b"-0000", b"-00:00", b"-00"}

#: Amounts that are spelt in one way alone, so that equal ones are equal bytes.
_PLAIN_AMOUNTS = re.compile(r"(?:(?:0|[1-9][0-9]{0,11})\.[0-9]{2}\n)++", re.ASCII)

#: The members that an amount is made of.
AMOUNT_MEMBERS = ("total_amount", "currency", "minus")


class _Times(dict[str, bytes | None]):
    """Times as blocks have them, by their text; None for what is left to `Ingest`."""

    def __init__(self, rules: CsvRules, timezone: str | None) -> None:
        super().__init__()
        self._rules, self._timezone = rules, timezone

    def __missing__(self, text: str) -> bytes | None:
        if len(self) >= _MOST_KEPT:
            self.clear()
        try:
            instant = parse_time(self._rules.time_text(text), self._timezone)
            time = shortened(pack(instant).encode())
        except EventError:
            time = None
        self[text] = time
        return time


class _Amounts(dict[tuple[str, ...], bytes | None]):
    """Amounts as blocks have them, by the cells of amount, currency and minus, likewise."""

    def __init__(self, rules: CsvRules, members: Sequence[str], currency: str) -> None:
        super().__init__()
        self._rules, self._members, self._currency = rules, members, currency

    def __missing__(self, cells: tuple[str, ...]) -> bytes | None:
        if len(self) >= _MOST_KEPT:
            self.clear()
        of = dict(zip(self._members, cells, strict=True))
        try:
            micros = micros_of(of, self._rules, self._currency)
            amount = amount_field(micros)
        except EventError:
            amount = None
        self[cells] = amount
        return amount


def micros_of(cells: dict[str, str], rules: CsvRules, currency: str) -> int:
    """Return the amount of a row less its `minus`, which has a sign in some exports.

    Raises EventError.
    """
    beside = cells.get("currency") or None
    amount = parse_amount(rules.amount_text(cells["total_amount"]), currency, beside)
    minus = cells.get("minus", "")
    return amount - (abs(parse_amount(rules.amount_text(minus), currency, beside)) if minus else 0)


class Cells:
    """Makes columns of cells into those of blocks; None stands for what is left to `Ingest`."""

    def __init__(self, rules: CsvRules, asked: Rules) -> None:
        self._asked, self._rules = asked, rules
        self._members = [member for member in AMOUNT_MEMBERS if member in rules.columns]
        self._times = _Times(rules, asked.timezone)
        self._amounts = _Amounts(rules, self._members, asked.currency)

    def times(self, texts: Sequence[str]) -> list[bytes | None]:
        """Return short times."""
        found = self._common_times(texts) if self._rules.time_format is None else None
        return list(map(self._times.__getitem__, texts)) if found is None else found

    def _common_times(self, texts: Sequence[str]) -> list[bytes | None] | None:
        """Return the short times, if all are of a common form."""
        joined = "\n".join([*texts, ""]).encode("utf-8", "surrogateescape")
        found = _TIMES.findall(joined)
        if len(found) != len(texts) or not found or found[-1][-1]:
            return None
        times, zones, _ = zip(*found, strict=True)
        kinds = set(zones)
        if b"" in kinds and self._asked.timezone:
            return None
        if kinds <= _UTC | {b""} and b"." not in joined:
            short = b"\n".join(times).replace(b" ", b"T").replace(b"\n", b".000\n") + b".000"
            return list(short.split(b"\n"))
        try:
            return [
                as_short(time) if zone in _UTC or not zone else in_utc(zone, time)
                for time, zone, _ in found
            ]
        except EventError:  # one is of another year in UTC
            return None

    def amounts(self, columns: Mapping[str, Sequence[str]]) -> list[bytes | None]:
        """Return amounts, by the columns of AMOUNT_MEMBERS that there are."""
        texts = columns["total_amount"]
        is_one = set(columns.get("currency", ())) <= {"", self._asked.currency}
        if is_one and "minus" not in columns and not self._rules.decimal_comma:
            joined = "\n".join([*texts, ""])
            if _PLAIN_AMOUNTS.fullmatch(joined) and joined.count("\n") == len(texts):
                return list(joined.encode().split(b"\n")[:-1])
        cells = zip(*(columns[member] for member in self._members), strict=True)
        return list(map(self._amounts.__getitem__, cells))


def are_plain_ids(ids: list[str]) -> bool:
    """Return whether all ids stand in blocks as they are."""
    joined = "\n".join(ids)
    return bool(_PLAIN_IDS.fullmatch(joined)) and joined.count("\n") == len(ids) - 1 and all(ids)


def plain_ids(ids: list[str]) -> Iterator[object]:
    """Return of each id whether it stands in blocks as it is."""
    return map(PLAIN_ID.fullmatch, ids)
