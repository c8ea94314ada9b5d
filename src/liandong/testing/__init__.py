"""The public kit."""
