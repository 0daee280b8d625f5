"""Restoring recordings in memory: by which method, at which level, by bands and by segments."""
