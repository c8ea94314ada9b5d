"""The API for people and their programs."""
