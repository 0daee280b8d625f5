"""Where clips come from: folders of recordings, and synthetic corpora."""
