"""The ranking of a CSV file of orders by pandas, by DuckDB and by this program.

    python csv_ranking.py                      all three in turn, in an environment of its own
    python csv_ranking.py pandas FILE          the best customers
    python csv_ranking.py duckdb FILE

Of what is paid, by e-mail address; amounts are exact in DuckDB, floats in pandas.
"""

import argparse
import csv
import os
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measure import MB, Contender, in_turn

sys.path.append(str(Path(__file__).resolve().parents[1]))

from environments import make_environment

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parents[1] / "src/Main_Calculation.py"
VENV = HERE.parents[1] / ".venv-benchmark-csv"
X = 10
COLUMNS = "customer_id=Email,key=Name,event_time=Created at,total_amount=Total,currency=Currency"


def make(path: str, rows: int) -> None:
    """Write orders of the customers of five years, 10 each."""
    rng = random.Random(7)
    begin = datetime(2019, 1, 1, tzinfo=UTC)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        header = "Name,Email,Financial Status,Created at,Total,Currency,Lineitem name,Notes,Tags"
        writer.writerow(header.split(","))
        for number in range(rows):
            time = begin + timedelta(seconds=rng.randrange(5 * 365 * 86_400))
            status = rng.choices(["paid", "voided"], [49, 1])[0]
            customer = f"customer{rng.randrange(max(rows // 10, 1))}@example.com"
            amount = f"{rng.randrange(500, 30_000) / 100:.2f}"
            item = rng.choice(["Photo book, large", "Mug", "Canvas 40 x 60", "Calendar"])
            row = [f"#{1000 + number}", customer, status, f"{time:%Y-%m-%d %H:%M:%S} +0000"]
            writer.writerow([*row, amount, "USD", item, "", "web"])


def by_pandas(path: str) -> None:
    """Print the best customers as a data analyst's script finds them."""
    import pandas as pd  # noqa: PLC0415 - in an environment of its own

    columns = ["Name", "Email", "Financial Status", "Created at", "Total"]
    orders = pd.read_csv(path, usecols=columns)
    orders["time"] = pd.to_datetime(orders["Created at"], format="%Y-%m-%d %H:%M:%S %z", utc=True)
    paid = orders[orders["Financial Status"] == "paid"].sort_values("time")
    paid = paid.drop_duplicates(["Email", "Name"], keep="last")
    monday = paid["time"].dt.normalize() - pd.to_timedelta(paid["time"].dt.day_of_week, unit="D")
    paid = paid.assign(week=monday)
    by = paid.groupby("Email").agg(revenue=("Total", "sum"), first=("week", "min"))
    weeks = (paid["week"].max() - by["first"]).dt.days // 7 + 1
    by["ltv"] = 520 * by["revenue"] / weeks
    best = by.sort_values(["ltv", "Email"], ascending=[False, True]).head(X)
    print("\n".join(f"{customer},{ltv:.2f}" for customer, ltv in best["ltv"].items()))


def by_duckdb(path: str) -> None:
    """Print the same by read_csv of DuckDB."""
    import duckdb  # noqa: PLC0415 - likewise

    rows = duckdb.execute(
        """
        WITH orders AS MATERIALIZED (
            SELECT Email AS customer, arg_max(Total, moment) AS amount, max(moment) AS latest
            FROM (
                SELECT *, strptime("Created at", '%Y-%m-%d %H:%M:%S %z') AS moment
                FROM read_csv($file, header = true, columns = {
                    'Name': 'VARCHAR', 'Email': 'VARCHAR', 'Financial Status': 'VARCHAR',
                    'Created at': 'VARCHAR', 'Total': 'DECIMAL(18, 2)', 'Currency': 'VARCHAR',
                    'Lineitem name': 'VARCHAR', 'Notes': 'VARCHAR', 'Tags': 'VARCHAR'})
                WHERE "Financial Status" = 'paid'
            )
            GROUP BY Email, Name
        ),
        last_week AS (SELECT date_trunc('week', max(latest)) AS monday FROM orders)
        SELECT customer, 520 * sum(amount)::DOUBLE / (1 + date_diff('week',
            date_trunc('week', min(latest)), (FROM last_week))) AS ltv
        FROM orders GROUP BY customer ORDER BY ltv DESC, customer LIMIT $x
        """,
        {"file": path, "x": X},
    ).fetchall()
    print("\n".join(f"{customer},{ltv:.2f}" for customer, ltv in rows))


PEERS = {"pandas": by_pandas, "duckdb": by_duckdb}


def same_best(printed: str, other: str) -> bool:
    """Return whether both have the same customers with the same value, in whichever columns."""

    def best(text: str) -> list[tuple[str, str]]:
        lines = [line.split(",") for line in text.splitlines() if "@" in line]
        return [
            (cells[0], cells[1]) if "@" in cells[0] else (cells[1], cells[3]) for cells in lines
        ]

    return best(printed) == best(other) != []


def compare(rows: int, runs: int, directory: str) -> None:
    """Print a table of all three."""
    python = VENV / "bin/python"
    make_environment(VENV, HERE / "requirements-csv.txt")
    path = os.path.join(directory, f"orders-{rows}.csv")
    if not os.path.exists(path):
        make(path, rows)
    mine = [sys.executable, str(PROGRAM), str(X), path, "-q", "-f", "csv", "-o", "-"]
    mine += ["--csv", COLUMNS, "--csv-where", "Financial Status=paid"]
    contenders = [Contender("this program", mine, same_best)]
    for name in PEERS:
        contenders.append(Contender(name, [str(python), __file__, name, path], same_best))
    costs = in_turn(contenders, runs)
    print(f"{rows:,} rows ({os.path.getsize(path) / MB:,.0f} MB); medians of {runs} runs in turn\n")
    print("| | wall time | | processor time | peak memory | |\n|---|--:|--:|--:|--:|--:|")
    first = costs["this program"]
    for name, cost in costs.items():
        print(
            f"| {name} | {cost.wall:.2f} s | {cost.wall / first.wall:.2f} x |"
            f" {cost.processor:.2f} s | {cost.memory / MB:,.0f} MB |"
            f" {cost.memory / first.memory:.1f} x |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", nargs="?", choices=PEERS)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--directory", help="keep the file there, for other times")
    options = parser.parse_args()
    if options.peer:
        PEERS[options.peer](options.file)
        return
    with tempfile.TemporaryDirectory() as temporary:
        compare(options.rows, options.runs, options.directory or temporary)


if __name__ == "__main__":
    main()
