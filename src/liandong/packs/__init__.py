"""What we know: one folder per domain, all of one shape, found by the entry point `liandong.packs`."""
