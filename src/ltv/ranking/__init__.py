"""Other rankings than by simple lifetime value, and the model of what customers will spend."""
