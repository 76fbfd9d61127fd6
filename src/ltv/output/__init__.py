"""What is written: formats, the table, one customer explained, files replaced whole."""
