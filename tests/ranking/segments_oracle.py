"""A slow and plain second counting of segments, from what is known of each customer.

Everybody is sorted again for each customer; it shares no code with the program.
"""

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


def fifth(customer: Customer, buyers: list[Customer], value) -> int:
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
