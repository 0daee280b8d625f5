"""Restoring audio files of any length, each kept in its form, and replaced whole or not at all."""
