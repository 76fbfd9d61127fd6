"""What was known of the customers of a shard at an instant, and what came later: for a backtest.

| order | events before it | after it | |
|---|---|---|---|
| o1 | NEW 10.00 | UPDATE 20.00 | known, with 10.00 |
| o2 | | NEW 5.00, UPDATE 6.00 | later, with 6.00 |
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ltv.blocks import Block
from ltv.parallel.column_shard import ColumnShard, CustomerOrders
from ltv.parallel.shards import blocks_of_shards
from ltv.times import pack, shortened
from LTV_Calculate import Threshold
from LTV_Ingest import Ingest, Rules

if TYPE_CHECKING:
    from ltv.ranking.outcomes import Past


def past_of_shards(
    paths: list[str],
    shards: range,
    past: "Past",
    rules: Rules,
    function: Callable[..., Any],
    *arguments: object,
) -> list[Any]:
    """Return what a function of what was known, and of what came later, gives of each of `shards`.

    That is `function(known, later, *arguments)` (ltv.ranking.outcomes.Remembers).
    """
    return [
        function(*_view(blocks, past, rules.currency), *arguments)
        for blocks in blocks_of_shards(paths, shards)
    ]


def _view(
    blocks: list[Block], past: "Past", currency: str
) -> tuple[dict[str, CustomerOrders], dict[str, int]]:
    if past.until is not None:
        blocks = _before(past.until, blocks)
    known = _before(past.known_before, blocks)
    orders = set(_orders_in(known))
    are_later = (
        block.only([order not in orders for order in _orders_in([block])])
        for block in blocks
        if block.type == "ORDER"
    )
    customers = _shard_of(known, past.end, currency).values()
    sums = _shard_of(are_later, past.end, currency).figures(Threshold(past.end))
    return (
        {customer.customer_id: customer for customer in customers},
        {customer_id: micros for customer_id, _, micros in sums},
    )


def _before(instant: int, blocks: list[Block]) -> list[Block]:
    """Return the blocks of the events before an instant; short times are in its order."""
    bound = shortened(pack(instant).encode())
    return [block.only([time < bound for time in block.times]) for block in blocks]


def _orders_in(blocks: Iterable[Block]) -> Iterator[tuple[bytes, bytes]]:
    """Yield customer and key of each event of an order."""
    for block in blocks:
        if block.type == "ORDER":
            yield from zip(block.owners, block.keys, strict=True)


def _shard_of(blocks: Iterable[Block], end: int, currency: str) -> ColumnShard:
    return Ingest(blocks, ColumnShard(currency, end), currency=currency)
