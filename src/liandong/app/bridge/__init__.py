"""工单互通: orders that live in the receiver's own system as well.

`documents` is what goes over, `link` is what an adapter implements, `outward` pushes, `inward` takes what is
reported, `reconcile` compares both sides, and `desk` turns the crank.
"""
