"""From recordings to observations: corpora, clips, and what corrupts them."""
