"""Everything that went into one customer's lifetime value: `--explain`.

| | |
|---|---|
| Evidence | what is known of the customer |
| Explanation | that with its row of the ranking |

explanation = explain("c1", D)
"".join(render_text(explanation, summary))
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ltv.errors import LTVError
from ltv.output.formats import json_summary, optional_time_text, row_members
from ltv.output.json_text import json_object, json_text
from ltv.output.table import Column, table_lines
from ltv.report.summary import SHORT_HISTORY, Summary, has_short_history, span_text
from ltv.terminal import ELLIPSIS, escaped
from ltv.times import date_text, day_text, time_text, week_begin
from ltv.values import amount_text, counted, measured, shown
from LTV_Calculate import (
    SIMPLE,
    WEEKS_PER_YEAR,
    Candidate,
    RankedCustomer,
    Ranking,
    Searchable,
    best_customers,
    count_before,
    count_ranked,
    end_of_data,
    ranked,
)
from LTV_Classes import Customer, Order

if TYPE_CHECKING:
    from ltv.ranking.outlook import Expectation, Outlook
    from ltv.ranking.purchases import Purchases

#: A customer may have seen a million pages.
_MOST_PAGES = 20

#: Of the ids that are like what was given.
_MOST_NAMED = 5

_INDENT = "  "

#: A line of the text, or the columns of a table.
_Part = str | list[Column]


class UnknownCustomerError(LTVError):
    """No event that was accepted names the customer; `where` says what was looked through.

    `ids` are the first few that are like what was given, if there are several.
    """

    def __init__(self, customer_id: str, where: str, ids: list[str]) -> None:
        super().__init__(customer_id, where, ids)
        self.customer_id = customer_id
        self.where = where
        self.ids = ids

    def __str__(self) -> str:
        problem = f"customer {shown(self.customer_id)} is {self.where}"
        if not self.ids:
            return problem
        named = ", ".join(f'"{customer_id}"' for customer_id in self.ids[:_MOST_NAMED])
        more = " and more" if len(self.ids) > _MOST_NAMED else ""
        so = "begin and end so" if _ends_of(self.customer_id)[1] else "begin so"
        return f"{problem}; ids that {so}: {named}{more}"


class Evidence(NamedTuple):
    """What is known of a customer; times in microseconds since 1970."""

    candidate: Candidate
    orders: list[Order]  # by time
    first_visit: int | None
    last_visit: int | None
    pages: int
    page_visits: list[tuple[str, int]]  # of the pages with the most visits, how many
    images: int


class Explanation(NamedTuple):
    """The row of a customer in the ranking of all, and what went into it."""

    row: RankedCustomer
    rank: int | None  # None for who is not ranked
    evidence: Evidence
    outlook: "Outlook"
    rows: Mapping[str, Sequence[tuple[str, int]]] = {}  # of CSV, by order_id: files and lines


def explain(
    customer_id: str,
    D: Mapping[str, Customer] | Searchable,
    lifespan: int | float | str | Decimal = 10,
    *,
    ranking: Ranking = SIMPLE,
    where: str = "in none of the events",
) -> Explanation:
    """Return the explanation of a customer in `D`, which is all the data.

    Its row is that of a ranking with an x of all customers; the rank is None for who is not ranked.
    Where no customer has this id, it is the one whose id begins so, or begins and ends as the two
    sides of a `…`, by which a table on a terminal cuts a long one. Raises UnknownCustomerError if
    there is none or more than one, which says `where` it is not, and ValueError for a lifespan out
    of range.
    """
    customer = D.get(customer_id)
    if customer is None or customer.begin is None:
        ids = _ids_like(customer_id, D)
        customer = D.get(ids[0]) if len(ids) == 1 else None
        if customer is None:
            raise UnknownCustomerError(customer_id, where, ids)
    end = end_of_data(D)
    alone = {customer.customer_id: customer}
    (candidate,) = best_customers(1, alone, Ranking(ranking.method), end=end)
    (row,) = ranked([candidate], lifespan, ranking.method)
    is_ranked = count_ranked(alone, ranking, end=end)
    rank = count_before(candidate, D, ranking, end=end) + 1 if is_ranked else None
    from ltv.ranking.outlook import outlook_of  # noqa: PLC0415 - only some runs need it

    outlook = outlook_of(customer, end, ranking.method)
    return Explanation(row, rank, _evidence_of(customer, candidate), outlook)


def _ends_of(text: str) -> tuple[str, str]:
    """What an id begins and ends with that is given as `text`."""
    begin, ellipsis, end = text.rpartition(ELLIPSIS)
    return (begin, end) if ellipsis else (text, "")


def _ids_like(text: str, D: Mapping[str, Customer] | Searchable) -> list[str]:
    """Return the first ids of customers with events that `text` stands for: one more than named."""
    begin, end = _ends_of(text)
    wanted = looked_at = _MOST_NAMED + 1
    while True:
        found = _ids_beginning(begin, looked_at, D)
        ids = [one for one in found if one[len(begin) :].endswith(end)]
        if len(ids) >= wanted or len(found) < looked_at:
            return ids[:wanted]
        looked_at *= 100


def _ids_beginning(prefix: str, most: int, D: Mapping[str, Customer] | Searchable) -> list[str]:
    """Return the first `most` ids of customers with events that begin so."""
    if isinstance(D, Searchable):
        return D.ids_beginning(prefix, most)
    ids = (customer_id for customer_id in D if customer_id.startswith(prefix))
    return heapq.nsmallest(most, (one for one in ids if D[one].begin is not None))


def _evidence_of(customer: Customer, candidate: Candidate) -> Evidence:
    visits = customer.visits
    of_page = Counter(visit.page_id for visit in visits)
    return Evidence(
        candidate,
        sorted(customer.orders, key=lambda order: (order.event_time, order.order_id)),
        visits[0].event_time if visits else None,
        visits[-1].event_time if visits else None,
        len(of_page),
        heapq.nsmallest(_MOST_PAGES, of_page.items(), key=lambda page: (-page[1], page[0])),
        customer.image_count,
    )


def render_text(
    explanation: Explanation, summary: Summary, width: int | None = None
) -> Iterator[str]:
    """Yield the explanation for people, line by line; `width` is that of a terminal, if any."""
    yield f"{escaped(_title(explanation, summary))}\n"
    yield f"Data from {span_text(summary.totals)}\n"
    room = None if width is None else width - len(_INDENT)
    for section in (_weeks_lines, _order_lines, _visit_lines, _formula_lines, _method_lines):
        yield "\n"
        for part in section(explanation, summary):
            if isinstance(part, str):
                yield f"{part}\n"
            else:
                yield from (f"{_INDENT}{line}\n" for line in table_lines(part, room))


def _title(explanation: Explanation, summary: Summary) -> str:
    row, rank = explanation.row, explanation.rank
    name = "" if row.last_name is None else f", {row.last_name}"
    whys = [f"not in the segment {summary.by.segment}"] if summary.by.segment else []
    whys += [f"for less than {summary.by.least}"] if summary.by.least else []
    place = f"not ranked, {' or '.join(whys)},"
    if rank is not None:
        place = f"rank {rank:,} of {summary.by.ranked or summary.totals.customers:,}"
    return f"Customer {row.customer_id}{name}: {place} by {summary.method_text}"


def _weeks_lines(explanation: Explanation, summary: Summary) -> Iterator[_Part]:
    yield f"{counted(explanation.row.weeks, 'week')}, the first and the last counted"
    begin, end = explanation.row.begin, summary.totals.end
    cells = [time_text(begin), time_text(end)], [_week_text(begin), _week_text(end)]
    yield [
        _left("", ["begin", "end"]),
        _left("time", cells[0]),
        _left("week of Monday", cells[1]),
        _left("event", ["the customer's first", "the last of all the data"]),
    ]


def _week_text(instant: int) -> str:
    return day_text(week_begin(instant))


def _order_lines(explanation: Explanation, summary: Summary) -> Iterator[_Part]:
    row, evidence = explanation.row, explanation.evidence
    yield f"{counted(row.orders, 'order')}, {row.revenue:,} {summary.currency} of revenue"
    if evidence.orders:
        order_ids, times, amounts = zip(
            *(
                (order.order_id, time_text(order.event_time), order.amount_micros)
                for order in evidence.orders
            ),
            strict=True,
        )
        yield [
            Column(("order",), [*order_ids, "all"], "id"),
            _left("amount set at", [*times, ""]),
            _left("by", [*map(_verb, evidence.orders), ""]),
            Column(
                (summary.currency,),
                [f"{_exact(amount):,}" for amount in (*amounts, _revenue_micros(evidence))],
            ),
            *_row_columns(explanation, order_ids),
        ]


def _row_columns(explanation: Explanation, order_ids: Sequence[str]) -> Iterator[Column]:
    """Yield the column with the rows of CSV of each order, if there are any."""
    of_orders = [explanation.rows.get(order_id, ()) for order_id in order_ids]
    is_one_file = len({file for rows in of_orders for file, _ in rows}) == 1
    cells = [
        ", ".join(f"{line:,}" if is_one_file else f"{file}:{line}" for file, line in rows)
        for rows in of_orders
    ]
    if any(cells):
        yield _left("line", [*map(escaped, cells), ""])


def _verb(order: Order) -> str:
    return "UPDATE" if order.is_update else "NEW"


def _revenue_micros(evidence: Evidence) -> int:
    return evidence.candidate.revenue_micros


def _visit_lines(explanation: Explanation, summary: Summary) -> Iterator[_Part]:
    row, evidence = explanation.row, explanation.evidence
    visits = counted(row.visits, "visit")
    if evidence.first_visit is not None and evidence.last_visit is not None:
        yield f"{visits} from {time_text(evidence.first_visit)} to {time_text(evidence.last_visit)}"
        yield [
            Column(("page",), [page_id for page_id, _ in evidence.page_visits], "id"),
            Column(("visits",), [f"{count:,}" for _, count in evidence.page_visits]),
        ]
        if evidence.pages > len(evidence.page_visits):
            yield f"{_INDENT}and {counted(evidence.pages - len(evidence.page_visits), 'more page')}"
        per_visit = f"{row.revenue_per_visit:,} {summary.currency}"
        yield f"{row.visits_per_week:,} visits per week, {per_visit} of revenue per visit"
    else:
        yield visits
    yield counted(evidence.images, "image")


def _formula_lines(explanation: Explanation, summary: Summary) -> Iterator[str]:
    yield f"LTV = {WEEKS_PER_YEAR} x revenue / weeks x years"
    yield f"    = {_formula(explanation, summary, ',')}"
    yield f"    = {explanation.row.ltv:,} {summary.currency}"
    if has_short_history(explanation.row):
        yield SHORT_HISTORY.capitalize()


def _formula(explanation: Explanation, summary: Summary, grouping: str = "") -> str:
    revenue = format(_exact(_revenue_micros(explanation.evidence)), f"{grouping}f")
    weeks = format(explanation.row.weeks, grouping)
    return f"{WEEKS_PER_YEAR} x {revenue} / {weeks} x {summary.lifespan_years}"


def _method_lines(explanation: Explanation, summary: Summary) -> Iterator[_Part]:
    """What each method gives, and why; by expected revenue where a model was asked for."""
    row, outlook, currency = explanation.row, explanation.outlook, summary.currency
    yield "By each method (--by)"
    half_life = measured(str(outlook.half_life), "week")
    recent = f"an order weighs half as much every {half_life}"
    methods = [
        ("ltv", row.ltv, "the average week, continued"),
        ("revenue", row.revenue, "the sum of the orders"),
        ("recent", outlook.recent_revenue, recent),
    ]
    if outlook.expectation:
        why = _why_expected(row, outlook.expectation, currency)
        methods.append(("expected", row.expected_revenue or Decimal(0), why))
    names, values, reasons = zip(*methods, strict=True)
    money = Column((currency,), [f"{value:,}" for value in values])
    yield [_left("", [*names]), money, _left("", [*reasons])]
    if outlook.expectation:
        yield from _purchase_lines(outlook.expectation, currency)


def _why_expected(row: RankedCustomer, expectation: "Expectation", currency: str) -> str:
    if expectation.spend is None:
        return "no purchase so far"
    horizon = measured(str(expectation.horizon), "week")
    days = f"{row.expected_purchases:,} purchase days in {horizon}"
    return f"{days} x {expectation.spend:,} {currency}"


def _purchase_lines(expectation: "Expectation", currency: str) -> Iterator[str]:
    purchases, alive = expectation.purchases, expectation.alive
    if purchases:
        first, last = _purchase_span(purchases)
        span = f"on {first}" if first == last else f"from {first} to {last}"
        brought = f"{_exact(purchases.micros):,} {currency} after refunds"
        yield f"{counted(purchases.days, 'purchase day')} {span}, which brought {brought}"
    if alive is not None:
        yield f"P(alive), the probability that the customer still comes: {alive}"


def _purchase_span(purchases: "Purchases") -> tuple[str, str]:
    return date_text(purchases.first_day), date_text(purchases.last_day)


def _exact(micros: int) -> Decimal:
    return Decimal(amount_text(micros))


def _left(head: str, cells: list[str]) -> Column:
    return Column((head,), cells, "text")


def _render_json(explanation: Explanation, summary: Summary) -> Iterator[str]:
    yield "{\n"
    yield from json_summary(summary)
    yield '  "customer": {\n'
    for name, value in _members(explanation, summary):
        text = json_object(value.items()) if isinstance(value, dict) else json_text(value)
        yield f'    "{name}": {text},\n'
    orders = (
        _order_members(order, explanation.rows.get(order.order_id, ()))
        for order in explanation.evidence.orders
    )
    yield from _json_array("order_events", orders)
    yield ",\n"
    yield from _json_array("page_visits", map(_page_members, explanation.evidence.page_visits))
    yield "\n  }\n}\n"


def _members(explanation: Explanation, summary: Summary) -> Iterator[tuple[str, object]]:
    row, evidence = explanation.row, explanation.evidence
    yield from (row_members(row) | {"rank": explanation.rank}).items()
    yield "images", evidence.images
    yield "begin_week", _week_text(row.begin)
    yield "end_week", _week_text(summary.totals.end)
    yield "formula", _formula(explanation, summary)
    yield "first_visit", optional_time_text(evidence.first_visit)
    yield "last_visit", optional_time_text(evidence.last_visit)
    yield "pages", evidence.pages
    yield "by_method", dict(_method_members(row, explanation.outlook))


def _method_members(row: RankedCustomer, outlook: "Outlook") -> Iterator[tuple[str, object]]:
    yield "ltv", row.ltv
    yield "revenue", row.revenue
    yield "recent", outlook.recent_revenue
    yield "half_life_weeks", Decimal(str(outlook.half_life))
    if outlook.expectation:
        horizon, purchases, spend, alive = outlook.expectation
        first, last = _purchase_span(purchases) if purchases else (None, None)
        yield "expected", row.expected_revenue
        yield "horizon_weeks", Decimal(str(horizon))
        yield "expected_purchases", row.expected_purchases
        yield "expected_spend", spend
        yield "p_alive", alive
        yield "purchase_days", purchases.days if purchases else 0
        yield "first_purchase_day", first
        yield "last_purchase_day", last
        yield "purchase_revenue", _exact(purchases.micros) if purchases else None


def _order_members(order: Order, rows: Sequence[tuple[str, int]]) -> dict[str, object]:
    members = {
        "order_id": order.order_id,
        "event_time": time_text(order.event_time),
        "verb": _verb(order),
        "amount": _exact(order.amount_micros),
    }
    places = [{"file": file, "line": line} for file, line in rows]
    return members | {"rows": places} if rows else members


def _page_members(page_visits: tuple[str, int]) -> dict[str, object]:
    return dict(zip(("page_id", "visits"), page_visits, strict=True))


def _json_array(name: str, objects: Iterable[dict[str, object]]) -> Iterator[str]:
    yield f'    "{name}": ['
    lines = [f"\n      {json_object(members.items())}" for members in objects]
    yield ",".join(lines)
    yield "\n    ]" if lines else "]"


FORMATS: dict[str, Callable[[Explanation, Summary], Iterator[str]]] = {
    "text": render_text,
    "json": _render_json,
}


def render(format_name: str, explanation: Explanation, summary: Summary) -> Iterator[bytes]:
    """The explanation in one of `FORMATS`, in UTF-8, piece by piece."""
    return map(str.encode, FORMATS[format_name](explanation, summary))
