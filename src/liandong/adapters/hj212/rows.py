"""What of an HJ 212 frame is a reading."""

from __future__ import annotations

from liandong.adapters.hj212.codec import NO_VALUES, Frame, number
from liandong.core.ingest.rows import DeviceRow

#: Data marks (HJ 212-2017, table of data marks; re-read in two public implementations) whose value
#: is a measurement: N normal, T above the upper limit of measurement, which is at least that much.
#: Without one: F out of operation, M in maintenance, S typed in, D defect, C in calibration,
#: B no connection to the instrument, and every mark that the standard does not have.
MEASURED = frozenset({"N", "T", ""})


def rows_of(frame: Frame) -> tuple[DeviceRow, ...]:
    """One row for each value of each item; a value that is no measurement has none.

    Empty where the frame has no DataTime or is not an upload of data (commands 2xxx).
    """
    at = frame.data_time
    if at is None or frame.cn[:1] != "2":
        return ()
    mn = frame.mn
    return tuple(
        DeviceRow(mn, f"{code}-{name}", at, number(text) if values.get("Flag", "") in MEASURED else None)
        for code, values in frame.items.items()
        for name, text in values.items()
        if name not in NO_VALUES
    )


def key_of(frame: Frame, digest: str) -> str:
    """Name of the message within its source: the same frame sent again has the same one.

    By device, request number and command; the time of the data keeps apart what a device with a
    stuck clock numbers alike. A frame of 2005 without a number is known by its bytes.
    """
    what = f"{frame.qn}/{frame.cn}/{frame.params.get('DataTime', '')}" if frame.qn else digest
    packet = f"/{frame.pno}" if frame.pno is not None else ""
    return f"{frame.mn}/{what}{packet}"
