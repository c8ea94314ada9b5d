"""Prints what the budgets promise."""
