"""What is true. No clock, disk, network, logging or chance in here."""
