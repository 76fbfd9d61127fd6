"""Purchase days (SPEC, section 9): what a customer contributes to the model.

    order on 1 May 10.00, another 5.00; on 3 May a refund of 4.00; on 8 May an order 20.00

are two purchase days, that is, one repeat: the first brought 11.00, the repeat 20.00.

| order | |
|---|---|
| above 0; of 0 by its NEW, given away | a purchase |
| of 0 by an UPDATE | cancelled: nothing |
| below 0 | a refund, of the last purchase day until then, or of the first |
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge, nsmallest
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ltv.times import days_since_1970
from LTV_Classes import Stamped

_BITS = 17  # at most 84,006 days exist
_DAY_MASK = (1 << _BITS) - 1

_MOST_ADDED = 65_536  # different cells in a Counter, which takes ten times the memory of a run

MOST_NAMED = 3  # customers with the most purchase days


class Purchases(NamedTuple):
    """The purchase days of a customer; days since 1970, amounts in micros, never below 0."""

    first_day: int
    last_day: int
    repeats: int  # purchase days less the first
    first_micros: int
    repeat_micros: int

    @property
    def recency(self) -> int:
        """Days from the first to the last: t_x."""
        return self.last_day - self.first_day

    def age(self, end_day: int) -> int:
        """Return the days from the first to the end: T."""
        return end_day - self.first_day

    @property
    def days(self) -> int:
        """How many purchase days there are."""
        return self.repeats + 1

    @property
    def micros(self) -> int:
        """What all purchase days brought."""
        return self.first_micros + self.repeat_micros


def purchases_of(orders: Iterable[Stamped]) -> Purchases | None:
    """Return the purchase days of a customer with these orders, None where there are none.

    `orders` has the packed time, is_update and amount in micros of the event that set each
    order's amount (Customer.order_stamps), in any order.
    """
    brought: defaultdict[str, int] = defaultdict(int)
    refunds = []
    for time, is_update, amount in orders:
        if amount > 0 or (amount == 0 and not is_update):
            brought[time[:10]] += amount
        elif amount:
            refunds.append((time[:10], amount))
    if not brought:
        return None
    days = sorted(brought)
    for day, amount in refunds:
        brought[days[max(bisect_right(days, day), 1) - 1]] += amount
    first, *repeats = [max(brought[day], 0) for day in days]
    return Purchases(
        first_day=days_since_1970(days[0]),
        last_day=days_since_1970(days[-1]),
        repeats=len(repeats),
        first_micros=first,
        repeat_micros=sum(repeats),
    )


class Cells(NamedTuple):
    """How many customers are alike in x, t_x and T, for one x; columns of the same length."""

    repeats: int  # x
    recencies: "array[int]"  # t_x, in days
    ages: "array[int]"  # T, in days
    counts: "array[int]"

    def total(self) -> int:
        """Return how many customers they are."""
        return sum(self.counts)


Run = tuple["array[int]", "array[int]"]  # rising x, t_x, T in one number; how many customers


class Sample:
    """What the models are fitted to, of all customers or of some, in any order.

    Packed, it takes at most 20 bytes a customer, and 12 more while parts are joined or fitted to.
    """

    def __init__(self) -> None:
        self._added: Counter[int] = Counter()
        self._runs: list[Run] = []
        #: By x > 0: what the repeat days of each customer with more than 0 brought, in micros.
        self.spends: dict[int, array[float]] = {}
        #: -x and id of the customers with the most purchase days, the most first.
        self.busiest: list[tuple[int, str]] = []

    def add(self, customer_id: str, purchases: Purchases, end_day: int) -> None:
        """Take a customer; `end_day` is the day of the end of all data, since 1970."""
        repeats = purchases.repeats
        age = purchases.age(end_day)
        self._added[(repeats << _BITS | purchases.recency) << _BITS | age] += 1
        if len(self._added) >= _MOST_ADDED:
            self._freeze()
        if purchases.repeat_micros:
            self.spends.setdefault(repeats, array("d")).append(purchases.repeat_micros)
        self._name((-repeats, customer_id))

    def join(self, part: "Sample") -> "Sample":
        """Take over the customers of a sample that shares none, and leave it empty; return self."""
        part._freeze()
        self._runs += part._runs
        part._runs.clear()
        while part.spends:
            repeats, spends = part.spends.popitem()
            self.spends.setdefault(repeats, array("d")).extend(spends)
        for one in part.busiest:
            self._name(one)
        return self

    def pack(self) -> "Sample":
        """Bring it into the form that takes least memory, to be sent or fitted to; return it."""
        self._freeze()
        if len(self._runs) > 1:
            self._runs = [_run_of(merge(*[zip(*run, strict=True) for run in self._runs]))]
        return self

    def cells(self, most: int) -> Iterator[Cells]:
        """Yield the cells by rising (x, t_x, T), at most so many at a time."""
        for keys, counts in self.pack()._runs:
            begin = 0
            while begin < len(keys):
                repeats = keys[begin] >> 2 * _BITS
                end = min(bisect_left(keys, repeats + 1 << 2 * _BITS, begin), begin + most)
                some = keys[begin:end]
                yield Cells(
                    repeats,
                    array("I", [key >> _BITS & _DAY_MASK for key in some]),
                    array("I", [key & _DAY_MASK for key in some]),
                    counts[begin:end],
                )
                begin = end

    def _freeze(self) -> None:
        if self._added:
            self._runs.append(_run_of(sorted(self._added.items())))
            self._added.clear()

    def _name(self, candidate: tuple[int, str]) -> None:
        if len(self.busiest) < MOST_NAMED or candidate < self.busiest[-1]:
            self.busiest = nsmallest(MOST_NAMED, [*self.busiest, candidate])


def _run_of(pairs: Iterable[tuple[int, int]]) -> Run:
    """Return the run of these keys and counts, which come by rising keys."""
    keys, counts = array("q"), array("I")
    for key, alike in groupby(pairs, key=itemgetter(0)):
        keys.append(key)
        counts.append(sum(map(itemgetter(1), alike)))
    return keys, counts
