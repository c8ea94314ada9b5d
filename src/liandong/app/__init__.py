"""What we do: the shell around the core, and the only room that reads a clock or the environment."""
