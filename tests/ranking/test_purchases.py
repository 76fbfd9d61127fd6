"""What a customer contributes to the model: purchase days and what they brought."""

import pickle
import random
from itertools import permutations

import pytest

from ltv.ranking.purchases import Purchases, Sample, purchases_of
from ltv.times import DAY, pack
from LTV_Ingest import Ingest

NEW, UPDATE = False, True
UNIT = 1_000_000


def orders(*some):
    """Of pairs of day and amount, or with is_update: what Customer.order_stamps gives."""
    return [(pack(int(day * DAY)), any(update), amount) for day, amount, *update in some]


CASES = [
    ("one order", [(10, 7)], (10, 10, 0, 7, 0)),
    ("two on a day are one purchase day", [(10.1, 7), (10.9, 5)], (10, 10, 0, 12, 0)),
    ("three days", [(10, 7), (12, 1), (17.99, 2)], (10, 17, 2, 7, 3)),
    ("a refund is no purchase", [(10, 7), (12, -3)], (10, 10, 0, 4, 0)),
    ("a refund is of the last day until then", [(10, 7), (12, 5), (14, -3)], (10, 12, 1, 7, 2)),
    ("on the day of a purchase, of that one", [(10, 7), (12, 5), (12, -3)], (10, 12, 1, 7, 2)),
    ("between, of the one before", [(10, 7), (12, 5), (11.9, -3)], (10, 12, 1, 4, 5)),
    ("before the first, of the first", [(9, -3), (10, 7), (12, 5)], (10, 12, 1, 4, 5)),
    ("no day is below 0", [(10, 7), (11, -9), (12, 5)], (10, 12, 1, 0, 5)),
    ("all refunded, it is a day all the same", [(10, 7), (12, 5), (13, -5)], (10, 12, 1, 7, 0)),
    ("given away", [(10, 7), (12, 0, NEW)], (10, 12, 1, 7, 0)),
    ("cancelled", [(10, 7), (12, 0, UPDATE)], (10, 10, 0, 7, 0)),
    ("changed", [(10, 7, UPDATE)], (10, 10, 0, 7, 0)),
    ("refunds alone", [(10, -7)], None),
    ("nothing but cancelled", [(10, 0, UPDATE)], None),
    ("nothing", [], None),
]


@pytest.mark.parametrize(
    ("some", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_purchase_days(some, expected):
    for order in permutations(orders(*some)):
        assert purchases_of(order) == (expected and Purchases(*expected))


def test_cents_that_cancel_leave_nothing():
    # As floats, 0.1 + 0.2 - 0.3 leaves 5.6e-17, which Gamma-Gamma would take for a spend.
    some = orders((1, 5 * UNIT), (2, UNIT // 10), (2, UNIT // 5), (3, -3 * UNIT // 10))
    made = Sample()
    purchases = purchases_of(some)
    assert purchases
    made.add("c", purchases, 10)
    assert made.spends == {}


def test_an_order_delivered_twice_is_one():
    order = {
        "type": "ORDER", "verb": "NEW", "key": "o1", "customer_id": "c1",
        "event_time": "2017-01-01T10:00:00Z", "total_amount": "5 USD",
    }  # fmt: skip
    again = order | {"event_time": "2017-02-01T10:00:00Z", "verb": "UPDATE"}
    once, twice, updated = (
        purchases_of(Ingest(events, {})["c1"].order_stamps)
        for events in ([order], [order, order], [again, order, again])
    )
    assert once == twice
    assert once
    assert updated == once._replace(first_day=once.first_day + 31, last_day=once.last_day + 31)


def random_purchases(rng):
    repeats = rng.choice((0, 0, 0, 1, 1, 2, 7, 5000))
    first = rng.randrange(20_000)
    last = first + (rng.randrange(max(repeats, 1), 6_000) if repeats else 0)
    return Purchases(first, last, repeats, 5, rng.randrange(10) if repeats else 0)


def contents(sample):
    cells = [
        (cells.repeats, *row) for cells in sample.cells(7) for row in zip(*cells[1:], strict=True)
    ]
    spends = {repeats: sorted(some) for repeats, some in sample.spends.items()}
    return cells, spends, sample.busiest


def test_a_sample_is_the_same_in_any_order_and_slices(monkeypatch):
    rng = random.Random(7)
    customers = [(f"c{number}", random_purchases(rng)) for number in range(2_000)]
    whole = Sample()
    for customer_id, purchases in customers:
        whole.add(customer_id, purchases, 26_000)
    expected = contents(whole)
    assert sum(count for *_, count in expected[0]) == len(customers)
    assert expected[0] == sorted(expected[0])
    assert len({cell[:3] for cell in expected[0]}) == len(expected[0])
    monkeypatch.setattr("ltv.ranking.purchases._MOST_ADDED", 50)
    for parts in (1, 2, 30):
        rng.shuffle(customers)
        samples = [Sample() for _ in range(parts)]
        for number, (customer_id, purchases) in enumerate(customers):
            samples[number % parts].add(customer_id, purchases, 26_000)
        joined = Sample()
        for sample in samples:
            joined.join(pickle.loads(pickle.dumps(sample.pack())))
        assert contents(joined) == expected


def test_the_customers_with_the_most_purchase_days_are_known_by_name():
    made = Sample()
    for customer_id, repeats in [("d", 1), ("c", 9), ("b", 3), ("a", 3), ("e", 3)]:
        made.add(customer_id, Purchases(0, repeats, repeats, 1, 1), 100)
    assert made.busiest == [(-9, "c"), (-3, "a"), (-3, "b")]


def test_a_packed_sample_takes_at_most_20_bytes_a_customer():
    made = Sample()
    customers = 5_000
    for number in range(customers):  # all of cells of their own
        made.add(str(number), Purchases(0, 1 + number, 1, 1, 1), 10_000)
    assert len(pickle.dumps(made.pack())) < 20 * customers + 1_000
