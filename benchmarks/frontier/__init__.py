"""Quality against seconds, of every method and way to fit it, over the same clips."""
