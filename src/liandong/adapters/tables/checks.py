"""What one cell cannot show: keys twice, references into nowhere, trees that close, duties that overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from zoneinfo import ZoneInfo, available_timezones

from liandong.adapters.tables.layout import TABLES
from liandong.adapters.tables.references import check_references
from liandong.adapters.tables.rosters import check_rosters
from liandong.adapters.tables.rows import check_rows
from liandong.adapters.tables.sheets import Line, bad
from liandong.core.mechanism.bridges import actions_of
from liandong.core.mechanism.routing import Routing
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import AreaKind, Participation
from liandong.core.values.rows import FlowRow, says, words
from liandong.core.values.rules import NOT_NEGATIVE, Rule
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.times import format_time

Lines = dict[str, list[Line]]

#: Channels of one shard group; more would not fit the budget of one state block (CONTRACTS 9).
LARGEST_GROUP = 4096
#: Every kind of area lies below one of these.
ABOVE: dict[str, tuple[str, ...]] = {
    AreaKind.CITY: (),
    AreaKind.DISTRICT: (AreaKind.CITY,),
    # Some prefecture-level cities have no districts: there a town lies straight under the city.
    AreaKind.TOWN: (AreaKind.DISTRICT, AreaKind.CITY),
    AreaKind.GRID: (AreaKind.TOWN,),
}
PARTS = {"lead": Participation.LEAD, "verifier": Participation.VERIFY}


def check_lines(lines: Lines, errors: list[BadInput], quantities: Collection[str] = ()) -> None:
    """Add everything that is wrong between cells, rows and tables; `quantities` are those of packs."""
    check_keys(lines, TABLES, errors)
    _unique("channels", lines["channels"], ("number",), "city.channel_number", errors)
    _unique(
        "channels", lines["channels"], ("sensor", "quantity", "position"), "city.duplicate_channel", errors
    )
    _unique("packs", lines["packs"], ("pack",), "city.duplicate_key", errors)
    _unique("retentions", lines["retentions"], ("data",), "city.duplicate_key", errors)
    _unique("days", lines["days"], ("date",), "city.duplicate_key", errors)
    _bridges(lines["bridges"], errors)
    check_references(lines, errors, quantities)
    for name in ("areas", "units"):
        _trees(name, lines[name], errors)
    _areas(lines["areas"], errors)
    _zone(lines["city"], errors)
    _groups(lines["channels"], errors)
    _quantities(lines["quantities"], errors)
    _rules(lines["rules"], errors)
    _periods(lines, errors)
    check_rosters(lines, errors)
    _roles(lines, errors)
    _limits(lines, errors)
    check_rows(lines, errors)


def check_keys(lines: Lines, names: Collection[str], errors: list[BadInput]) -> None:
    """A key stands in one row of its table only."""
    for name in names:
        if TABLES[name].key:
            _unique(name, lines[name], ("key",), "city.duplicate_key", errors)


def area_path(key: str, parents: dict[str, str]) -> str:
    """Materialised path from the top: `/foshan/chancheng/zumiao/`; stops at a circle."""
    slugs: list[str] = []
    seen: set[str] = set()
    while key and key not in seen:
        seen.add(key)
        slugs.append(key.removeprefix("area:"))
        key = parents.get(key, "")
    return "/" + "/".join(reversed(slugs)) + "/"


def _unique(name: str, lines: list[Line], columns: tuple[str, ...], key: str, errors: list[BadInput]) -> None:
    """Each combination of these columns stands in one row only; the error names the first one."""
    first: dict[tuple[object, ...], int] = {}
    for line in lines:
        found = tuple(line.values.get(column) for column in columns)
        # Where a cell could not be read, or a number is still to be given, there is nothing to compare.
        if any(value is None for value in found):
            continue
        if found in first:
            value = ", ".join(str(v) for v in found if v != "")
            errors.append(bad(key, f"{name}.csv", line.row, ", ".join(columns), value, first=first[found]))
        else:
            first[found] = line.row


def _trees(name: str, lines: list[Line], errors: list[BadInput]) -> None:
    """A parent may not be one's own descendant; each circle is said once, at its first row."""
    parents = {line.text("key"): line.text("parent") for line in lines if line.text("key")}
    said: set[str] = set()
    for line in lines:
        chain: list[str] = []
        current = line.text("key")
        while current and current not in chain:
            chain.append(current)
            current = parents.get(current, "")
        circle = chain[chain.index(current) :] if current in chain else []
        if line.text("key") in circle and not said.intersection(circle):
            said.update(circle)
            shown = " > ".join([*circle, current])
            errors.append(
                bad("city.tree_circle", f"{name}.csv", line.row, "parent", line.text("parent"), circle=shown)
            )


def _areas(lines: list[Line], errors: list[BadInput]) -> None:
    """Grids hang under towns, towns under districts; a path that is given must be the computed one."""
    kinds = {line.text("key"): line.text("kind") for line in lines}
    before = len(errors)
    for line in lines:
        kind, parent = line.text("kind"), line.text("parent")
        # A parent that is nowhere, or of which nobody knows the kind, is said elsewhere, once.
        if not kind or (parent and not kinds.get(parent)):
            continue
        above = ABOVE[kind]
        if kinds[parent] not in above if parent else above:
            allowed = ", ".join(above) or "-"
            errors.append(
                bad("city.area_order", "areas.csv", line.row, "parent", parent, kind=kind, allowed=allowed)
            )
    # Paths below a wrong parent would all differ, and say nothing new.
    if len(errors) == before:
        _paths(lines, errors)


def _paths(lines: list[Line], errors: list[BadInput]) -> None:
    parents = {line.text("key"): line.text("parent") for line in lines}
    for line in lines:
        path, computed = line.text("path"), area_path(line.text("key"), parents)
        if path and line.text("key") and path != computed:
            remedy = "city.remedy.path"
            errors.append(
                bad("city.bad_value", "areas.csv", line.row, "path", path, remedy=remedy, allowed=computed)
            )


def _zone(lines: list[Line], errors: list[BadInput]) -> None:
    """The zone must be in this machine's zone table, unless the machine has none."""
    for line in lines:
        zone = line.text("zone")
        if not zone or not available_timezones():
            continue
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            remedy = "city.remedy.zone"
            errors.append(
                bad(
                    "city.bad_value",
                    "city.csv",
                    line.row,
                    "zone",
                    zone,
                    remedy=remedy,
                    allowed="Asia/Shanghai",
                )
            )


def _groups(lines: list[Line], errors: list[BadInput]) -> None:
    """A shard group that has outgrown one state block is said once, at the first channel too many."""
    count: Counter[str] = Counter()
    sizes = Counter(line.text("group") for line in lines)
    for line in lines:
        group = line.text("group")
        count[group] += 1
        if group and count[group] == LARGEST_GROUP + 1:
            errors.append(
                bad(
                    "city.group_too_large",
                    "channels.csv",
                    line.row,
                    "group",
                    group,
                    count=sizes[group],
                    most=LARGEST_GROUP,
                )
            )


def _quantities(lines: list[Line], errors: list[BadInput]) -> None:
    for line in lines:
        low, high = line.values.get("low"), line.values.get("high")
        if low is not None and high is not None and low >= high:
            errors.append(
                bad(
                    "city.bad_value",
                    "quantities.csv",
                    line.row,
                    "high",
                    str(high),
                    remedy="city.remedy.range",
                    allowed="",
                )
            )


def _rules(lines: list[Line], errors: list[BadInput]) -> None:
    """A rule refuses limits that contradict each other itself; here its refusal gets a row."""
    for line in lines:
        if not line.good:
            continue
        try:
            Rule(**line.values)
        except ValueError as problem:
            errors.append(_refused(line, str(problem)))


def _refused(line: Line, problem: str) -> BadInput:
    """Why a rule was refused, at the cell that has to be changed where one cell is to blame."""
    values = line.values
    negative = next((c for c in NOT_NEGATIVE if values.get(c, 0) < 0), "")
    beyond = (values["clear_at"] - values["raise_at"]) * (1 if values.get("above", True) else -1) > 0
    if not negative and not beyond:
        shown = str(values.get("key", ""))
        return bad("rules.refused", "rules.csv", line.row, "key", shown, problem=problem)
    column = negative or "clear_at"
    remedy = "city.remedy.not_negative" if negative else "city.remedy.clear_at"
    shown = str(values[column])
    return bad("city.bad_value", "rules.csv", line.row, column, shown, remedy=remedy, allowed="")


def _bridges(lines: list[Line], errors: list[BadInput]) -> None:
    """What a word of another system means has to be actions that we know."""
    for line in lines:
        for word, meaning in line.values.get("statuses") or ():
            try:
                actions_of(meaning)
            except BadInput as error:
                known = str(error.params["known"])
                errors.append(
                    bad("city.bad_value", "bridges.csv", line.row, "statuses", f"{word}={meaning}",
                        remedy="city.remedy.one_of", allowed=known)
                )  # fmt: skip


def _periods(lines: Lines, errors: list[BadInput]) -> None:
    """A period ends after it begins; an open end is 0."""
    periods = (("holdings", "since", "until"), ("duties", "start", "end"), ("leaves", "start", "end"))
    for name, begin, end in periods:
        for line in lines[name]:
            start, stop = line.values.get(begin), line.values.get(end)
            if start is None or stop is None or stop > start or (name == "holdings" and not stop):
                continue
            errors.append(bad("city.period", f"{name}.csv", line.row, end, format_time(stop)))


def _roles(lines: Lines, errors: list[BadInput]) -> None:
    """A step for the lead or the verifier needs a row that says who that is."""
    flows = tuple(FlowRow(**line.values) for line in lines["flows"] if line.good)
    routing = Routing(Mechanism(key="", flows=flows))
    for line in lines["steps"]:
        part = PARTS.get(line.text("role"))
        if part is None or not line.good:
            continue
        flow = line.text("flow")
        levels = words(line.text("level")) or tuple(CASE_LEVELS)
        rows = [row for row in lines["roles"] if row.values.get("part") == part]
        if not all(any(_meets(row, routing, flow, level) for row in rows) for level in levels):
            role = line.text("role")
            errors.append(bad("city.role_unresolved", "steps.csv", line.row, "role", role, part=str(part)))


def _meets(row: Line, routing: Routing, flow: str, level: str) -> bool:
    """Whether a row says who it is in a flow or in a part of it; that no cell is left out, P1 proves."""
    own = row.text("flow")
    near = own in routing.flows(flow) or flow in routing.flows(own)
    return bool(row.text("role")) and near and says(row.text("level"), level)


def _limits(lines: Lines, errors: list[BadInput]) -> None:
    """Numbers that only make sense above zero."""
    for name, column, line in _positive(lines):
        value = line.values.get(column)
        if value is not None and value <= 0:
            remedy = "city.remedy.positive"
            errors.append(
                bad("city.bad_value", f"{name}.csv", line.row, column, str(value), remedy=remedy, allowed="")
            )
    for line in lines["sources"]:
        lateness = line.values.get("lateness_s")
        if lateness is not None and lateness < 0:
            remedy = "city.remedy.not_negative"
            errors.append(
                bad(
                    "city.bad_value",
                    "sources.csv",
                    line.row,
                    "lateness_s",
                    str(lateness),
                    remedy=remedy,
                    allowed="",
                )
            )


def _positive(lines: Lines) -> Iterator[tuple[str, str, Line]]:
    columns = (("sources", "idle_s"), ("retentions", "days"), ("retentions", "thin_s"))
    for name, column in columns:
        for line in lines[name]:
            yield name, column, line
