"""What we know: one folder per domain, found by entry point and never by name."""
