"""The ranking in Spark SQL.

spark-submit spark_ranking.py X FILE    the best X customers of a JSON Lines log, as CSV
"""

import csv
import sys

from pyspark.sql import SparkSession

SCHEMA = """
    type STRING, verb STRING, key STRING, event_time TIMESTAMP, customer_id STRING,
    last_name STRING, total_amount STRING
"""

# One pass over the file and one shuffle: whatever is known of a key of a customer is aggregated
# where it is read, then by customer.  Quotients of whole cents are exact enough as doubles: no two
# different ones are equal, and round() sees every half.
RANKING = """
WITH named AS (
    SELECT
        type, verb, key, event_time, last_name,
        CASE type WHEN 'CUSTOMER' THEN key ELSE customer_id END AS customer_id,
        CAST(translate(total_amount, 'USD $,', '') AS DECIMAL(18, 2)) AS amount
    FROM events
),
things AS (
    SELECT
        customer_id,
        type,
        min(event_time) AS first_time,
        max(event_time) AS last_time,
        max_by(amount, struct(event_time, verb, amount)) AS amount,
        max_by(last_name, struct(event_time, verb, last_name))
            FILTER (WHERE last_name IS NOT NULL) AS last_name
    FROM named
    GROUP BY customer_id, type, key, CASE type WHEN 'SITE_VISIT' THEN event_time END
),
customers AS (
    SELECT
        customer_id,
        max(last_name) FILTER (WHERE type = 'CUSTOMER') AS last_name,
        CAST(100 * coalesce(sum(amount) FILTER (WHERE type = 'ORDER'), 0) AS BIGINT) AS cents,
        count_if(type = 'ORDER') AS orders,
        count_if(type = 'SITE_VISIT') AS visits,
        date_trunc('week', min(first_time)) AS first_week,
        date_trunc('week', max(last_time)) AS last_week
    FROM things
    GROUP BY customer_id
),
known AS (
    SELECT
        *,
        date_diff(max(last_week) OVER (), first_week) DIV 7 + 1 AS weeks
    FROM customers
)
SELECT
    customer_id,
    last_name,
    CAST(round(520 * cents / weeks) / 100 AS DECIMAL(18, 2)) AS ltv,
    CAST(cents / 100 AS DECIMAL(18, 2)) AS revenue,
    orders,
    visits,
    weeks,
    CAST(round(cents / nullif(visits, 0)) / 100 AS DECIMAL(18, 2)) AS revenue_per_visit,
    CAST(round(10000 * visits / weeks) / 10000 AS DECIMAL(18, 4)) AS visits_per_week
FROM known ORDER BY cents / weeks DESC, customer_id LIMIT {x}
"""


def main() -> None:
    settings = {"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "4"}
    spark = SparkSession.builder.config(map=settings).getOrCreate()
    spark.read.schema(SCHEMA).json(sys.argv[2]).createOrReplaceTempView("events")
    found = spark.sql(RANKING.format(x=int(sys.argv[1])))
    out = csv.writer(sys.stdout)
    out.writerow(found.columns)
    out.writerows(found.collect())
    spark.stop()


if __name__ == "__main__":
    main()
