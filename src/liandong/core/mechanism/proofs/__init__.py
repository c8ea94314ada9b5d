"""What is proven of a mechanism: one module a subject, each proof a generator of faults (MECHANISM 3)."""
