"""Sums over all customers, what they show, charts, and the page with its style sheet."""
