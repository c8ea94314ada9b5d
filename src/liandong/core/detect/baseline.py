"""What the reference readings of a point span: the robust envelope from which its limits are made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from liandong.core.values.errors import BadInput

#: Share of the reference left out on either side: one odd reading in fifty does not widen a limit.
LEFT_OUT = 0.02
#: With fewer readings than this there is no envelope to speak of.
FEWEST = 20


def envelope(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """(low, high) of reference readings, NaN ignored. Raises BadInput for fewer than `FEWEST`."""
    finite = values[np.isfinite(values)]
    if len(finite) < FEWEST:
        raise BadInput("baseline.too_few", readings=len(finite), needed=FEWEST)
    low, high = np.quantile(finite, [LEFT_OUT, 1 - LEFT_OUT])
    return float(low), float(high)
