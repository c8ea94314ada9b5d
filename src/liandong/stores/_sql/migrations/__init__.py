"""Alembic's folder: every step that the schema has ever taken."""
