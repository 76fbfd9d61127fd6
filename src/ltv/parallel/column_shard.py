"""A shard of customers kept by column, as a D: without a Customer for each.

The same as a dict of the same customers, by the same rules for what is latest and when a customer
begins (LTV_Classes), but on bytes as they were read: that takes two thirds of the time.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import chain, compress, repeat
from operator import eq, itemgetter
from typing import Any, NamedTuple

from ltv.blocks import COLUMNS, Block, amounts_of, last_name_of
from ltv.report.figures import Activity, NewCustomers
from ltv.report.habits import Buying, no_buying
from ltv.times import instant_of
from LTV_Calculate import Threshold, Totals
from LTV_Classes import Stamped, begin_of, end_of, keep_latest
from LTV_Ingest import Fact, block_of

_DAY_OF = itemgetter(slice(len("1970-01-01")))
_MONTH_OF = itemgetter(slice(len("1970-01")))


class CustomerSums(NamedTuple):
    """What a row of the ranking shows of one customer, but for its weeks; times as instants."""

    customer_id: str
    last_name: str | None
    revenue_micros: int
    order_count: int
    visit_count: int
    begin: int
    last_order: int | None


class CustomerOrders(NamedTuple):
    """What a customer is ranked by; times are short."""

    customer_id: str
    first_time: str
    order_stamps: list[Stamped]

    @property
    def order_count(self) -> int:
        """How many orders are known."""
        return len(self.order_stamps)

    @property
    def revenue_micros(self) -> int:
        """The sum of the order amounts, in micros."""
        return sum([amount for _, _, amount in self.order_stamps])


class ColumnShard:
    """The customers of a shard, to which blocks are added before anything is asked.

    Amounts are in `currency`; `end` is that of all the data, in microseconds since 1970.
    """

    def __init__(self, currency: str, end: int) -> None:
        self._currency = currency
        self._end = end
        self._blocks: dict[str, list[Block]] = {event_type: [] for event_type in COLUMNS}

    def add(self, fact: Fact) -> None:
        """Join what one event says."""
        self.add_block(block_of(fact))

    def add_block(self, block: Block) -> None:
        """Join what the events of a block say."""
        self._blocks[block.type].append(block)

    def __len__(self) -> int:
        return len(self._begins)

    def __getitem__(self, customer_id: str) -> CustomerSums:
        known = customer_id.encode()
        last_order = self._last_orders.get(known)
        return CustomerSums(
            customer_id,
            self._last_names.get(known),
            self._revenue_of.get(known, 0),
            self._order_counts[known],
            self._visit_counts[known],
            instant_of(self._begins[known]),
            instant_of(last_order) if last_order else None,
        )

    def values(self) -> Iterator[CustomerOrders]:
        """Yield each customer with its orders."""
        stamps_of: defaultdict[bytes, list[Stamped]] = defaultdict(list)
        columns = self._orders.owners, *self._orders.stamps
        for customer_id, time, update, amount in zip(*columns, strict=True):
            stamps_of[customer_id].append((time.decode(), bool(update), amount))
        for customer_id, begin in self._begins.items():
            stamps = stamps_of.get(customer_id, [])
            yield CustomerOrders(customer_id.decode(), begin.decode(), stamps)

    def figures(self, threshold: Threshold) -> Iterator[tuple[str, str, int]]:
        """Yield of each customer: customer_id, the day of its begin, revenue in micros."""
        return zip(map(bytes.decode, self._begins), self._days, self._revenues, strict=True)

    def totals(self) -> Totals:
        """Return the same as of a dict of the same customers, but with the end of all the data."""
        begin = instant_of(begin_of(self._begins.values())) if self._begins else 0
        return Totals(
            begin=begin,
            end=self._end,
            customers=len(self._begins),
            visits=self._visit_counts.total(),
            orders=self._order_counts.total(),
            images=len(self._images.times),
        )

    def new_customers(self) -> NewCustomers:
        """Return the customers, for the figures of the report."""
        return NewCustomers(
            begins=self._days,
            revenues=self._revenues,
        )

    def _buying(self) -> Buying:
        """Return when customers ordered, for the figures of the report."""
        times_of = self._order_times
        deque(map(list.sort, times_of.values()), maxlen=0)
        return Buying(
            list(times_of),
            list(map(bytes.decode, map(_DAY_OF, map(self._begins.__getitem__, times_of)))),
            list(times_of.values()),
            list(map(instant_of, map(itemgetter(-1), times_of.values()))),
            list(map(self._revenue_of.__getitem__, times_of)),
        )

    def add_to(self, sums: "DaySums") -> None:
        """Add what the customers did to `sums`."""
        months = map(_MONTH_OF, self._begins.values())
        sums_of = dict(zip(self._begins, map(sums.revenue.__getitem__, months), strict=True))
        days = list(map(_DAY_OF, self._orders.times))
        sums_of_each = map(sums_of.__getitem__, self._orders.owners)
        amounts = self._orders.amounts
        for by_day, day, amount in zip(sums_of_each, days, amounts, strict=True):
            by_day[day] += amount
        owners = self._orders.owners
        first_days = {one: begin_of(times)[:10] for one, times in self._order_times.items()}
        are_first = map(eq, days, map(first_days.__getitem__, owners))
        for day, amount in compress(zip(days, amounts, strict=True), are_first):
            sums.first_revenue[day] += amount
        sums.buying.join(self._buying())
        sums.orders.update(days)
        sums.visits.update(map(_DAY_OF, self._visits.times))
        sums.images.update(map(_DAY_OF, self._images.times))

    def _all(self, event_type: str) -> Block:
        """Return the events of a type as one block."""
        blocks = self._blocks[event_type]
        if len(blocks) == 1:
            return blocks[0]
        columns = ([block.columns[number] for block in blocks] for number in _places(event_type))
        return Block(event_type, tuple(list(chain.from_iterable(column)) for column in columns))

    @cached_property
    def _begins(self) -> dict[bytes, bytes]:
        """The begin of each customer, a short time."""
        blocks = chain.from_iterable(self._blocks.values())
        times_of = _times_by_owner((block.owners, block.times) for block in blocks)
        return {customer_id: begin_of(times) for customer_id, times in times_of.items()}

    @cached_property
    def _days(self) -> list[str]:
        return list(map(bytes.decode, map(_DAY_OF, self._begins.values())))

    @cached_property
    def _last_names(self) -> dict[bytes, str]:
        """The last name of each customer that has one, from the latest event that carries it."""
        latest: dict[bytes, tuple[bytes, bytes, str]] = {}
        for time, update, customer_id, field in zip(*self._all("CUSTOMER").columns, strict=True):
            name = last_name_of(field)
            if name is not None:
                keep_latest(latest, customer_id, (time, update, name))
        return {customer_id: name for customer_id, (_, _, name) in latest.items()}

    @cached_property
    def _visits(self) -> "_Latest":
        visits = self._all("SITE_VISIT")
        return _latest(visits.owners, list(visits.lines()), visits.times)

    @cached_property
    def _visit_counts(self) -> Counter[bytes]:
        return Counter(self._visits.owners)

    @cached_property
    def _images(self) -> "_Latest":
        times, keys, owners = self._all("IMAGE").columns
        return _latest(owners, keys, times)

    @cached_property
    def _orders(self) -> "_Latest":
        times, updates, keys, owners, amounts = self._all("ORDER").columns
        return _latest(owners, keys, times, updates, amounts_of(amounts, self._currency))

    @cached_property
    def _order_counts(self) -> Counter[bytes]:
        return Counter(self._orders.owners)

    @cached_property
    def _order_times(self) -> dict[bytes, list[bytes]]:
        """The times of the orders of each customer that has any."""
        return _times_by_owner([(self._orders.owners, self._orders.times)])

    @cached_property
    def _last_orders(self) -> dict[bytes, bytes]:
        """The latest time of the orders of each customer that has any."""
        return {customer_id: end_of(times) for customer_id, times in self._order_times.items()}

    @cached_property
    def _revenue_of(self) -> dict[bytes, int]:
        revenues: defaultdict[bytes, int] = defaultdict(int)
        for customer_id, amount in zip(self._orders.owners, self._orders.amounts, strict=True):
            revenues[customer_id] += amount
        return revenues

    @cached_property
    def _revenues(self) -> list[int]:
        """The revenue of each customer, in the order of the begins."""
        return list(map(self._revenue_of.get, self._begins, repeat(0)))


def _times_by_owner(
    pairs: Iterable[tuple[Sequence[bytes], Sequence[bytes]]],
) -> dict[bytes, list[bytes]]:
    """Return the times of each customer, from pairs of columns: customers and times."""
    times_of: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for owners, times in pairs:
        deque(map(list.append, map(times_of.__getitem__, owners), times), maxlen=0)
    return times_of


def _places(event_type: str) -> range:
    return range(len(COLUMNS[event_type]))


class DaySums:
    """What the customers of some shards did by day, for the figures of the report."""

    def __init__(self) -> None:
        self.first_revenue: defaultdict[bytes, int] = defaultdict(int)
        self.buying = no_buying()
        # By the month that customers began in, and day.
        self.revenue: defaultdict[bytes, defaultdict[bytes, int]]
        self.revenue = defaultdict(partial(defaultdict, int))
        self.orders: Counter[bytes] = Counter()
        self.visits: Counter[bytes] = Counter()
        self.images: Counter[bytes] = Counter()

    def activity(self) -> Activity:
        """The same as texts."""
        return Activity(
            {month.decode(): _with_texts(by_day) for month, by_day in self.revenue.items()},
            _with_texts(self.orders),
            _with_texts(self.visits),
            _with_texts(self.images),
            _with_texts(self.first_revenue),
            self.buying,
        )


class _Latest(NamedTuple):
    """What counts of each customer and key: the customer, and the stamp by column."""

    owners: Sequence[bytes]
    stamps: tuple[Sequence[Any], ...]

    @property
    def times(self) -> Sequence[bytes]:
        return self.stamps[0]

    @property
    def amounts(self) -> Sequence[int]:
        return self.stamps[-1]


def _latest(owners: Sequence[bytes], keys: Sequence[bytes], *stamps: Sequence[Any]) -> _Latest:
    """Return what counts of these events, whose stamps begin with the time.

    Few keys are there twice, and only these are looked at.
    """
    last = dict(zip(keys, range(len(keys)), strict=True))
    if len(last) == len(keys):
        return _Latest(owners, stamps)
    repeated = set(range(len(keys))).difference(last.values())
    repeated.update([last[keys[number]] for number in repeated])
    latest: dict[tuple[bytes, bytes], tuple[Any, ...]] = {}
    for number in repeated:
        stamp = tuple([column[number] for column in stamps])
        keep_latest(latest, (owners[number], keys[number]), stamp)
    is_single = bytearray(b"\1") * len(keys)
    for number in repeated:
        is_single[number] = 0
    columns = zip(stamps, zip(*latest.values(), strict=True), strict=True)
    return _Latest(
        [*compress(owners, is_single), *[customer_id for customer_id, _ in latest]],
        tuple([*compress(column, is_single), *more] for column, more in columns),
    )


def _with_texts(by_day: dict[bytes, int]) -> dict[str, int]:
    return {day.decode(): number for day, number in by_day.items()}
