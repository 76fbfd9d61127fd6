"""What the figures of the report need of customers in a store, without a Customer for each."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import Any

from ltv.report.figures import Activity, NewCustomers, activity_of
from ltv.store.pieces import Known, PiecesAtHand, in_groups
from ltv.times import day_text

#: How many orders, images and visits are in memory at once, or those of one customer more.
_MOST_FACTS = 20_000

_DAY_OF = itemgetter(slice(len("1970-01-01")))


def activities_of(
    connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[NewCustomers, Activity]]:
    """Yield the customers with events, of these rows of a store, and what they did.

    What is in memory at once is bounded. Raises sqlite3.Error.
    """
    pieces = PiecesAtHand(connection)
    customers = [known for known in map(Known.stored, rows) if known.begin is not None]
    sizes = [one.order_count + one.image_count + one.visit_count for one in customers]
    for some in in_groups(customers, sizes, _MOST_FACTS):
        begins = [day_text(one.begin) for one in some if one.begin is not None]
        orders, images, visits = pieces.of_all(some)
        new_customers = NewCustomers(
            begins,
            revenues=[one.revenue_micros for one in some],
            with_orders=sum(one.order_count > 0 for one in some),
        )
        activity = activity_of(
            begins,
            map(dict.values, orders),
            map(_DAY_OF, chain.from_iterable(visits)),
            [time[:10] for of_one in images for time, *_ in of_one.values()],
        )
        yield new_customers, activity
