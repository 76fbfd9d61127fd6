"""A D that stays between runs: customers in one SQLite file."""
