"""The readings through Bytewax: one keyed stateful step, one worker, no recovery store."""

from __future__ import annotations

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from readings import CLEAR, HOLD, RAISE, SECOND, Clock, Limit, ZScore, key, make, write


def step(state, reading):
    """State of one channel and what this reading raises."""
    limit, zscore = state or (Limit(), ZScore())
    at, value = reading
    said = limit.see(at, value, RAISE, CLEAR, HOLD), zscore.see(at, value)
    return (limit, zscore), said


channel, times, value = make()
rows = [
    (key(c), (t / SECOND, v))
    for c, t, v in zip(channel.tolist(), times.tolist(), value.tolist(), strict=True)
]
found = []
flow = Dataflow("city")
stream = op.input("in", flow, TestingSource(rows, batch_size=5_000))
said = op.stateful_map("rules", stream, step)
alarms = op.filter("alarms", said, lambda pair: pair[1][0] or pair[1][1])
op.output("out", alarms, TestingSink(found))

clock = Clock()
run_main(flow)
write(clock.read(len(rows), sum(a for _, (a, _) in found), sum(b for _, (_, b) in found)))
