"""The ranking in DuckDB.

python duckdb_ranking.py X FILE    the best X customers of a JSON Lines log, as CSV
"""

import csv
import sys
import tempfile

import duckdb

# The CTE is used three times and kept, so the file is read once.  Quotients of whole cents are
# exact enough as doubles: no two different ones are equal, and round() sees every half.
RANKING = """
WITH events AS MATERIALIZED (
    SELECT
        type,
        verb,
        key,
        event_time,
        CASE type WHEN 'CUSTOMER' THEN key ELSE customer_id END AS customer_id,
        last_name,
        translate(total_amount, 'USD $,', '')::DECIMAL(18, 2) AS amount,
    FROM read_json(
        $file,
        format = 'newline_delimited',
        columns = {
            type: 'VARCHAR',
            verb: 'VARCHAR',
            key: 'VARCHAR',
            event_time: 'TIMESTAMP',
            customer_id: 'VARCHAR',
            last_name: 'VARCHAR',
            total_amount: 'VARCHAR',
        }
    )
),
latest AS (
    SELECT customer_id, arg_max(amount, (event_time, verb, amount)) AS amount
    FROM events WHERE type = 'ORDER' GROUP BY customer_id, key
),
ordered AS (
    SELECT customer_id, sum(amount) AS revenue, count(*) AS orders
    FROM latest GROUP BY customer_id
),
visited AS (
    SELECT customer_id, count(DISTINCT (key, event_time)) AS visits
    FROM events WHERE type = 'SITE_VISIT' GROUP BY customer_id
),
customers AS (
    SELECT
        customer_id,
        arg_max(last_name, (event_time, verb, last_name)) FILTER (type = 'CUSTOMER') AS last_name,
        date_trunc('week', min(event_time)) AS first_week,
        date_trunc('week', max(event_time)) AS last_week,
    FROM events GROUP BY customer_id
),
known AS (
    SELECT
        customer_id,
        last_name,
        (100 * coalesce(revenue, 0))::BIGINT AS cents,
        coalesce(orders, 0) AS orders,
        coalesce(visits, 0) AS visits,
        date_diff('day', first_week, max(last_week) OVER ()) // 7 + 1 AS weeks,
    FROM customers LEFT JOIN ordered USING (customer_id) LEFT JOIN visited USING (customer_id)
)
SELECT
    customer_id,
    last_name,
    (round(520 * cents / weeks) / 100)::DECIMAL(18, 2) AS ltv,
    (cents / 100)::DECIMAL(18, 2) AS revenue,
    orders,
    visits,
    weeks,
    (round(cents / nullif(visits, 0)) / 100)::DECIMAL(18, 2) AS revenue_per_visit,
    (round(10000 * visits / weeks) / 10000)::DECIMAL(18, 4) AS visits_per_week,
FROM known ORDER BY cents / weeks DESC, customer_id LIMIT $x
"""


def main() -> None:
    with duckdb.connect(config={"temp_directory": tempfile.gettempdir()}) as connection:
        connection.execute("SET preserve_insertion_order = false")
        found = connection.execute(RANKING, {"file": sys.argv[2], "x": int(sys.argv[1])})
        out = csv.writer(sys.stdout)
        out.writerow(column[0] for column in found.description)
        out.writerows(found.fetchall())


if __name__ == "__main__":
    main()
