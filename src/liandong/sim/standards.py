"""What others say in open forms: a weather office in CAP 1.2, a sub-platform, and a SensorThings client."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from liandong.core.values.times import format_time


def cap_reference(sender: str, identifier: str, at: int) -> str:
    """How a later message refers to one; UTC is `-00:00` in CAP."""
    return f"{sender},{identifier},{_cap_time(at)}"


def cap_message(
    identifier: str, kind: str, at: int, codes: Sequence[str] = (), *, sender: str = "weather@example.org",
    event: str = "暴雨", colour: str = "yellow", words: tuple[str, str] = ("未来六小时", "停止户外作业"),
    until: int = 0, status: str = "Actual", references: Sequence[str] = (),
) -> bytes:  # fmt: skip
    """A message as a weather office sends it: Alert or Update with one info, Cancel with none."""
    geocodes = "".join(
        f"<geocode><valueName>GB/T 2260</valueName><value>{escape(code)}</value></geocode>" for code in codes
    )
    expires = f"<expires>{_cap_time(until)}</expires>" if until else ""
    info = (
        f"<info><language>zh-CN</language><category>Met</category><event>{escape(event)}</event>"
        "<urgency>Expected</urgency><severity>Moderate</severity><certainty>Likely</certainty>"
        f"{expires}<headline>{escape(event)}预警</headline><description>{escape(words[0])}</description>"
        f"<instruction>{escape(words[1])}</instruction><parameter><valueName>warningColor</valueName>"
        f"<value>{escape(colour)}</value></parameter><area><areaDesc>本地</areaDesc>{geocodes}</area></info>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{escape(identifier)}</identifier><sender>{escape(sender)}</sender>"
        f"<sent>{_cap_time(at)}</sent><status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>"
        f"<references>{escape(' '.join(references))}</references>{info if kind != 'Cancel' else ''}</alert>"
    ).encode()


def _cap_time(at: int) -> str:
    return format_time(at // 1_000_000 * 1_000_000).replace("Z", "-00:00")


def graded_alarms(*alarms: dict[str, Any]) -> bytes:
    """Alarms of a sub-platform as one message."""
    return json.dumps({"alarms": alarms}, ensure_ascii=False).encode()


def graded_alarm(number: str, action: str, at: int, **more: Any) -> dict[str, Any]:
    """One word of a sub-platform about one of its alarms."""
    return {"id": number, "action": action, "time": format_time(at)} | more


def observation_array(datastream: str, rows: Sequence[tuple[int, float | None]]) -> bytes:
    """Observations of one Datastream as a SensorThings client sends many."""
    array = {
        "Datastream": {"@iot.id": datastream}, "components": ["phenomenonTime", "result"],
        "dataArray": [[format_time(at), value] for at, value in rows],
    }  # fmt: skip
    return json.dumps([array]).encode()
