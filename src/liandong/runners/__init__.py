"""Who turns the crank; a runner drives and decides nothing."""
