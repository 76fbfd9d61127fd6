"""The same ranking on Apache Spark."""
