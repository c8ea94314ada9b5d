"""The readings through River: its exponentially weighted mean and variance for each channel, in one loop."""

from __future__ import annotations

from readings import CLEAR, HOLD, RAISE, SECOND, Z_CLEAR, Z_RAISE, Z_WARM, Z_WINDOW, Clock, Limit, make, write
from river import stats

channel, times, value = make()
rows = list(zip(channel.tolist(), (times / SECOND).tolist(), value.tolist(), strict=True))
states = {}
first = second = 0

clock = Clock()
for c, at, v in rows:
    state = states.get(c)
    if state is None:
        fading = 1.0 / (1.0 + Z_WINDOW)
        state = states[c] = [Limit(), Limit(), stats.EWMean(fading), stats.EWVar(fading), 0]
    limit, odd, mean, variance, count = state
    first += limit.see(at, v, RAISE, CLEAR, HOLD)
    if count >= Z_WARM:
        score = (v - mean.get()) / max(variance.get() ** 0.5, 1e-9)
        second += odd.see(at, score, Z_RAISE, Z_CLEAR, 0.0)
    if not odd.raised:
        mean.update(v)
        variance.update(v)
        state[4] = count + 1
write(clock.read(len(rows), first, second))
