"""Frozen nouns that every room may hold: no clock, no disk, no chance."""
