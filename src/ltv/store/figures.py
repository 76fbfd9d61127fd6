"""What the figures of the report need of customers in a store, without a Customer for each."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from operator import itemgetter

from ltv.report.figures import Activity, NewCustomers
from ltv.report.habits import buying_of
from ltv.store.pieces import Known, PiecesAtHand
from ltv.times import day_text

_DAY_OF = itemgetter(slice(len("1970-01-01")))


def activity_of_known(
    connection: sqlite3.Connection, customers: Iterable[Known]
) -> tuple[NewCustomers, Activity]:
    """Return those of the customers that have events, and what they did. Raises sqlite3.Error."""
    known = [one for one in customers if one.begin is not None]
    begins = [day_text(one.begin) for one in known if one.begin is not None]
    orders, images, visits = PiecesAtHand(connection).of_all(known)
    stamps = [of_one.values() for of_one in orders]
    new_customers = NewCustomers(
        begins,
        revenues=[one.revenue_micros for one in known],
    )
    return new_customers, Activity(
        buying_of([one.customer_id for one in known], begins, stamps),
        Counter(map(_DAY_OF, chain.from_iterable(visits))),
        Counter([time[:10] for of_one in images for time, *_ in of_one.values()]),
    )
