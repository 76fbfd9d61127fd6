"""The kind of script that this program replaces: load everything, rank in floats.

python plain.py X FILE    ids of the best X customers, one a line
"""

import json
import re
import sys
from datetime import date, datetime, timedelta
from typing import Any


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def monday(when: datetime) -> date:
    return (when - timedelta(days=when.weekday())).date()


def amount(text: object) -> float:
    return float(re.sub(r"[^0-9.-]", "", str(text)))


def customers_of(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    customers: dict[str, dict[str, Any]] = {}
    for event in events:
        customer_id = event["key"] if event["type"] == "CUSTOMER" else event["customer_id"]
        customer = customers.setdefault(customer_id, {"times": [], "orders": {}, "visits": set()})
        when = moment(event["event_time"])
        customer["times"].append(when)
        if event["type"] == "SITE_VISIT":
            customer["visits"].add((event["key"], when))
        elif event["type"] == "ORDER":
            version = (when, event["verb"], amount(event["total_amount"]))
            known = customer["orders"].get(event["key"], version)
            customer["orders"][event["key"]] = max(known, version, key=lambda v: (v[0], v[1]))
    return customers


def main() -> None:
    with open(sys.argv[2], encoding="utf-8") as file:
        customers = customers_of([json.loads(line) for line in file])
    end = max(max(customer["times"]) for customer in customers.values())
    values = []
    for customer_id, customer in customers.items():
        weeks = (monday(end) - monday(min(customer["times"]))).days // 7 + 1
        revenue = sum(version[2] for version in customer["orders"].values())
        values.append((-52 * 10 * revenue / weeks, customer_id))
    print(*(customer_id for _, customer_id in sorted(values)[: int(sys.argv[1])]), sep="\n")


if __name__ == "__main__":
    main()
