"""How we reach outside, named by protocol."""
