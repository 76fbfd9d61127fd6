"""Events dealt to shards on disk and back: the customers that all the events at once make."""

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import ltv.parallel.shards
import ltv.reading.decoding
import random_logs
from ltv.errors import EventError
from ltv.parallel.shards import Dealer, customers_of_shards
from ltv.reading.layouts import COLUMNS, Row
from ltv.times import shortened
from LTV_Classes import Customer
from LTV_Ingest import Fact, Rules, fact_of, join_fact

RULES = Rules(with_details=False)


def good_facts(seed: int, count: int) -> list[Fact]:
    """What some random events by the rules say."""
    facts = []
    for text in random_logs.random_events(random.Random(seed), count):
        with suppress(ValueError, EventError, RecursionError):
            facts.append(fact_of(ltv.reading.decoding.decode(text.decode()), RULES))
    return facts


def row_of(fact: Fact) -> Row:
    """The row that an event would have that says this, if its layout was known."""
    member = {
        "verb": b"U" if fact.is_update else b"",
        "event_time": shortened(fact.time.encode()),
        "key": fact.key.encode(),
        "customer_id": fact.customer_id.encode(),
    }
    if fact.type == "ORDER":
        whole, micros = divmod(abs(fact.value), 1_000_000)
        sign = "-" if fact.value < 0 else ""
        member["total_amount"] = f'"{sign}{whole}.{micros:06} USD"'.encode()
    elif fact.type == "CUSTOMER":
        name = fact.value.get("last_name")
        member["last_name"] = b"" if name is None else json.dumps(name).encode()
    return tuple(member[column] for column in COLUMNS[fact.type])


def known(D: dict[str, Customer]) -> dict[str, Any]:
    """All that a ranking asks of the customers."""
    return {
        customer_id: (
            customer.customer_id,
            customer.last_name,
            customer.begin,
            customer.latest,
            customer.revenue_micros,
            customer.orders,
            customer.visits,
            customer.images,
        )
        for customer_id, customer in D.items()
    }


def all_at_once(facts: list[Fact]) -> dict[str, Customer]:
    D: dict[str, Customer] = {}
    for fact in facts:
        join_fact(fact, D)
    return D


def dealt(directory: Path, facts: list[Fact], shards: int, rng: random.Random) -> list[str]:
    """The files of three parts, which take some events as rows and others as facts."""
    paths = []
    for part in range(3):
        dealer = Dealer(shards)
        for fact in facts[part::3]:
            if rng.random() < 0.5:
                dealer.deal_rows(fact.type, [row_of(fact)])
            else:
                dealer.deal_fact(fact)
        paths.append(str(directory / f"{part}.rows"))
        dealer.write(paths[-1])
    return paths


@pytest.mark.parametrize("rows_to_join", [0, ltv.parallel.shards._ROWS_TO_JOIN])
@pytest.mark.parametrize("shards", [1, 2, 7, 40])
@pytest.mark.parametrize("seed", range(3))
def test_shards_have_what_all_events_at_once_make(
    seed: int, shards: int, rows_to_join: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ltv.parallel.shards, "_ROWS_TO_JOIN", rows_to_join)
    facts = good_facts(seed, 300)
    assert len(facts) > 150
    paths = dealt(tmp_path, facts, shards, random.Random(seed))
    found = list(customers_of_shards(paths, range(shards), "USD"))
    assert len(found) == shards
    ids = [customer_id for D in found for customer_id in D]
    assert len(ids) == len(set(ids)), "a customer is in one shard"
    together = {customer_id: D[customer_id] for D in found for customer_id in D}
    assert known(together) == known(all_at_once(facts))
    some = range(shards)[shards // 2 :]
    again = list(customers_of_shards(paths, some, "USD"))
    assert [*map(known, again)] == [*map(known, found[shards // 2 :])]


def test_the_id_alone_decides_on_the_shard(tmp_path: Path):
    """Rows and facts of all types, in one file or another, meet in one shard."""
    ids = [f"customer {number} é" for number in range(30)]
    facts = [
        Fact("ORDER", customer_id, "o", "2017-01-01T00:00:00.000000", False, 1_000_000)
        for customer_id in ids
    ]
    profiles = [
        Fact("CUSTOMER", customer_id, customer_id, "2017-01-02T00:00:00.000000", True, {})
        for customer_id in ids
    ]
    first, second = Dealer(5), Dealer(5)
    for fact in facts:
        first.deal_fact(fact)
    second.deal_rows("CUSTOMER", [row_of(fact) for fact in profiles])
    second.deal_rows("ORDER", [row_of(fact._replace(key="p", is_update=True)) for fact in facts])
    first.write(str(tmp_path / "1"))
    second.write(str(tmp_path / "2"))
    shards = list(customers_of_shards([str(tmp_path / "1"), str(tmp_path / "2")], range(5), "USD"))
    assert sorted(customer_id for D in shards for customer_id in D) == sorted(ids)
    assert sum(map(bool, shards)) == 5
    for D in shards:
        for customer in D.values():
            assert customer.revenue_micros == 2_000_000
            assert len(customer.orders) == 2


def test_nothing_dealt_is_nothing_known(tmp_path: Path):
    path = str(tmp_path / "rows")
    Dealer(3).write(path)
    assert list(customers_of_shards([path, path], range(3), "USD")) == [{}, {}, {}]
    assert list(customers_of_shards([], range(3), "USD")) == [{}, {}, {}]


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path):
    (tmp_path / "rows").write_bytes(b"")
    with pytest.raises(FileExistsError):
        Dealer(3).write(str(tmp_path / "rows"))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (b'"Smith"', "Smith"),
        ('"Müller"'.encode(), "Müller"),
        (b'"M\\u00fcller \\"x\\""', 'Müller "x"'),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\ud83d"', None),
        (b'"' + b"\\u0041" * 256 + b'"', "A" * 256),
        (b'""', ""),
        (b"", None),
    ],
)
def test_names_are_kept_as_the_full_path_would(name: bytes, kept: str | None, tmp_path: Path):
    dealer = Dealer(1)
    dealer.deal_rows("CUSTOMER", [(b"2017-01-01T00:00:00.000", b"", b"c1", name)])
    dealer.write(str(tmp_path / "rows"))
    (D,) = customers_of_shards([str(tmp_path / "rows")], range(1), "USD")
    assert D["c1"].last_name == kept


def test_amounts_are_looked_up_by_their_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.parallel.shards, "_MOST_AMOUNTS", 2)
    ltv.parallel.shards._amounts.cache_clear()
    texts = [b'"1"', b"1", b'"$1.50"', b"-0.000001", b'"1,000.00 USD"', b'"1"', b"12"]
    micros = [1_000_000, 1_000_000, 1_500_000, -1, 1_000_000_000, 1_000_000, 12_000_000]
    dealer = Dealer(1)
    for number, text in enumerate(texts):
        dealer.deal_rows("ORDER", [(b"2017-01-01T10:00:00.000", b"", b"o%d" % number, b"c", text)])
    dealer.write(str(tmp_path / "rows"))
    (D,) = customers_of_shards([str(tmp_path / "rows")], range(1), "USD")
    assert D["c"].revenue_micros == sum(micros)
    assert len(ltv.parallel.shards._amounts("USD")) <= 2
    assert ltv.parallel.shards._amounts("EUR")[b'"2 EUR"'] == 2_000_000
    ltv.parallel.shards._amounts.cache_clear()
