"""The customers with the most expected revenue, from a gzipped log of events, by lifetimes.

python tests/benchmark/lifetimes_ranking.py LOG.jsonl.gz DATE WEEKS [X]

As its users do it: json.loads, the latest amount of each order, a data frame, and lifetimes' own
summary, fits and predictions. Needs requirements-model.txt; model.py measures it.
"""

import gzip
import json
import sys

import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
from lifetimes.utils import summary_data_from_transaction_data


def main(log: str, until: str, weeks: str, x: str = "100") -> None:
    latest: dict[tuple[str, str], tuple[str, str]] = {}
    with gzip.open(log, "rt", encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            if event["type"] == "ORDER" and event["event_time"][:10] <= until:
                name = event["customer_id"], event["key"]
                stamp = event["event_time"], event["total_amount"]
                latest[name] = max(latest.get(name, stamp), stamp)
    orders = [
        (customer_id, time[:10], float(amount.split()[0]))
        for (customer_id, _), (time, amount) in latest.items()
    ]
    frame = pd.DataFrame(orders, columns=["id", "day", "amount"])
    known = summary_data_from_transaction_data(
        frame, "id", "day", "amount", observation_period_end=until
    )
    frequency, spend = known["frequency"], known["monetary_value"]
    recency, age = known["recency"] / 7, known["T"] / 7
    buying = BetaGeoFitter().fit(frequency, recency, age)
    is_taken = (frequency > 0) & (spend > 0)
    spending = GammaGammaFitter().fit(frequency[is_taken], spend[is_taken])
    expected = buying.conditional_expected_number_of_purchases_up_to_time(
        float(weeks), frequency, recency, age
    ) * spending.conditional_expected_average_profit(frequency, spend)
    for customer_id, revenue in expected.nlargest(int(x)).items():
        print(customer_id, f"{revenue:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
