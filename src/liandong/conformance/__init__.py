"""What every pack, store, channel and runner must pass."""
