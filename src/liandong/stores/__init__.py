"""How we remember; one room per engine."""
