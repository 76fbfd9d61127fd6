"""A shard of customers kept by column, as a D: without a Customer for each.

The same as a dict of the same customers, by the same rules for what is latest and when a customer
begins (LTV_Classes), but on bytes as they were read: that takes two thirds of the time.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain, compress, repeat
from operator import ge, itemgetter, not_
from typing import Any, NamedTuple, TypeVar

from ltv.blocks import COLUMNS, Block, amounts_of, last_name_of
from ltv.report.day_sums import DaySums
from ltv.report.figures import NewCustomers
from ltv.report.habits import Buying
from ltv.times import DAY, days_since_1970, instant_of
from LTV_Calculate import Threshold, Totals
from LTV_Classes import Stamped, begin_of, end_of, keep_latest, latest_of
from LTV_Ingest import Fact, block_of

_DAY_OF = itemgetter(slice(len("1970-01-01")))


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
        order_times = self._order_times.get(known, ())
        return CustomerSums(
            customer_id,
            last_name_of(self._last_names.get(known, b"")),
            self._revenue_of.get(known, 0),
            len(order_times),
            self._visits_of.get(known, 0),
            instant_of(self._begins[known]),
            instant_of(end_of(order_times)) if order_times else None,
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
        """Yield of each customer: customer_id, the day of its begin, revenue in micros.

        But for those below the threshold.
        """
        rows: Iterable[tuple[bytes, str, int]]
        rows = zip(self._begins, self._days, self._revenues, strict=True)
        if rate := threshold.revenue_rate:
            leasts = {day: rate * _least_time_since(day, threshold.end) for day in set(self._days)}
            rows = compress(rows, map(ge, self._revenues, map(leasts.__getitem__, self._days)))
        return ((customer_id.decode(), day, revenue) for customer_id, day, revenue in rows)

    def totals(self) -> Totals:
        """Return the same as of a dict of the same customers, but with the end of all the data."""
        begin = instant_of(begin_of(self._begins.values())) if self._begins else 0
        return Totals(
            begin=begin,
            end=self._end,
            customers=len(self._begins),
            visits=len(self._visits.owners),
            orders=len(self._orders.owners),
            images=len(self._images.times),
        )

    def new_customers(self) -> NewCustomers:
        """Return the customers, for the figures of the report."""
        return NewCustomers(self._days, self._revenues)

    def add_to(self, sums: DaySums) -> None:
        """Add what the customers did to `sums`."""
        owners, times, amounts = self._orders.owners, self._orders.times, self._orders.amounts
        days = map(_day_numbers().__getitem__, map(_DAY_OF, times))
        orders_of: defaultdict[bytes, list[tuple[bytes, int, int]]] = defaultdict(list)
        _add_each(orders_of, owners, zip(times, days, amounts, strict=True))
        deque(map(list.sort, orders_of.values()), maxlen=0)
        orders = list(orders_of.values())
        buying = Buying(
            list(orders_of),
            list(map(bytes.decode, map(_DAY_OF, map(self._begins.__getitem__, orders_of)))),
            orders,
            [instant_of(some[-1][0]) for some in orders],
            list(map(self._revenue_of.__getitem__, orders_of)),
        )
        sums.add_orders(buying)
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
        times_of = _times_by_owner(self._visits)
        self._visits_of = dict(zip(times_of, map(len, times_of.values()), strict=True))
        for event_type in ("ORDER", "IMAGE", "CUSTOMER"):
            events = self._all(event_type)
            _add_each(times_of, events.owners, events.times)
        return dict(zip(times_of, map(begin_of, times_of.values()), strict=True))

    @cached_property
    def _days(self) -> list[str]:
        return list(map(bytes.decode, map(_DAY_OF, self._begins.values())))

    @cached_property
    def _last_names(self) -> dict[bytes, bytes]:
        """The last name of each customer, as in JSON, from the latest event that carries one."""
        times, updates, owners, fields = self._all("CUSTOMER").columns
        are_repeated = _are_repeated(owners)
        names = dict(zip(owners, fields, strict=True))
        if are_repeated is None:
            return names
        latest: dict[bytes, tuple[bytes, bytes, str, bytes]] = {}
        columns = zip(times, updates, owners, fields, strict=True)
        for time, update, customer_id, field in compress(columns, are_repeated):
            names[customer_id] = b""
            name = last_name_of(field)
            if name is not None:
                keep_latest(latest, customer_id, (time, update, name, field))
        return names | {customer_id: stamp[-1] for customer_id, stamp in latest.items()}

    @cached_property
    def _visits(self) -> "_Latest":
        visits = self._all("SITE_VISIT")
        times, keys, owners = visits.columns
        are_repeated = _are_repeated(times)
        if are_repeated is None:
            return _Latest(owners, (times,))
        some = set(compress(zip(owners, times, keys, strict=True), are_repeated))
        are_single = list(map(not_, are_repeated))
        return _Latest(
            [*compress(owners, are_single), *[owner for owner, _, _ in some]],
            ([*compress(times, are_single), *[time for _, time, _ in some]],),
        )

    @cached_property
    def _images(self) -> "_Latest":
        times, keys, owners = self._all("IMAGE").columns
        return _latest(owners, keys, times)

    @cached_property
    def _orders(self) -> "_Latest":
        times, updates, keys, owners, amounts = self._all("ORDER").columns
        return _latest(owners, keys, times, updates, amounts_of(amounts, self._currency))

    @cached_property
    def _order_times(self) -> "_TimesByOwner":
        return _times_by_owner(self._orders)

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


T = TypeVar("T")

_TimesByOwner = defaultdict[bytes, list[bytes]]


def _times_by_owner(events: "_Latest") -> _TimesByOwner:
    """Return the times of each customer that has any."""
    times_of: _TimesByOwner = defaultdict(list)
    _add_each(times_of, events.owners, events.times)
    return times_of


def _add_each(
    values_of: defaultdict[bytes, list[T]], owners: Sequence[bytes], values: Iterable[T]
) -> None:
    deque(map(list.append, map(values_of.__getitem__, owners), values), maxlen=0)


def _least_time_since(day: str, end: int) -> int:
    """Return how many microseconds lie at least between a time of a day and the end."""
    return end - (days_since_1970(day) + 1) * DAY


def _places(event_type: str) -> range:
    return range(len(COLUMNS[event_type]))


class _DayNumbers(dict[bytes, int]):
    """Days since 1970 by their texts: at most 84,006."""

    def __missing__(self, text: bytes) -> int:
        number = self[text] = days_since_1970(text.decode())
        return number


@lru_cache(maxsize=1)  # for all shards that a process has
def _day_numbers() -> _DayNumbers:
    return _DayNumbers()


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
    """Return what counts of these events, whose stamps begin with the time."""
    are_repeated = _are_repeated(keys)
    if are_repeated is None:
        return _Latest(owners, stamps)
    some_owners, some_keys, *some_stamps = (
        list(compress(column, are_repeated)) for column in (owners, keys, *stamps)
    )
    stamps_of: defaultdict[tuple[bytes, bytes], list[tuple[Any, ...]]] = defaultdict(list)
    some = zip(some_owners, some_keys, zip(*some_stamps, strict=True), strict=True)
    for owner, key, stamp in some:
        stamps_of[owner, key].append(stamp)
    latest = map(latest_of, stamps_of.values())
    are_single = list(map(not_, are_repeated))
    columns = zip(stamps, zip(*latest, strict=True), strict=True)
    return _Latest(
        [*compress(owners, are_single), *[owner for owner, _ in stamps_of]],
        tuple([*compress(column, are_single), *more] for column, more in columns),
    )


def _are_repeated(keys: Sequence[bytes]) -> list[bool] | None:
    """Return of each key whether it is there twice, as few are; None where none is."""
    seen: set[bytes] = set()
    add = seen.add
    again = {key for key in keys if key in seen or add(key)}
    return list(map(again.__contains__, keys)) if again else None
