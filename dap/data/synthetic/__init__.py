"""Corpora that are synthesised; one module each."""
