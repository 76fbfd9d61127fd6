"""A slow and plain second counting of segments, and of what else a marketer acts on.

It goes by what is known of each customer (src/ltv/report/README.md), sorts everybody again for each
customer, and shares no code with the program.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil

from LTV_Classes import Customer

TABLE = """
5  new             potential-loyal  potential-loyal  champions  champions
4  promising       potential-loyal  potential-loyal  loyal      champions
3  about-to-sleep  about-to-sleep   need-attention   loyal      loyal
2  lost            lost             at-risk          at-risk    cannot-lose
1  lost            lost             lost             at-risk    cannot-lose
"""
COLUMN = {2: 0, 3: 0, 4: 1, 5: 1, 6: 2, 7: 3, 8: 3, 9: 4, 10: 4}
NAME = {
    int(row.split()[0]): row.split()[1:] for row in TABLE.strip().split("\n")
}  # by R, the names by column


def last_order(customer: Customer) -> int:
    return max(order.event_time for order in customer.orders)


def revenue(customer: Customer) -> int:
    return sum(order.amount_micros for order in customer.orders)


def fifth(customer: Customer, buyers: list[Customer], value: Callable[[Customer], int]) -> int:
    """In which fifth by (value, customer_id), rounded up, the customer is."""
    in_order = sorted((value(one), one.customer_id) for one in buyers)
    place = in_order.index((value(customer), customer.customer_id)) + 1
    return ceil(5 * place / len(in_order))


def segment(customer: Customer, buyers: list[Customer]) -> str:
    """The name for one of the customers with orders."""
    r = fifth(customer, buyers, last_order)
    f = fifth(customer, buyers, lambda one: len(one.orders))
    m = fifth(customer, buyers, revenue)
    return NAME[r][COLUMN[f + m]]


def segments(D: dict[str, Customer]) -> dict[str, str]:
    """The segment of each customer with orders, by id."""
    buyers = [customer for customer in D.values() if customer.orders]
    return {customer.customer_id: segment(customer, buyers) for customer in buyers}


# --- Times between orders ---------------------------------------------------------------------


def day_of(time: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).date()


def order_days(customer: Customer) -> list[date]:
    """The days with orders; two orders on a day are one."""
    return sorted({day_of(order.event_time) for order in customer.orders})


def times_between(customer: Customer) -> list[int]:
    return [(later - day).days for day, later in pairwise(order_days(customer))]


def nearest_rank(values: list[int], percent: int) -> int | None:
    """The least value that so many percent of all values do not exceed."""
    for value in sorted(values):
        if 100 * sum(other <= value for other in values) >= percent * len(values):
            return value
    return None


def buyers_of(D: dict[str, Customer]) -> list[Customer]:
    return [customer for customer in D.values() if customer.orders]


def usual_of_all(D: dict[str, Customer]) -> int | None:
    return nearest_rank([time for one in D.values() for time in times_between(one)], 95)


def at_risk(D: dict[str, Customer], end: int) -> dict[str, tuple[int, int]]:
    """Of each customer at risk: days since the last order, and the usual ones."""
    found = {}
    buyers = buyers_of(D)
    of_all = usual_of_all(D)
    for customer in buyers:
        own = times_between(customer)
        usual = nearest_rank(own, 95) if len(own) >= 3 else of_all
        since = (day_of(end) - order_days(customer)[-1]).days
        if fifth(customer, buyers, revenue) == 5 and usual is not None and since > usual:
            found[customer.customer_id] = since, usual
    return found


def came_again(D: dict[str, Customer], end: int, days: int) -> tuple[int, int]:
    """How many ordered first at least so many days ago, and how many of these again in them."""
    firsts = [order_days(customer) for customer in buyers_of(D)]
    old = [one for one in firsts if (day_of(end) - one[0]).days >= days]
    return len(old), sum(len(one) > 1 and (one[1] - one[0]).days <= days for one in old)


# --- By period --------------------------------------------------------------------------------


def revenue_by_day(D: dict[str, Customer]) -> tuple[Counter[date], Counter[date]]:
    """New revenue in micros, of orders on a customer's first day with orders; the other."""
    new: Counter[date] = Counter()
    returning: Counter[date] = Counter()
    for customer in buyers_of(D):
        for order in customer.orders:
            day = day_of(order.event_time)
            by_day = new if day == order_days(customer)[0] else returning
            by_day[day] += order.amount_micros
    return new, returning


def retained(
    D: dict[str, Customer], period_of: Callable[[date], int], last: int
) -> tuple[dict[int, list[Fraction]], list[Fraction | None]]:
    """By period of the begin, the percent of its customers who ordered in each until the last.

    And the same of all customers by age, without what is of the last period.
    """
    cohorts: dict[int, list[set[int]]] = {}
    for customer in D.values():
        assert customer.begin is not None
        ordered = {period_of(day) for day in order_days(customer)}
        cohorts.setdefault(period_of(day_of(customer.begin)), []).append(ordered)

    def percent(sets: list[set[int]], of_age: int, begins: list[int]) -> Fraction:
        came = sum(begin + of_age in ordered for begin, ordered in zip(begins, sets, strict=True))
        return Fraction(100 * came, len(sets))

    rows = {
        begin: [percent(sets, age, [begin] * len(sets)) for age in range(last - begin + 1)]
        for begin, sets in cohorts.items()
    }
    means: list[Fraction | None] = []
    for age in range(max(map(len, rows.values()))):
        old = [
            (begin, one) for begin, sets in cohorts.items() for one in sets if begin + age < last
        ]
        means.append(
            percent([one for _, one in old], age, [begin for begin, _ in old]) if old else None
        )
    return rows, means
