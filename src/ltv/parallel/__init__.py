"""The same run over worker processes, its memory bounded by a shard of the customers."""
