"""A new pack: small, whole, and passing its check, so that its author starts from green."""

from __future__ import annotations

import json
import re
from pathlib import Path

from liandong.core.values.errors import BadInput, Conflict

_TABLES = {
    "pack.toml": """id = "{name}"
title_zh = "新领域 {name}"
title_en = "New domain {name}"
version = "0.1.0"
maturity = "draft"
owners = []

# One table for each standard that a row below is taken from; trust is V (read), K (known) or U.
# [[standards]]
# key = "GB/T 0000-2000"
# title = "…"
# trust = "U"
""",
    "quantities.csv": "key,unit,low,high\n{name}_level,m,0,10\n",
    "detectors.csv": (
        "key,version,hazard,severity,quantity,above,raise_at,clear_at,hold_s,clear_hold_s,"
        "statistic,window_s,shadow,basis,trust\n"
        "{name}_level_medium,1,{name}_high,medium,{name}_level,true,2,1.5,60,60,value,0,false,"
        "example: replace with clause and page,U\n"
    ),
    "hazards.csv": (
        "id,defined_for,needs,model,unit,basis,trust,verified\n"
        "{name}_high,*,{name}_level,,,example: replace with clause and page,U,false\n"
    ),
    "playbook/grading.csv": (
        "key,flow,severity,level,provenance\ngrade.{name}.medium,{name}_high,medium,III,assumed\n"
    ),
    "samples/positive_high.csv": (
        "time,channel,quantity,value\n"
        "2026-01-05T08:00:00+08:00,point-1,{name}_level,1.0\n"
        "2026-01-05T08:01:00+08:00,point-1,{name}_level,2.5\n"
        "2026-01-05T08:02:00+08:00,point-1,{name}_level,2.6\n"
        "2026-01-05T08:03:00+08:00,point-1,{name}_level,1.0\n"
        "2026-01-05T08:04:00+08:00,point-1,{name}_level,1.0\n"
    ),
    "samples/positive_high.expected.csv": (
        "rule,channel,onset,raised,ended\n"
        "{name}_level_medium,point-1,2026-01-05T08:01:00+08:00,2026-01-05T08:02:00+08:00,"
        "2026-01-05T08:04:00+08:00\n"
    ),
    "samples/negative_usual.csv": (
        "time,channel,quantity,value\n"
        "2026-01-05T08:00:00+08:00,point-1,{name}_level,1.0\n"
        "2026-01-05T08:01:00+08:00,point-1,{name}_level,1.9\n"
    ),
    "samples/negative_usual.expected.csv": "rule,channel,onset,raised,ended\n",
    "samples/dirty_rubbish.csv": (
        "time,channel,quantity,value\n"
        "2026-01-05T08:00:00+08:00,point-1,{name}_level,nan\n"
        "2026-01-05T08:02:00+08:00,point-1,{name}_level,999\n"
        "2026-01-05T08:01:00+08:00,point-1,{name}_level,1.0\n"
    ),
    "samples/dirty_rubbish.expected.csv": "rule,channel,onset,raised,ended\n",
    "README.md": "# {name}\n\nWhat this pack watches, where its numbers come from, what it leaves out.\n",
}
_WORDS = {
    "zh": {"hazard.{name}_high": "过高（示例）", "quantity.{name}_level": "水平（示例）"},
    "en": {"hazard.{name}_high": "too high (example)", "quantity.{name}_level": "level (example)"},
}


def make_pack(name: str, to: Path) -> Path:
    """Write the skeleton of a pack into `to`/`name` and return that folder.

    Raises BadInput for a name that cannot be an id, and Conflict, changing nothing, where it exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise BadInput("pack.bad_name", name=name[:60])
    folder = to / name
    if folder.exists():
        raise Conflict("pack.exists", folder=str(folder))
    for file, content in _TABLES.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("{name}", name), encoding="utf-8")
    for language, words in _WORDS.items():
        path = folder / "strings" / f"{language}.json"
        path.parent.mkdir(exist_ok=True)
        named = {key.replace("{name}", name): said for key, said in words.items()}
        path.write_text(json.dumps(named, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return folder
