r"""`--csv shopify` and `--csv stripe`: headers of real exports, rows that are made up.

| header | seen on github.com | in |
|---|---|---|
| Shopify, 79 columns, 2023 | danilo0327/ML_linear_regression | orders_export_1.csv |
| Shopify, 75 columns, 2021 | FelixTellmann/kidsliving-api | orders_export.csv |
| Stripe, the first of all columns, 2024 | streaming-overlays/stripe-country-revenue-calculator | \
unified_payments.csv |
| Stripe, default columns, 2026 | DataScience-GT/query | unified_payments.csv |
| Stripe, 2014 | gtolle/stripe-iiftoqbo | README.md |
"""

import csv
import json
from collections.abc import Callable

import pytest

from conftest import Done

Run = Callable[..., Done]
MakeFile = Callable[..., str]

SHOPIFY_75 = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,"
    "Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,"
    "Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,"
    "Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,Billing City,"
    "Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,"
    "Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,"
    "Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,"
    "Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,"
    "Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name"
)
SHOPIFY_79 = f"{SHOPIFY_75},Payment ID,Payment Terms Name,Next Payment Due At,Payment References"

STRIPE_DEFAULT = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
    "Converted Amount Refunded,Converted Currency,Decline Reason,Description,Fee,"
    "Refunded date (UTC),Statement Descriptor,Status,Seller Message,Taxes On Fee,Card ID,"
    "Customer ID,Customer Description,Customer Email,Invoice ID,Transfer"
)
STRIPE_ALL = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
    "Converted Amount Refunded,Converted Currency,Description,Fee,Is Link,Mode,PaymentIntent ID,"
    "Payment Source Type,Refunded date (UTC),Statement Descriptor,Status,Seller Message,"
    "Taxes On Fee,Card ID,Card Name,Card Address Line1,Card Address Line2,Card Address City,"
    "Card Address State,Card Address Country,Card Address Zip,Card AVS Line1 Status,"
    "Card AVS Zip Status,Card Brand,Card CVC Status,Card Exp Month,Card Exp Year,"
    "Card Fingerprint,Card Funding,Card Issue Country,Card Last4,Card Tokenization Method,"
    "Customer ID,Customer Description,Customer Email,Customer Phone,Shipping Name"
)
STRIPE_2014 = (
    "id,Description,Created,Amount,Amount Refunded,Currency,Converted Amount,"
    "Converted Amount Refunded,Fee,Converted Currency,Mode,Status,Customer ID,"
    "Customer Description,Customer Email,Captured,Card Last4,Card Type,Card Exp Month,"
    "Card Exp Year,Card Name,Card Address Line1,Card Address Line2,Card Address City,"
    "Card Address State,Card Address Country,Card Address Zip,Card Issue Country,"
    "Card Fingerprint,Card CVC Status,Card AVS Zip Status,Card AVS Line1 Status,Dispute Status"
)


def export(path: str, header: str, rows: list[dict[str, str]]) -> str:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header.split(","), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def shopify_order(name: str, email: str, status: str, total: str, refunded: str) -> dict[str, str]:
    return {
        "Name": name,
        "Email": email,
        "Financial Status": status,
        "Currency": "USD",
        "Total": total,
        "Created at": "2023-11-04 12:19:55 -0700",
        "Refunded Amount": refunded,
        "Notes": "two\nlines",
        "Lineitem name": "Bracelet",
    }


def shopify_item(name: str, email: str) -> dict[str, str]:
    more = {"Created at": "2023-11-04 12:19:55 -0700", "Lineitem discount": "0.00"}
    return {"Name": name, "Email": email, "Lineitem name": "Tip", **more}


SHOPIFY_ROWS = [
    shopify_order("#1001", "a@example.com", "paid", "47.24", "0.00"),
    shopify_item("#1001", "a@example.com"),
    shopify_order("#1002", "a@example.com", "partially_refunded", "100.00", "40.00"),
    shopify_order("#1003", "b@example.com", "refunded", "30.00", "30.00"),
    shopify_order("#1004", "b@example.com", "voided", "500.00", "0.00"),
    shopify_item("#1004", "b@example.com"),
    shopify_order("#1005", "b@example.com", "pending", "5.00", "0.00"),
    shopify_order("#1006", "", "paid", "9.50", "0.00"),
]


@pytest.mark.parametrize(("header", "columns"), [(SHOPIFY_75, 75), (SHOPIFY_79, 79)])
def test_an_export_of_shopify(run: Run, in_tmp: object, header: str, columns: int) -> None:
    assert header.count(",") + 1 == columns
    file = export("orders.csv", header, SHOPIFY_ROWS)
    done = run(9, file, "--csv", "shopify", "-f", "jsonl", "-o", "-")
    rows = [json.loads(line, parse_float=str) for line in done.out.splitlines()]
    shown = [(row["customer_id"], row["revenue"], row["orders"]) for row in rows]
    assert shown == [("a@example.com", "107.24", 2), ("b@example.com", "0.00", 1)]
    assert 'begin": "2023-11-04T19:19:55Z' in done.out
    assert "Read 3 events from 1 file: 3 accepted, 0 rejected.\n" in done.err
    assert (
        'Passed over: further items 2, guests 1, rows with Financial Status "pending" 1,'
        ' rows with Financial Status "voided" 1; guests spent 9.50 USD.\n'
    ) in done.err


@pytest.mark.parametrize("header", [STRIPE_DEFAULT, STRIPE_ALL, STRIPE_2014])
def test_an_export_of_stripe(run: Run, in_tmp: object, header: str) -> None:
    created = next(name for name in header.split(",") if name.startswith("Created"))
    rows = [
        {
            "id": f"ch_{number}",
            created: "2026-01-28 20:38:09" if "UTC" in created else "2014-02-03 01:47",
            "Amount": amount,
            "Amount Refunded": refunded,
            "Currency": "usd",
            "Status": status,
            "Customer Email": email,
        }
        for number, (email, status, amount, refunded) in enumerate(
            [
                ("a@example.com", "Paid", "1,000.00", "300.00"),
                ("b@example.com", "Refunded", "15.00", "15.00"),
                ("b@example.com", "Failed", "750.00", "0.00"),
                ("", "Paid", "2.00", "0.00"),
            ]
        )
    ]
    done = run(9, export("p.csv", header, rows), "--csv", "stripe", "-f", "jsonl", "-o", "-")
    shown = [json.loads(line, parse_float=str) for line in done.out.splitlines()]
    assert [(row["customer_id"], row["revenue"]) for row in shown] == [
        ("a@example.com", "700.00"),
        ("b@example.com", "0.00"),
    ]
    assert 'guests 1, rows with Status "Failed" 1; guests spent 2.00 USD.\n' in done.err


def test_a_column_that_a_layout_needs_is_named(run: Run, make_file: MakeFile) -> None:
    file = make_file("Name,Email,Financial Status,Currency,Total,Created at\n", "o.csv")
    done = run(9, file, "--csv", "shopify", "-o", "-")
    assert done.status == 2
    assert 'there is no column "Refunded Amount", which --csv shopify needs; its he' in done.err


def test_a_layout_can_be_added_to(run: Run, in_tmp: object) -> None:
    file = export("orders.csv", SHOPIFY_79, SHOPIFY_ROWS)
    columns = "shopify,customer_id=Notes,last_name=Lineitem name"
    where = ("--csv-where", "Financial Status=voided")
    done = run(9, file, "--csv", columns, *where, "-f", "jsonl", "-o", "-")
    (row,) = [json.loads(line, parse_float=str) for line in done.out.splitlines()]
    assert (row["customer_id"], row["last_name"], row["revenue"]) == (
        "two\nlines",
        "Bracelet",
        "500.00",
    )
