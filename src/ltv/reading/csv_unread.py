"""Columns of CSV that nothing was asked of, though they change what amounts mean: to be warned of.

| column | of whose rows |
|---|---|
| its name has "status" | those that were cancelled, failed or not yet paid |
| "cancelled at" | those with a time there |
| "refund" | those with an amount there |
| "currency" | those in another one than is summed |
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter

from ltv.reading.csv_columns import CsvRules
from ltv.reading.csv_rows import Hint

_UNPAID = re.compile(
    "(?:wc-)?(?:cancell?ed|void(?:ed)?|failed|declined|denied|expired|pending(?:.payment)?|unpaid"
    "|abandoned|draft|reversed|chargeback|on.hold|holded|awaiting.payment|payment.(?:failed|error)"
    "|incomplete|not.paid|suspected.fraud|removed|open"
    "|stornier.*|abgebrochen|annul.*|cancelad.*|anulad.*|geannul.*|offen|impay.*)",
    re.IGNORECASE,
)
_REFUNDED = re.compile(
    "(?:wc-)?(?:(?:partial(?:ly)?.)?refund(?:ed)?|returned|erstattet|rembours.*|reembolsad.*)",
    re.IGNORECASE,
)

_STATUS = re.compile(
    "(?!.*(?:fulfil|ship|deliver|dispute|avs|cvc|tax|stock))"
    ".*(?:status|statut|\u00e9tat|estado|^state$|^stato$)",
    re.IGNORECASE,
)
_CANCELLED = re.compile("cancel(?:l?ed|lation).?(?:at|on|date|time)$", re.IGNORECASE)
_REFUND = re.compile(
    "(?!.*(?:date|status|reason|type|note|number|quantity|qty|items| at$)).*refund", re.IGNORECASE
)
_CURRENCY = re.compile("(?:order.)?currency(?:.code)?$", re.IGNORECASE)

_FILLED = re.compile("[1-9]")


class Unread:
    """Looks at the rows that are orders for what is to be warned of."""

    def __init__(self, names: Sequence[str], rules: CsvRules, currency: str) -> None:
        self._text_of: dict[int, Callable[[str], str]] = {}  # by the place of the column
        asked = rules.columns
        is_filtered = any(_STATUS.match(name) or _CANCELLED.match(name) for name in rules.where)
        for place, name in enumerate(names):
            if _STATUS.match(name) and not is_filtered:
                self._text_of[place] = partial(_of_status, name, "minus" in asked)
            elif _CANCELLED.match(name) and not is_filtered:
                self._text_of[place] = partial(_of_cancelled, name)
            elif _REFUND.match(name) and "minus" not in asked:
                self._text_of[place] = partial(_of_refund, name)
            elif _CURRENCY.match(name) and "currency" not in asked:
                self._text_of[place] = partial(_of_currency, name, currency)

    @property
    def is_any(self) -> bool:
        """Return whether there are such columns."""
        return bool(self._text_of)

    def hints(self, rows: Sequence[list[str]], lines: Sequence[int]) -> Iterator[Hint]:
        """Yield what is to be warned of; each row begins on its line."""
        for place, text_of in self._text_of.items():
            cells = list(map(itemgetter(place), rows))
            texts = {cell: text for cell in set(cells) if (text := text_of(cell))}
            if texts:
                found = [texts.get(cell, "") for cell in cells]
                for text, count in Counter(filter(None, found)).items():
                    yield Hint(text, count, lines[found.index(text)])


# Each of these returns what is said of the rows with a cell, empty for nothing.


def _of_status(name: str, is_refund_taken_off: bool, cell: str) -> str:
    is_told = _UNPAID.fullmatch(cell) or (not is_refund_taken_off and _REFUNDED.fullmatch(cell))
    text = f'orders with the {name} "{cell}" count; --csv-where says which are to'
    return text if is_told else ""


def _of_cancelled(name: str, cell: str) -> str:
    text = f"orders with a time in \"{name}\" count; --csv-where '{name}=' leaves them out"
    return text if _FILLED.search(cell) else ""


def _of_refund(name: str, cell: str) -> str:
    text = f'the column "{name}" is not taken off; "minus={name}" in --csv does that'
    return text if _FILLED.search(cell) else ""


def _of_currency(name: str, currency: str, cell: str) -> str:
    text = f'amounts of another {name} count as {currency}; "currency={name}" in --csv tells it'
    return "" if cell.strip().upper() in ("", currency) else text
