"""A store that goes on from run to run knows what one run over all events knows: to the byte."""

import contextlib
import copy
import gzip
import json
import os
import pickle
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ltv.customers
import ltv.store.changes
import ltv.store.documents
import ltv.store.file
import ltv.store.kept
import ltv.store.mongodb
import ltv.store.server
import ltv.store.sqlite
import LTV_Calculate
import make_log
import random_logs
from conftest import SOURCES, TINY_SIZES, UNMEASURED, Done, environment_with
from figures_in_order import in_order
from ltv.address import is_address
from ltv.errors import FileError
from ltv.output.target import files_of_store
from ltv.report.figures import figures_of, figures_of_parts
from ltv.store.pieces import Known
from ltv.store.session import store_at
from ltv.store.sqlite import Store, changes_to_store
from LTV_Calculate import Threshold, best_customers, count_before, topXSimpleLTVCustomers, totals
from LTV_Classes import Customer
from LTV_Ingest import Ingest
from mongodb_server import state_at

pytestmark = pytest.mark.usefixtures("without_waiting_for_the_disk")

REMEDY = "put a copy back, or make it anew from the logs"

Run = Callable[..., Done]

CDNOW = SOURCES.parent.parent / "shared" / "data" / "cdnow.jsonl.gz"

#: With these a few events make many pieces, and few customers many rows.
TINY_PIECES = (
    (ltv.store.changes, "_MOST_FACTS", 3),
    (ltv.store.changes, "_MOST_SMALL_PIECES", 2),
    (ltv.store.changes, "_SMALL_FACTS", 2),
    (ltv.store.changes, "_MOST_FACTS_AT_HAND", 4),
    (ltv.store.sqlite, "_MOST_FACTS", 4),
    (ltv.store.kept, "_MOST_PENDING", 3),
    (ltv.store.sqlite, "_ROWS_AT_ONCE", 2),
    (ltv.store.documents, "_MOST_FACTS", 3),
    (ltv.store.documents, "_MOST_BYTES", 400),
    (ltv.store.mongodb, "_MOST_FACTS", 4),
    (ltv.store.mongodb, "_AT_ONCE", 5),
    (ltv.store.server, "_IDS_AT_ONCE", 2),
    (LTV_Calculate, "_FEWEST_BETWEEN", 2),
)


@pytest.fixture(params=["as-it-is", "tiny-pieces"])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "tiny-pieces":
        for module, name, value in TINY_PIECES:
            monkeypatch.setattr(module, name, value)


def order(number: int, **members: object) -> dict[str, object]:
    event: dict[str, object] = {
        "type": "ORDER",
        "verb": "NEW",
        "key": f"o{number}",
        "event_time": f"2017-01-{number % 28 + 1:02}T10:00:00Z",
        "customer_id": f"c{number % 7}",
        "total_amount": f"{number}.50 USD",
    }
    return event | members


def lines(events: list[dict[str, object]]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


def made_events(seed: int, count: int = 120) -> list[Any]:
    """Good events: plain ones, and odd ones with tags, cameras, refunds, escapes, ties."""
    rng = random.Random(seed)
    texts = [text.encode() for text in make_log.events(count, 9, seed)]
    texts += random_logs.random_events(rng, count)
    rng.shuffle(texts)
    events = []
    for text in texts:
        try:
            events.append(json.loads(text))
        except (ValueError, RecursionError):
            continue
    return events


def state_of(place: str) -> Any:
    """All that is in a store."""
    if is_address(place):
        return state_at(place)
    return Path(place).read_bytes() if os.path.exists(place) else None


def known(D: Any) -> dict[str, tuple[object, ...]]:
    """All that can be asked of the customers."""
    return {customer_id: all_of(D[customer_id]) for customer_id in D}


def all_of(customer: Customer) -> tuple[object, ...]:
    sums = (
        customer.customer_id,
        customer.begin,
        customer.latest,
        customer.revenue_micros,
        customer.order_count,
        customer.visit_count,
        customer.image_count,
        customer.last_name,
        customer.last_order,
    )
    facts = customer.visits, customer.images, customer.orders
    after = customer.revenue_micros, customer.order_count, customer.visit_count
    return (*sums, *facts, customer.adr_city, customer.adr_state, *after, customer.image_count)


def stamps(D: Any) -> dict[str, list[list[object]]]:
    """The orders of all customers, as they are ranked by."""
    return {one.customer_id: sorted(map(list, one.order_stamps)) for one in D.values()}


# --- From Python ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_store_is_like_a_dict(seed: int, in_tmp: Path, sizes: None, place: str):
    rng = random.Random(seed)
    events = made_events(seed)
    D: dict[str, Customer] = {}
    for _ in range(4):
        some = rng.sample(events, rng.randrange(len(events)))
        Ingest(some, D, errors=[])
        with store_at(place) as store:
            assert Ingest(some, store, errors=[]) is store
            assert known(store) == known(D)
        with store_at(place, is_written=False) as store:
            assert known(store) == known(D)
            assert {one.customer_id: all_of(one) for one in store.values()} == known(D)
            assert stamps(store) == stamps(D)
            assert len(store) == len(D)
            assert totals(store) == totals(D)
            for x in (1, 3, 100):
                assert topXSimpleLTVCustomers(x, store) == topXSimpleLTVCustomers(x, D)


@pytest.mark.parametrize("seed", range(6))
def test_joining_is_what_setting_joined_ones_is(seed: int, in_tmp: Path, sizes: None, place: str):
    rng = random.Random(seed)
    events = made_events(seed)
    D: dict[str, Customer] = {}
    for _ in range(6):
        some = rng.sample(events, rng.randrange(len(events) // 2))
        piece: dict[str, Customer] = {}
        Ingest(some, piece, errors=[])
        Ingest(some, D, errors=[])
        with store_at(place) as store:
            store.join(piece.values())
        with store_at(f"{place}-set") as store:
            for customer_id, customer in piece.items():
                store[customer_id] = store.get(customer_id, Customer(customer_id)).join(customer)
        for path in (place, f"{place}-set"):
            with store_at(path) as store:
                assert known(store) == known(D)


@pytest.mark.parametrize("seed", range(3))
def test_figures_of_a_store_are_those_of_a_dict(seed: int, in_tmp: Path, sizes: None, place: str):
    rng = random.Random(seed)
    events = [*made_events(seed), *shop(seed, 20)]
    without_events = [f"nobody{number}" for number in range(100)]
    D = {name: Customer(name) for name in without_events}
    for _ in range(5):
        some = rng.sample(events, rng.randrange(len(events)))
        piece = {name: Customer(name) for name in without_events}
        Ingest(some, piece, errors=[])
        Ingest(some, D, errors=[])
        with store_at(place) as store:
            store.join(piece.values())
    end = totals(D).end
    expected = figures_of(D.values(), end, "10")
    with store_at(place, is_written=False) as store:
        found = figures_of_parts(store.activities(), end, "10")
    assert in_order(found) == in_order(expected)


def test_what_a_customer_of_a_store_reads(in_tmp: Path):
    with Store("store") as store:
        Ingest([order(1), order(2)], store)
    with Store("store") as store:
        customer = store["c1"]
        assert repr(customer) == "<Customer 'c1': 1 orders, 0 visits, 0 images>"
        assert customer.revenue_micros == 1_500_000
        store.close()
        with pytest.raises(FileError, match="store: this store is not open"):
            _ = customer.orders
        store.open()
        assert [one.order_id for one in customer.orders] == ["o1"]
        with pytest.raises(AttributeError):
            _ = customer.nothing  # type: ignore[attr-defined] # that is the point


def test_a_customer_that_has_seen_more_than_its_row(in_tmp: Path, place: str):
    with store_at(place) as store:
        Ingest(order(1), store)
        store.commit()
        customer = store["c1"]
        customer.see("2018-01-01T00:00:00.000000")
        assert customer.order_count == 1
        assert len(customer.orders) == 1
        assert customer.last_time == "2018-01-01T00:00:00.000000"


def test_replacing_and_deleting(in_tmp: Path, place: str):
    with store_at(place) as store:
        Ingest([order(number) for number in range(20)], store)
        store.commit()
        store["c1"] = Customer("c1")
        del store["c2"]
        assert store.pop("c3").order_count == 3
        assert sorted(store) == ["c0", "c1", "c4", "c5", "c6"]
        store.commit()
        assert all_of(store["c1"]) == all_of(Customer("c1"))
        assert "c1" not in {row.customer_id for row in topXSimpleLTVCustomers(9, store)}
        for nothing in ("c2", "c9", "\ud800", 7):
            assert nothing not in store
            with pytest.raises(KeyError):
                del store[nothing]  # type: ignore[arg-type] # what a dict says to it, too
        with pytest.raises(ValueError, match="expected the customer 'c5', got <Customer 'c6'"):
            store["c5"] = store["c6"]
        store.clear()
        assert len(store) == 0
        assert store.totals().customers == 0
        assert topXSimpleLTVCustomers(9, store) == []
    if place == "store":
        connection = sqlite3.connect(place)
        assert connection.execute("SELECT count(*) FROM piece").fetchone() == (0,)
        connection.close()


def test_orders_that_were_read_with_those_of_others(in_tmp: Path, sizes: None, place: str):
    with store_at(place) as store:
        Ingest([order(number) for number in range(70)], store)
    with store_at(place) as store:
        customers = store.values()
        assert len(customers) == 7
        before = stamps(store)
        given = {}
        for customer in customers:
            given[customer.customer_id] = customer
            for customer_id in list(store)[-2:]:
                del store[customer_id]
        assert len(store) < 2
        assert given
        assert stamps(given).items() <= before.items()
        customer.add_order("more", "2017-01-01T00:00:00.000000", False, 7)
        assert len(customer.order_stamps) == customer.order_count == 11
    with store_at(f"{place}-other") as store:
        Ingest(order(1), store)
    with store_at(f"{place}-other") as store:
        (customer,) = store.values()
        customer.add_order("more", "2017-01-01T00:00:00.000000", False, 7)
        assert len(customer.order_stamps) == customer.order_count == 2


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_was_taken_out_can_be_put_back(is_kept: bool, in_tmp: Path, sizes: None, place: str):
    D: dict[str, Customer] = {}
    events = made_events(7)
    Ingest(events, D, errors=[])
    with store_at(place) as store:
        Ingest(events, store, errors=[])
        if is_kept:
            store.commit()
        for customer_id, expected in D.items():
            store[customer_id] = store.pop(customer_id)
            customer, same = store[customer_id], store[customer_id]
            store[customer_id] = Customer(customer_id)
            assert len(store) == len(D)
            store[customer_id] = customer
            assert all_of(same) == all_of(expected)
        taken = dict(store.popitem() for _ in D)
        assert len(store) == 0
        store.update(taken)
    with store_at(place) as store:
        assert known(store) == known(D)


def test_what_is_copied_or_pickled_needs_no_store(in_tmp: Path, place: str):
    with store_at(place) as store:
        Ingest([order(1), order(8)], store)
        store.commit()
        copies = [copy.copy(store["c1"]), copy.deepcopy(store["c1"])]
        copies.append(pickle.loads(pickle.dumps(store["c1"])))
    D: dict[str, Customer] = {}
    Ingest([order(1), order(8)], D)
    for copied in copies:
        assert type(copied) is Customer
        assert all_of(copied) == all_of(D["c1"])
    copies[0].see("2018-01-01T00:00:00.000000")
    copies[0].add_order("o", "2018-01-01T00:00:00.000000", False, 1)
    assert copies[0].order_count == 3


def test_texts_that_no_utf_8_holds(in_tmp: Path, place: str):
    visit = {
        "type": "SITE_VISIT", "verb": "NEW", "key": "p", "customer_id": "c",
        "event_time": "2017-01-01", "tags": ["\ud800", "é"],
    }  # fmt: skip
    with store_at(place) as store:
        Ingest(visit, store)
        with pytest.raises(ValueError, match=r"expected an id that can be written, got '\\ud800'"):
            store["\ud800"] = Customer("\ud800")
    with store_at(place) as store:
        assert store["c"].visits[0].tags == ["\ud800", "é"]


def test_who_is_set_again_and_again_is_written_once(in_tmp: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.store.kept, "_MOST_PENDING", 4)
    written: Counter[str] = Counter()
    replacement = ltv.store.changes.replacement

    def counted(customer: Customer, **more: Any) -> ltv.store.changes.Change:
        written[customer.customer_id] += 1
        return replacement(customer, **more)

    monkeypatch.setattr(ltv.store.sqlite, "replacement", counted)
    events = [order(n, customer_id="often" if n % 2 else f"c{n}") for n in range(100)]
    with Store("store") as store:
        Ingest(events, store)
    assert set(written.values()) == {1}
    assert len(written) == 51
    with Store("store") as store:
        assert store["often"].order_count == 50


def test_what_could_not_be_written_is_not_forgotten(in_tmp: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(*_: object) -> None:
        raise ZeroDivisionError

    with Store("store") as store:
        Ingest(order(1), store)
        with monkeypatch.context() as patch:
            patch.setattr(store, "write", failing)
            with pytest.raises(ZeroDivisionError):
                store.commit()
        assert store["c1"].order_count == 1
    with Store("store") as store:
        assert store["c1"].order_count == 1


AMOUNTS = ["0", "-5.25", "0.000001", "7", "7", "7.10", "900", "900", "-1"]


def shop(seed: int, count: int) -> list[dict[str, object]]:
    """Orders of customers that begin at any time of three years, one over 64 bits in all."""
    rng = random.Random(seed)
    return [
        order(
            number,
            event_time=f"201{rng.randrange(5, 8)}-{rng.randrange(12) + 1:02}-"
            f"{rng.randrange(28) + 1:02}T00:00:00Z",
            customer_id=f"c{rng.randrange(count)}",
            total_amount=f"{rng.choice(AMOUNTS)} USD",
        )
        for number in range(count)
    ] + [order(count + n, customer_id="c0", total_amount="999999999999 USD") for n in range(10)]


@pytest.mark.parametrize("seed", range(8))
def test_a_store_is_ranked_like_a_dict(seed: int, in_tmp: Path, sizes: None, place: str):
    D: dict[str, Customer] = {}
    events = shop(seed, 150)
    Ingest(events, D)
    with store_at(place) as store:
        Ingest(events, store)
        end = totals(D).end
        for x in (1, 2, 3, 10, 70, 1000):
            assert best_customers(x, store) == best_customers(x, D)
        for rank, candidate in enumerate(best_customers(1000, D)):
            assert count_before(candidate, store, end=end) == rank


def test_ids_that_begin_so(in_tmp: Path, sizes: None, place: str):
    ends = ["", "\0", " ", "~", "\x7f", "é", "\uffff", "\U00010000", 254 * "\U0010ffff"]
    ids = sorted(begin + end for begin in ("c", "c1", "C", "é") for end in ends)
    with store_at(place) as store:
        Ingest([order(n, customer_id=one) for n, one in enumerate(ids)], store)
        store["c1nobody"] = Customer("c1nobody")  # of whom there are no events
        for prefix in ("", *ids, "c2", "\uffff", "%", "_"):
            expected = [one for one in ids if one.startswith(prefix)]
            assert store.ids_beginning(prefix, 100) == expected
            assert store.ids_beginning(prefix, 2) == expected[:2]


def test_few_rows_are_read_of_customers_below_the_threshold(in_tmp: Path, place: str):
    with store_at(place) as store:
        Ingest(shop(1, 3000), store)
        tenth = best_customers(10, store)[-1]
        threshold = Threshold(totals(store).end)
        everyone = set(store.figures(threshold))
        threshold.raise_to(tenth.falling_value)
        above = set(store.figures(threshold))
        assert tenth.customer_id in {customer_id for customer_id, *_ in above}
        assert above < everyone
        assert len(above) < len(everyone) / 5


def test_a_threshold_of_more_than_a_float_holds():
    threshold = Threshold(0)
    threshold.raise_to(-(10**400))
    assert threshold.revenue_rate == 0


def test_customers_without_events(run: Run, place: str):
    D = {"a": Customer("a"), "b": Customer("b")}
    with store_at(place) as store:
        assert totals(store) == totals({}) == (0, 0, 0, 0, 0, 0)
        store.update(D)
        assert totals(store) == totals(D) == (0, 0, 0, 0, 0, 0)
        assert topXSimpleLTVCustomers(3, store) == topXSimpleLTVCustomers(3, D) == []
    assert run(1, "--store", place, "-o", "-", "-q") == (1, "", said(f"nothing to rank in {place}"))
    with store_at(place) as store:
        Ingest(order(1), store)
        Ingest(order(1), D)
        assert totals(store) == totals(D)
    assert results(run, "--store", place)["customers"] == 1


def test_a_commit_in_the_middle_and_an_exception_behind_it(in_tmp: Path, place: str):
    with pytest.raises(ZeroDivisionError), store_at(place) as store:
        store.commit()
        Ingest(order(1), store)
        store.commit()
        Ingest(order(2), store)
        raise ZeroDivisionError
    with store_at(place) as store:
        assert list(store) == ["c1"]


def test_a_new_store_in_which_nothing_is_kept_is_not_there(in_tmp: Path):
    with pytest.raises(ZeroDivisionError), Store("store") as store:
        Ingest([order(number) for number in range(5000)], store)
        raise ZeroDivisionError
    assert os.listdir() == []


@pytest.mark.parametrize("amount", ["999999999999.99", "-999999999999.9999995"])
def test_revenue_of_more_than_64_bits_and_odd_ids(amount: str, in_tmp: Path, place: str):
    huge = [order(n, customer_id="\0a\n", total_amount=amount) for n in range(20)]
    D: dict[str, Customer] = {}
    Ingest(huge, D)
    for _ in range(2):
        with store_at(place) as store:
            store.join(D.values())
            assert store["\0a\n"].revenue_micros == D["\0a\n"].revenue_micros
            assert abs(store["\0a\n"].revenue_micros) > 2**63
            assert topXSimpleLTVCustomers(1, store) == topXSimpleLTVCustomers(1, D)


def test_an_order_that_is_updated_in_a_later_run_and_one_that_is_late(in_tmp: Path, place: str):
    first, update = order(1), order(1, verb="UPDATE", total_amount="3")
    orders = [first, update], [update, first], [update, update], [first, update, first]
    for number, events in enumerate(orders):
        path = f"{place}{number}"
        for event in events:
            D: dict[str, Customer] = {}
            Ingest(event, D)
            with store_at(path) as store:
                store.join(D.values())
        with store_at(path) as store:
            assert (store["c1"].revenue_micros, store["c1"].order_count) == (3_000_000, 1)


def test_how_many_pieces_a_daily_visitor_has(in_tmp: Path):
    for day in range(1, 80):
        visit = {
            "type": "SITE_VISIT", "verb": "NEW", "key": "p", "customer_id": "c",
            "event_time": f"2017-{day // 28 + 1:02}-{day % 28 + 1:02}",
        }  # fmt: skip
        D: dict[str, Customer] = {}
        Ingest(visit, D)
        with Store("store") as store:
            store.join(D.values())
    connection = sqlite3.connect("store")
    (pieces,) = connection.execute("SELECT count(*) FROM piece").fetchone()
    connection.close()
    assert pieces <= 16 + 79 // 17
    with Store("store") as store:
        assert len(store["c"].visits) == store["c"].visit_count == 79


# --- On the command line ----------------------------------------------------------------------


@pytest.fixture(params=["small", "large", "large-2"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether logs are read in one piece, in parts, or in parts by two processes."""
    if request.param != "small":
        for module, name, value in TINY_SIZES:
            monkeypatch.setattr(module, name, value)
        workers = 2 if request.param == "large-2" else 1
        monkeypatch.setattr(ltv.customers, "processor_count", lambda: workers)
    return str(request.param)


def results(run: Run, *arguments: object) -> dict[str, Any]:
    """What a run ranks, without the events of its files."""
    done = run(1000, *arguments, "-q", "-o", "out.json")
    assert (done.status, done.out) == (0, "")
    assert all(line.startswith("Warning: ") for line in done.err.splitlines())
    return without_events(Path("out.json").read_bytes())


def without_events(text: str | bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text, parse_float=str)
    del found["events"], found["warnings"], found["figures"]["rejected_for"]
    return found


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_slices_in_any_order_with_repeats(
    seed: int,
    run: Run,
    way: str,
    sizes: None,
    make_file: Callable[..., str],
    place: str,
):
    rng = random.Random(seed)
    texts = [text.encode() for text in make_log.events(60, 9, seed)]
    texts += random_logs.random_events(rng, 60)
    rng.shuffle(texts)
    count = rng.choice([2, 5])
    slices = [texts[i::count] for i in range(count)]
    files = [make_file(b"\n".join(some), f"file{i}") for i, some in enumerate(slices)]
    expected = results(run, *files, "--until", "2199-12-31")
    for some in [files, rng.sample(files, count), rng.choices(files, k=3)]:
        for file in some:
            results(run, file, "--store", place, "--until", "2199-12-31")
    assert results(run, "--store", place) == expected
    before = state_of(place)
    results(run, files[0], "--store", place, "--until", "2199-12-31")
    assert results(run, "--store", place) == expected
    assert state_of(place) == before
    own = ["store"] if place == "store" else []
    assert sorted(os.listdir()) == [*sorted(map(os.path.basename, files)), "out.json", *own]


def said(line: str) -> str:
    return f"Main_Calculation.py: {line}\n"


def test_what_is_said(run: Run, make_file: Callable[..., str], place: str):
    file = make_file(lines([order(1)]))
    data = (
        "Data from 2017-01-02 to 2017-01-02 UTC, 1 week: 1 customer, 0 visits, 1 order, 0 images.\n"
    )
    done = run(1, file, "--store", place, "-o", "top.csv")
    read = "Read 1 event from 1 file: 1 accepted, 0 rejected.\n"
    assert (done.status, done.err) == (0, f"{read}{data}Store: {place}\nResults: top.csv\n")
    done = run(1, "--store", place, "-o", "top.csv")
    ranked = f"Read no events: ranked what is in {place}.\n"
    assert (done.status, done.err) == (0, f"{ranked}{data}Results: top.csv\n")


def test_without_a_file_nothing_is_read(run: Run, in_tmp: Path):
    done = run(1, "--store", "store", "-o", "-")
    assert done == (1, "", said("store: No such file or directory"))
    Path("store").touch()
    done = run(1, "--store", "store", "-o", "-")
    assert done == (1, "", said("store: there is nothing in this store"))


def test_a_customer_that_is_not_in_the_store(run: Run, make_file: Callable[..., str], place: str):
    file = make_file(lines([order(1)]))
    for files in ([file], []):
        done = run(*files, "--store", place, "--explain", "C1", "-o", "-", "-q")
        results(run, file, "--store", place)
        problem = f'customer "C1" is not in the store {place}'
        assert done == (1, "", said(problem))


def test_a_store_without_customers(run: Run, in_tmp: Path):
    with Store("store"):
        pass
    expected = said("nothing to rank in store")
    done = run(1, "--store", "store", "-o", "-", "-q")
    assert done == (1, "", expected)
    Path("empty").touch()
    done = run(1, "empty", "--store", "new", "-o", "-", "-q")
    assert done == (1, "", said("nothing to rank in new"))
    assert sorted(os.listdir()) == ["empty", "store"]


def test_files_without_events_and_rejects(
    run: Run, way: str, make_file: Callable[..., str], place: str
):
    file = make_file(lines([order(1)]), "good")
    bad = make_file("{}\n" + lines([order(2)]), "bad")
    blank = make_file("\n", "blank")
    first = results(run, file, "--store", place)
    before = state_of(place)
    for option in (["--strict"], ["--max-rejects", 0]):
        done = run(9, bad, "--store", place, "-o", "out.json", "-q", *option)
        missing = "missing: type: expected this member, it is missing or null"
        allowed = f"{option[0]} allows 0; the first: {bad}, line 1: {missing}"
        expected = f"1 event rejected, {allowed}; see out.json.rejects.jsonl"
        assert done == (3, "", said(expected))
        assert Path("out.json.rejects.jsonl").exists()
        assert state_of(place) == before
    assert results(run, "--store", place) == first
    assert results(run, blank, "--store", place) == first
    assert not Path("out.json.rejects.jsonl").exists()
    assert results(run, bad, "--store", place) == results(run, file, bad)


def test_a_damaged_file_rolls_back(run: Run, way: str, make_file: Callable[..., str], place: str):
    results(run, make_file(lines([order(1)]), "good"), "--store", place)
    before = state_of(place)
    damaged = make_file("[" + lines([order(2)]), "damaged")
    done = run(9, damaged, "--store", place, "-o", "out.json", "-q")
    assert done.status == 1
    assert "its closing ] is missing" in done.err
    assert state_of(place) == before


def test_store_and_other_files(run: Run, make_file: Callable[..., str]):
    file = make_file(lines([order(1)]), "logs/log")
    for arguments, problem in [
        ((file, "--store", file), f"{file}: cannot be the store and an input ({file}) at once"),
        ((file, "--store", "out"), "out: cannot be the output and the store (out) at once"),
        ((file, "--store", "r"), "r: cannot be the rejects and the store (r) at once"),
    ]:
        done = run(1, *arguments, "-o", "out", "--rejects", "r", "-q")
        assert done == (1, "", said(problem))
    done = run(1, file, "--store", "-")
    assert done.status == 2
    assert "argument --store: given '-', expected the path of a file" in done.err
    done = run(1, file, "--store", "new/")
    assert done.status == 2
    assert "argument --store: given 'new/', expected the path of a file" in done.err
    results(run, "logs", "--store", "logs/store")
    for path in files_of_store("logs/store")[1:]:
        Path(path).touch()
    results(run, "logs", "--store", "logs/store")


# --- --until, and a clock gone wrong ------------------------------------------------------------


def at(number: int, when: str) -> dict[str, object]:
    return order(number, event_time=when)


JUMP = (
    "the latest event (2018-01-09T10:00:01Z) is more than 371 days after the latest other one "
    "(2017-01-03T10:00:00Z), which stretches the weeks of all customers; --until 2017-01-03 "
    "leaves it out"
)
DROP = (
    "the earliest event (2015-12-28T09:59:59Z) is more than 371 days before the earliest other one "
    "(2017-01-02T10:00:00Z), which stretches the weeks of its customer; --since 2017-01-02 "
    "leaves it out"
)
USUAL = [at(1, "2017-01-02T10:00:00Z"), at(2, "2017-01-03T10:00:00Z")]
JUMPING = at(3, "2018-01-09T10:00:01Z")
NOT_JUMPING = at(3, "2018-01-09T10:00:00Z")
DROPPING = at(4, "2015-12-28T09:59:59Z")


@pytest.mark.parametrize(
    ("events", "warnings"),
    [
        ([*USUAL, JUMPING], [(3, JUMP)]),
        ([JUMPING, *USUAL, JUMPING], [(1, JUMP)]),
        ([*USUAL * 20, JUMPING, *USUAL * 9, JUMPING], [(41, JUMP)]),
        ([*USUAL, NOT_JUMPING], []),
        ([*USUAL, JUMPING, at(4, "2018-01-09T10:00:02Z")], []),
        ([JUMPING], []),
        ([USUAL[0], *USUAL, at(2, "2018-01-09T10:00:01Z"), USUAL[1]], [(4, JUMP)]),
        ([*USUAL, DROPPING], [(3, DROP)]),
        ([*USUAL, at(4, "2015-12-28T10:00:00Z")], []),
        ([*USUAL, DROPPING, at(5, "2015-12-28T09:59:58Z")], []),
        ([*USUAL * 20, DROPPING, JUMPING, *USUAL, DROPPING], [(41, DROP), (42, JUMP)]),
    ],
)
def test_a_plain_run_warns(
    events: list[dict[str, object]],
    warnings: list[tuple[int, str]],
    run: Run,
    way: str,
    make_file: Callable[..., str],
):
    file = make_file(lines(events))
    done = run(9, file, "-o", "out.json", "-q")
    expected = [f"Warning: {file}: line {line}: {text}." for line, text in warnings]
    assert (done.status, done.err.splitlines()) == (0, expected)
    found = json.loads(Path("out.json").read_bytes())
    assert found["warnings"] == [text for _, text in warnings]
    assert run(9, make_file(lines(events[::-1]), "turned"), "-o", "turned.json", "-q").status == 0
    assert Path("turned.json").read_bytes() == Path("out.json").read_bytes()


def test_the_place_is_the_first_of_all_files(run: Run, way: str, make_file: Callable[..., str]):
    first, second, third = (
        make_file(lines(events), name)
        for name, events in (("1", USUAL), ("2", [*USUAL, JUMPING]), ("3", [JUMPING, *USUAL]))
    )
    for files, place in (
        ([first, second, third], f"{second}: line 3"),
        ([first, third, second], f"{third}: line 1"),
    ):
        done = run(9, *files, "-o", "-", "-q")
        assert done.err == f"Warning: {place}: {JUMP}.\n"


def test_a_store_is_not_stretched(run: Run, way: str, make_file: Callable[..., str], place: str):
    usual, jumping = make_file(lines(USUAL), "usual"), make_file(lines([JUMPING]), "jumping")
    both = make_file(lines([*USUAL, JUMPING]), "both")
    left = f"{place}: this store was left as it was"
    refusal = said(f"{left}: {both}: line 3: {JUMP}")
    assert run(9, both, "--store", place, "-o", "-", "-q") == (1, "", refusal)
    assert not state_of(place)
    results(run, usual, "--store", place)
    before = state_of(place)
    refusal = said(f"{left}: {jumping}: line 1: {JUMP}")
    assert run(9, jumping, "--store", place, "-o", "-", "-q") == (1, "", refusal)
    assert state_of(place) == before
    done = run(9, jumping, "--store", place, "--until", "2018-12-31", "-o", "-", "-q")
    assert (done.status, done.err) == (0, f"Warning: {jumping}: line 1: {JUMP}.\n")
    assert run(9, jumping, usual, "--store", place, "-o", "-", "-q").err == ""


def test_a_lone_earliest_event_is_no_more_than_a_warning_to_a_store(
    run: Run,
    way: str,
    make_file: Callable[..., str],
    place: str,
):
    usual, dropping = make_file(lines(USUAL), "usual"), make_file(lines([DROPPING]), "dropping")
    results(run, usual, "--store", place)
    for expected in (f"Warning: {dropping}: line 1: {DROP}.\n", ""):  # then it is known
        done = run(9, dropping, "--store", place, "-o", "-", "-q")
        assert (done.status, done.err) == (0, expected)


def test_until_and_a_store(run: Run, way: str, make_file: Callable[..., str], place: str):
    file = make_file(lines([at(1, "2017-01-02"), at(2, "2017-01-03"), at(3, "2017-01-04")]))
    done = run(9, file, "--store", place, "--until", "2017-01-03", "-o", "out.json")
    assert done.err.startswith(
        "Read 3 events from 1 file: 2 accepted, 0 rejected, 1 later than 2017-01-03.\n"
    )
    assert json.loads(Path("out.json").read_bytes())["events"]["later"] == 1
    before = state_of(place)
    for paths in ([], [file]):
        done = run(9, *paths, "--store", place, "--until", "2017-01-02", "-o", "-", "-q")
        assert done == (
            1,
            "",
            said(
                f"{place}: this store knows events up to 2017-01-03, later than 2017-01-02; "
                "to rank the past, give the files and no --store"
            ),
        )
    assert state_of(place) == before
    assert results(run, "--store", place, "--until", "2017-01-03")["customers"] == 2


def test_since_and_a_store(run: Run, way: str, make_file: Callable[..., str], place: str):
    file = make_file(lines([at(1, "2017-01-02"), at(2, "2017-01-03"), at(3, "2017-01-04")]))
    for day, status in (("2017-01-03", 0), ("2017-01-02", 0), ("2017-01-04", 1)):
        done = run(9, file, "--store", place, "--since", day, "-o", "out.json", "-q")
        assert done.status == status
    assert json.loads(Path("out.json").read_bytes())["events"]["earlier"] == 0
    before = state_of(place)
    for paths in ([], [file]):
        done = run(9, *paths, "--store", place, "--since", "2017-01-03", "-o", "-", "-q")
        assert done == (
            1,
            "",
            said(
                f"{place}: this store knows events from 2017-01-02 on, earlier than 2017-01-03; "
                "to rank what came since, give the files and no --store"
            ),
        )
    assert state_of(place) == before
    assert results(run, "--store", place, "--since", "2017-01-02")["customers"] == 3


# --- Wrong files ------------------------------------------------------------------------------


def made_store(path: str = "store", currency: str = "USD") -> None:
    with Store(path, currency) as store:
        Ingest(
            [order(number, total_amount="1") for number in range(2000)], store, currency=currency
        )


def change_by_hand(statement: str) -> None:
    connection = sqlite3.connect("store")
    connection.execute(statement)
    connection.commit()
    connection.close()


def pragma(text: str) -> None:
    connection = sqlite3.connect("store", isolation_level=None)
    connection.execute(f"PRAGMA {text}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def newer() -> None:
    made_store()
    pragma("user_version = 9")


def older() -> None:
    made_store()
    pragma("user_version = 1")


def without_layout() -> None:
    made_store()
    pragma("user_version = 0")


def other_program() -> None:
    change_by_hand("CREATE TABLE secret (x)")


def cut_off() -> None:
    made_store()
    os.truncate("store", os.path.getsize("store") // 2)


def overwritten() -> None:
    made_store()
    with open("store", "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize("store") - 4096))


WRONG = {
    "newer": (
        newer,
        "this store was made by a newer version of this program (layout 9, known is 2)",
    ),
    "older": (
        older,
        "this store was made by an older version of this program "
        "(layout 1, known is 2); make it anew from the logs",
    ),
    "no-layout": (
        without_layout,
        f"this store is damaged: it has no layout; {REMEDY}",
    ),
    "currency": (
        lambda: made_store(currency="EUR"),
        "the amounts in this store are in EUR, not in USD",
    ),
    "other-program": (other_program, "expected a store, got the database of another program"),
    "text": (
        lambda: Path("store").write_text("{}\n" * 99),
        "expected a file that --store made, got something else",
    ),
    "zeros": (
        lambda: Path("store").write_bytes(bytes(4096)),
        "expected a file that --store made, got something else",
    ),
    "directory": (
        lambda: os.mkdir("store"),
        "expected a file that --store made, got a directory or device",
    ),
    "cut-off": (
        cut_off,
        f"this store is damaged: it is cut off; {REMEDY}",
    ),
    "overwritten": (
        overwritten,
        f"this store is damaged: database disk image is malformed; {REMEDY}",
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("is_written", [True, False])
def test_wrong_files(name: str, is_written: bool, run: Run, make_file: Callable[..., str]):
    make, problem = WRONG[name]
    make()
    files = [make_file(lines([order(1)]), "log")] if is_written else []
    Path("top.csv").write_text("earlier")
    before = Path("store").read_bytes() if os.path.isfile("store") else b""
    done = run(1, *files, "--store", "store", "-o", "top.csv", "-q")
    assert done == (1, "", said(f"store: {problem}"))
    assert Path("top.csv").read_text() == "earlier"
    assert not before or Path("store").read_bytes() == before
    assert set(os.listdir()) == {"store", "top.csv", *map(os.path.basename, files)}


ROWS, ROW, PROFILE, PIECE, ACCOUNT, TABLES = (
    "its list of customers",
    "a customer",
    "a profile",
    "piece [0-9]+",
    "its account",
    "its list of tables",
)
ONE = "WHERE customer_id = 'c1'"
OF_ANOTHER = "(SELECT {0} FROM customer WHERE customer_id = 'c2')"
FIELDS = ", ".join(Known._fields[1:])
REST = ", ".join(Known._fields[2:])
EXCHANGED = (
    f"UPDATE customer SET ({REST}) = (SELECT {REST} FROM customer AS other WHERE "
    "other.customer_id = CASE customer.customer_id WHEN 'c1' THEN 'c2' ELSE 'c1' END) "
    "WHERE customer_id IN ('c1', 'c2')"
)

#: What was changed by hand, and what is said then.
BY_HAND = [
    (f"UPDATE customer SET begin = 'x' {ONE}", ROWS),
    (f"UPDATE customer SET begin = begin - 1 {ONE}", ROWS),
    (f"UPDATE customer SET begin = NULL, latest = NULL {ONE}", ROWS),
    (f"UPDATE customer SET latest = NULL {ONE}", ROWS),
    (f"UPDATE customer SET revenue_micros = 'x' {ONE}", ROWS),
    (f"UPDATE customer SET revenue_micros = revenue_micros + 0.5 {ONE}", ROW),
    (f"UPDATE customer SET revenue_micros = -revenue_micros {ONE}", ROWS),
    (f"UPDATE customer SET order_count = x'00' {ONE}", ROW),
    (f"UPDATE customer SET visit_count = visit_count + 1 {ONE}", ROW),
    (f"UPDATE customer SET piece = 'x' {ONE}", ROW),
    (f"UPDATE customer SET piece = piece + 1 {ONE}", ROW),
    (f"UPDATE customer SET profile = 7 {ONE}", ROW),
    (f"UPDATE customer SET checksum = checksum + 1 {ONE}", ROWS),
    (f"UPDATE customer SET checksum = x'00' {ONE}", ROWS),
    (f"UPDATE customer SET shard = 4096 {ONE}", ROWS),
    (f"UPDATE customer SET shard = -2 {ONE}", ROWS),
    (f"UPDATE customer SET shard = 'x' {ONE}", ROWS),
    (f"UPDATE customer SET customer_id = 'c9' {ONE}", ROWS),
    (f"UPDATE customer SET customer_id = CAST(customer_id AS BLOB) {ONE}", ROWS),
    (f"UPDATE customer SET revenue_micros = {OF_ANOTHER.format('revenue_micros')} {ONE}", ROWS),
    (EXCHANGED, ROWS),
    (f"DELETE FROM customer {ONE}", ROWS),
    ("DELETE FROM customer", ROWS),
    (f"INSERT INTO customer SELECT shard + 1, {FIELDS} FROM customer {ONE}", ROWS),
    ("UPDATE profile SET texts = '{}'", PROFILE),
    ("UPDATE profile SET texts = x'00'", PROFILE),
    ("DELETE FROM profile", PROFILE),
    ("DELETE FROM piece", PIECE),
    ("UPDATE piece SET orders = NULL", PIECE),
    ("UPDATE piece SET orders = images, images = orders", PIECE),
    ("UPDATE piece SET orders = '[7]'", PIECE),
    ("UPDATE piece SET orders = x'00'", PIECE),
    ("UPDATE piece SET images = '{}'", PIECE),
    ("UPDATE piece SET visits = '" + "[" * 100_000 + "'", PIECE),
    ("UPDATE piece SET visits_checksum = 'x'", PIECE),
    ("UPDATE piece SET number = number + 1000", PIECE),
    ("UPDATE piece SET previous = number", PIECE),
    ("UPDATE piece SET previous = number + 1", PIECE),
    ("UPDATE piece SET previous = 'x'", PIECE),
    ("UPDATE piece SET previous = 1.5", PIECE),
    ("DELETE FROM store", ACCOUNT),
    ("UPDATE store SET visits = visits + 1", ACCOUNT),
    ("UPDATE store SET currency = 'EUR'", ACCOUNT),
    ("UPDATE store SET checksum = 'x'", ACCOUNT),
    ("UPDATE store SET number = 2", ACCOUNT),
    ("ALTER TABLE store ADD COLUMN more", TABLES),
    ("ALTER TABLE piece RENAME TO pieces", TABLES),
    ("DROP TABLE profile", TABLES),
]


NAMED: dict[str, object] = {
    "type": "CUSTOMER", "verb": "NEW", "key": "c1", "event_time": "2017-01-01", "last_name": "x",
}  # fmt: skip


@pytest.mark.parametrize(("statement", "what"), BY_HAND)
def test_changed_by_hand(statement: str, what: str, run: Run, make_file: Callable[..., str]):
    events = [NAMED, *map(order, range(20))]
    results(run, make_file(lines(events), "log"), "--store", "store")
    change_by_hand(statement)
    before = Path("store").read_bytes()
    problem = f"store: this store is damaged: {what} is not as it was written; {REMEDY}"
    events = [NAMED | {"last_name": "y"}, *(order(n, verb="UPDATE") for n in range(7))]
    for files in ([], [make_file(lines(events), "more")]):
        done = run(*files, "--store", "store", "-o", "-", "-q", "--explain", "c1")
        assert (done.status, done.out) == (1, "")
        assert re.fullmatch(said(problem), done.err)
    assert Path("store").read_bytes() == before


def test_a_store_in_a_directory_that_is_not_there(run: Run, make_file: Callable[..., str]):
    done = run(1, make_file(lines([order(1)])), "--store", "no/store", "-o", "-", "-q")
    problem = "no/store: cannot be written: No such file or directory"
    assert done == (1, "", said(problem))


# --- Who may use it -----------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ltv.store.file, "_PATIENCE", 0.1)
    monkeypatch.setattr(ltv.store.server, "_PATIENCE", 0.1)


IN_USE = "another run is using this store, try again when it has ended"


def is_in_use(done: Done, place: str) -> bool:
    more = "" if place == "store" else "; if it was killed, in half a minute"
    return bool(done == (1, "", said(f"{place}: {IN_USE}{more}")))


def test_two_runs_at_once(
    run: Run, way: str, impatient: None, make_file: Callable[..., str], place: str
):
    file = make_file(lines([order(1)]))
    with store_at(place) as store:  # a new one, which cannot be read yet
        Ingest(order(2), store)
        assert is_in_use(run(1, file, "--store", place, "-o", "-", "-q"), place)
    with store_at(place) as store:
        Ingest(order(3), store)
        len(store)
        assert is_in_use(run(1, file, "--store", place, "-o", "-", "-q"), place)
        assert results(run, "--store", place)["customers"] == 1
    assert results(run, file, "--store", place)["customers"] == 3


def test_a_run_that_waits_for_one_that_fails(
    in_tmp: Path, finish: Run, start: Callable[..., Any], place: str
):
    Path("log").write_text(lines([order(1)]))
    with pytest.raises(ZeroDivisionError), store_at(place):
        process = start(1, "log", "--store", place, "-o", "-", "-q", "-f", "csv")
        time.sleep(1)  # it waits for as long, or for less: all the same
        raise ZeroDivisionError
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert b"c1" in out
    assert finish(1, "--store", place, "-o", "-", "-q", "-f", "csv").out.encode() == out


def test_reading_what_a_killed_run_left_in_the_log(run: Run):
    made_store()
    expected = results(run, "--store", "store")
    writer = Store("store")
    writer.open()
    writer._file.connection.execute("PRAGMA wal_autocheckpoint = 0")
    Ingest(order(1, customer_id="new"), writer)
    writer.commit()
    for path in files_of_store("store")[:2]:
        shutil.copy(path, "copy" + os.path.basename(path)[len("store") :])
    writer.close()
    found = results(run, "--store", "copy")
    assert found["customers"] == expected["customers"] + 1
    assert not os.path.exists("copy-wal")


def left_in_the_first_commit() -> None:
    """What a kill leaves when all is written, and the journal that undoes it is still there."""
    with Store("made") as store:
        Ingest(order(1), store)
        len(store)
        shutil.copy("made-journal", "store-journal")
        store._file.connection.execute("COMMIT")
        shutil.copy("made", "store")


def test_a_kill_in_the_first_commit(run: Run, make_file: Callable[..., str]):
    good, bad = make_file(lines([order(1)]), "good"), make_file("{}", "bad")
    nothing = said("store: there is nothing in this store")
    left_in_the_first_commit()
    assert run(1, "--store", "store", "-o", "-", "-q") == (1, "", nothing)
    left_in_the_first_commit()
    assert run(1, bad, "--store", "store", "-o", "-", "-q", "--strict").status == 1
    assert run(1, "--store", "store", "-o", "-", "-q") == (1, "", nothing)
    assert results(run, good, "--store", "store") == results(run, good)


@pytest.mark.parametrize("name", ["_is_empty", "begin"])
def test_a_new_store_that_another_run_removes_just_then(
    name: str, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
):
    found = getattr(ltv.store.file.StoreFile, name)
    removed: list[str] = []

    def removing(file: ltv.store.file.StoreFile) -> object:
        if not removed:
            removed.append(file.real)
            os.remove(file.real)
            raise FileNotFoundError(2, "No such file or directory")
        return found(file)

    monkeypatch.setattr(ltv.store.file.StoreFile, name, removing)
    with Store("store") as store:
        Ingest(order(1), store)
    with Store("store") as store:
        assert list(store) == ["c1"]


def as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have permissions bite in this process, as they do not bite root."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        monkeypatch.setattr("os.access", partial(os.access, effective_ids=True))


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("mode", [0o555, 0o755, 0o777])
def test_a_store_that_is_read_only(mode: int, run: Run, monkeypatch: pytest.MonkeyPatch):
    directory = Path(tempfile.mkdtemp(prefix="ltv-test-"))  # which anybody can get to
    try:
        store, log = directory / "store", directory / "log"
        made_store(str(store))
        expected = results(run, "--store", store)
        log.write_text(lines([order(1)]))
        store.chmod(0o444)
        directory.chmod(mode)
        before = store.read_bytes()
        with monkeypatch.context() as patch:
            as_nobody(patch)
            reading = run(1000, "--store", store, "-o", "-", "-q", "-f", "json")
            writing = run(1, log, "--store", store, "-o", "-", "-q")
        assert (reading.status, reading.err) == (0, "")
        assert without_events(reading.out) == expected
        assert writing == (1, "", said(f"{store}: cannot be written: Permission denied"))
        assert store.read_bytes() == before
    finally:
        os.seteuid(os.getuid())
        directory.chmod(0o777)
        shutil.rmtree(directory)


# --- Faults -----------------------------------------------------------------------------------


def test_results_that_cannot_be_put_in_place(
    run: Run,
    make_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
):
    file = make_file(lines([order(1)]))
    expected = results(run, file)

    def failing(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", failing)
        done = run(1000, file, "--store", place, "-o", "new.json", "-q")
        plain = run(1000, file, "-o", "new.json", "-q")
    assert done == (
        1,
        "",
        said(
            f"new.json: cannot be written: No space left on device; the store {place} has all of "
            "this run, though: the same command without files writes the results"
        ),
    )
    assert plain == (1, "", said("new.json: cannot be written: No space left on device"))
    assert results(run, "--store", place) == expected


def test_no_table_is_shown_of_what_is_not_kept(
    run: Run, make_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    def failing(*_: object) -> None:
        raise sqlite3.DatabaseError("no luck")

    monkeypatch.setattr(ltv.store.file.StoreFile, "commit", failing)
    done = run(1, make_file(lines([order(1)])), "--store", "store", "-o", "top.csv")
    assert done == (
        1,
        "",
        said(
            "store: this store is damaged: no luck; put a copy back, or make it anew from the logs"
        ),
    )
    assert not Path("top.csv").exists()


MOVED = (
    "the store {} has all of this run, though: the same command without files writes the results"
)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_table_that_does_not_fit(
    finish: Run, run: Run, make_file: Callable[..., str], place: str
):
    file = make_file(lines([order(1)]))
    done = finish(1, file, "--store", place, "-o", "top.csv", redirected="> /dev/full")
    assert done == (1, "", said(f"standard output: No space left on device; {MOVED.format(place)}"))
    assert not Path("top.csv").exists()
    assert results(run, "--store", place) == results(run, file)


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("options", [("-o", "top.csv"), ("-o", "-", "-q")])
def test_a_signal_while_nobody_reads_the_results(
    options: tuple[str, ...], start: Callable[..., Any], make_file: Callable[..., str], in_tmp: Path
):
    unread, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, bytes(2**16))
    os.set_blocking(full, True)
    arguments = (1, make_file(lines([order(1)]), "log"), "--store", "store", *options)
    process = start(*arguments, env=UNMEASURED, stdout=full)
    while not is_kept("store"):
        time.sleep(0.05)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)  # it is not heard while the store is kept
        time.sleep(0.05)
    os.close(full)
    os.close(unread)
    assert process.returncode == 143
    assert process.stderr.read().decode() == said(
        f"interrupted by SIGTERM; {MOVED.format('store')}"
    )
    assert not Path("top.csv").exists()


def is_kept(path: str) -> bool:
    try:
        with Store(path, is_written=False) as store:
            return len(store) > 0
    except FileError:
        return False


def test_a_store_that_may_not_grow(
    run: Run, make_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    made_store()
    before = Path("store").read_bytes()
    connected = ltv.store.file.connected

    def full(path: str, mode: str) -> sqlite3.Connection:
        connection = connected(path, mode)
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are, that is
        return connection

    monkeypatch.setattr(ltv.store.file, "connected", full)
    file = make_file(lines([order(n, customer_id=f"new{n}") for n in range(2000)]))
    done = run(1, file, "--store", "store", "-o", "-", "-q")
    problem = "store: this store cannot be used: database or disk is full"
    assert done == (1, "", said(problem))
    assert Path("store").read_bytes() == before


def put(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)


class Growing:
    """A store of half of a log, which runs are to bring to all of it."""

    def __init__(self, directory: Path, events: int = 3000) -> None:
        self.directory = directory
        texts = list(make_log.events(events, events // 20, 1))
        for name, some in (("first", texts[::2]), ("second", texts[1::2])):
            (directory / name).write_text("\n".join(some))
        self.before = self.ranking(self.run("first", "--store", "store"))
        self.file = (directory / "store").read_bytes()
        self.after = self.ranking(self.run("second", "--store", "store"))
        assert self.before != self.after
        self.reset()

    def reset(self) -> None:
        for path in self.directory.glob("store*"):
            path.unlink()
        put(self.directory / "store", self.file)

    def start(self, *arguments: object, **more: Any) -> "subprocess.Popen[bytes]":
        program = str(SOURCES / "Main_Calculation.py")
        command = [sys.executable, "-S", program, "1000", "-f", "csv", "-o", "-", "-q"]
        return subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=self.directory,
            env=environment_with(UNMEASURED),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )

    def run(self, *arguments: object, **more: Any) -> tuple[int, bytes, bytes]:
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def ranking(self, done: tuple[int, bytes, bytes]) -> bytes:
        assert (done[0], done[2]) == (0, b"")
        return done[1]

    def check_whole(self) -> bool:
        """Whether the run is in it; then that the next one works. It is not there by halves."""
        found = self.ranking(self.run("--store", "store"))
        assert found in (self.before, self.after)
        assert self.ranking(self.run("second", "--store", "store")) == self.after
        assert [path.name for path in self.directory.glob("store*")] == ["store"]
        return found == self.after


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Growing:
    return Growing(tmp_path_factory.mktemp("growing"))


def kill_at_random_moments(growing: Growing, seed: int, count: int, number: int) -> None:
    rng = random.Random(seed)
    growing.reset()
    begin = time.monotonic()
    growing.run("second", "--store", "store")
    duration = time.monotonic() - begin
    killed = 0
    for step in range(count):
        growing.reset()
        process = growing.start("second", "--store", "store")
        time.sleep(duration * (step + rng.random()) / count)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        ways = (-number,) if number == signal.SIGKILL else (-number, 128 + number)
        is_before_any_program = b"Python runtime state: core initialized" in err
        assert process.returncode in (0, *ways) or is_before_any_program, err
        killed += process.returncode != 0
        growing.check_whole()
    assert killed


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_at_any_moment(growing: Growing, number: int):
    kill_at_random_moments(growing, 1, 5, number)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "count"), [(signal.SIGKILL, 100), (signal.SIGINT, 20), (signal.SIGHUP, 20)]
)
def test_a_hundred_kills(growing: Growing, number: int, count: int):
    kill_at_random_moments(growing, 2, count, number)


def test_a_kill_while_a_store_is_made(growing: Growing):
    for step in range(4):
        for path in growing.directory.glob("store*"):
            path.unlink()
        process = growing.start("second", "--store", "store")
        time.sleep(0.08 + 0.08 * step)
        process.kill()
        process.communicate()
        assert growing.ranking(growing.run("first", "second", "--store", "store")) == growing.after
    growing.reset()


def limited(size: int) -> dict[str, Any]:
    """Have no file grow beyond `size` bytes, as if the disk were full."""
    resource = pytest.importorskip("resource")
    limits = (size, resource.RLIM_INFINITY)
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)}


def fail_at_sizes(growing: Growing, sizes: Iterator[int]) -> None:
    outcomes = set()
    for size in sizes:
        growing.reset()
        status, out, err = growing.run("second", "--store", "store", **limited(size))
        assert (status, err.count(b"\n")) in ((0, 0), (1, 1)), err
        assert b"a fault of this program" not in err
        is_after = growing.check_whole()
        assert is_after or status == 1
        assert (out == growing.after) == (status == 0)
        outcomes.add(status)
    assert outcomes == {0, 1}


def test_no_room_for_any_more_than_so_much(growing: Growing):
    fail_at_sizes(growing, iter([0, 5000, 40_000, 150_000, 10_000_000]))


@pytest.mark.slow
def test_no_room_at_any_write(growing: Growing):
    most = 2 * len(growing.file)
    fail_at_sizes(growing, iter([*range(0, most, 4096), 100 * most]))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a full disk")
def test_a_full_disk(tmp_path: Path):
    for kilobytes in range(300, 1500, 100):
        disk = tmp_path / f"disk{kilobytes}"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
        try:
            (tmp_path / "log").mkdir(exist_ok=True)
            growing = Growing(tmp_path / "log")
            put(disk / "store", growing.file)
            arguments = "--store", disk / "store"
            status, _, err = growing.run("second", *arguments)
            assert (status, err.count(b"\n")) in ((0, 0), (1, 1)), err
            found = growing.ranking(growing.run(*arguments))
            assert found == growing.after if status == 0 else found == growing.before
        finally:
            subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(not CDNOW.exists(), reason="shared/data/ is not beside the project's root")
def test_cdnow_week_by_week(run: Run):
    weeks: dict[str, list[bytes]] = {}
    for line in gzip.decompress(CDNOW.read_bytes()).splitlines():
        day = json.loads(line)["event_time"][:10]
        weeks.setdefault(time.strftime("%G-%V", time.strptime(day, "%Y-%m-%d")), []).append(line)
    for week, some in sorted(weeks.items()):
        Path(week).write_bytes(b"\n".join(some))
        results(run, week, "--store", "store")
    assert len(weeks) == 79
    assert results(run, "--store", "store") == results(run, CDNOW)
    assert os.path.getsize("store") < 1.2 * sum(
        len(line) for some in weeks.values() for line in some
    )


def test_changes_are_the_same_from_another_connection(in_tmp: Path):
    D: dict[str, Customer] = {}
    Ingest(order(1), D)
    assert len(changes_to_store(None, D.values())) == 1
    with Store("store") as store:
        assert store.known_path is None
        store.join(D.values())
    with Store("store") as store:
        assert store.known_path is not None
        assert changes_to_store(store.known_path, D.values()) == []


def test_what_is_refused_keeps_its_journal_mode(run: Run, make_file: Callable[..., str]):
    """To set another is to write the first page."""
    with contextlib.closing(sqlite3.connect("store")) as connection:
        connection.execute(f"PRAGMA application_id = {ltv.store.file.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {ltv.store.file.LAYOUT}")
        connection.execute("CREATE TABLE theirs (x)")
    before = Path("store").read_bytes()
    done = run(1, make_file(lines([order(1)])), "--store", "store", "-o", "-")
    assert done.status == 1
    assert "this store is damaged: its list of tables" in done.err
    assert Path("store").read_bytes() == before
    assert not Path("store-wal").exists()
