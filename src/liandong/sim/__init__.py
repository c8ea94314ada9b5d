"""Simulated devices, people and town, which talk to the system like any client."""
