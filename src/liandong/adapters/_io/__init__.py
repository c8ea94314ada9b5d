"""What device doors share: framing, a TCP server with limits, local times, durable taking."""
