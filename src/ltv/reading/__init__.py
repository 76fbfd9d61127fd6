"""Event files to events or blocks of them, with their place: compression, framing, damage."""
