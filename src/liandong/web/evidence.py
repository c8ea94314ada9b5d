"""Why, down to the charted readings: a finding's evidence, the curve of a channel, the alarms of a storm."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field

from liandong.app.curves import METHANE_BASIS, Hazards, Window, neighbours, read_window, vol_per_unit
from liandong.app.ports import History, Point
from liandong.core.values.case import CaseState
from liandong.core.values.city import Asset, Sensor
from liandong.core.values.errors import BadInput, Broken, LiandongError, NotFound
from liandong.core.values.events import read_event
from liandong.core.values.journal import read_entry
from liandong.core.values.lists import AlarmStage, RelationKind, Trust
from liandong.core.values.risk import OpenFinding, RiskState
from liandong.core.values.rules import Rule
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, format_time, parse_time
from liandong.web.names import Name
from liandong.web.page import Page, read_state
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask
from liandong.web.views import FindingView, Moment, Seconds, View, moment

router = APIRouter()
CaseId = Annotated[str, Path(max_length=128, description="Id of a case.")]
#: Around a finding: as long before its onset as the evidence itself shows, and what came after it.
_BEFORE, _AFTER = 30 * MINUTE, 30 * MINUTE
_MOST_POINTS = 2_000
_MOST_CHANNELS = 12
_PAGE = 200
#: No limit of readings.
_EVERY = 1 << 62


class LimitsView(View):
    """What is drawn beside the curve."""

    rule: str
    raise_at: float
    clear_at: float
    above: bool
    hold_s: Seconds
    clear_hold_s: Seconds
    statistic: str = Field(description="What is compared with the limits; only `value` is the reading.")


class SeriesView(View):
    """The curve of a channel."""

    channel: str
    name: Name
    quantity: str
    unit: str
    own: bool = Field(description="The finding's own channel, from the evidence store.")
    vol_per_unit: float | None = Field(description="Methane: %VOL of one %LEL; multiply to show both.")
    points: list[tuple[int, float, int]] = Field(description="[milliseconds since 1970, value, quality bits]")


class RawView(View):
    """A message as it came."""

    position: tuple[int, int] = Field(description="Segment and row of the readings log.")
    size: int
    text: str | None
    hex: str | None


class StateView(View):
    """How the detector stands on this channel and rule now."""

    phase: str
    onset: Moment | None
    raised: Moment | None
    since: Moment | None
    last_time: Moment | None
    last_value: float | None


class SensorView(View):
    """The device."""

    key: str
    model: str
    calibrated: Moment | None = Field(description="None: not known.")
    facts: list[tuple[str, str]]


class AssetView(View):
    """The thing it sits at, with what whoever goes there wants to know: depth, valves, our main …"""

    key: str
    name: Name
    kind: str
    area: str
    owner: str
    operator: str
    regulator: str
    lon: float | None
    lat: float | None
    facts: list[tuple[str, str]]


class NeighbourView(View):
    """An asset in relation to it."""

    asset: str
    name: Name
    kind: str
    relation: RelationKind
    outward: bool = Field(description="From this asset to the neighbour.")
    distance_m: float | None = Field(description="None: one of them has no place.")
    facts: list[tuple[str, str]]


class EvidenceView(View):
    """Why a finding was raised, whole."""

    case: str
    finding: FindingView
    rule: str
    rule_version: int = Field(description="Of the rule that raised it.")
    rule_now: int | None = Field(description="Of the rule in force.")
    basis: str
    trust: Trust | None
    quantity_name: Name
    limit: float | None = Field(description="At which it was raised.")
    limits: LimitsView | None = Field(description="Of the rule in force.")
    digest: str
    verifies: bool = Field(description="What the store holds is what the journal names.")
    missing: str = Field(description="Key of why the store cannot show it; empty where it can.")
    series: list[SeriesView]
    vol_basis: str
    raw: list[RawView]
    state: StateView | None
    sensor: SensorView | None
    asset: AssetView | None
    neighbours: list[NeighbourView]
    photo: str = Field(description="Reference of the newest evidence that a person left; empty for none.")


class CurveView(SeriesView):
    """The readings of a channel, live or past."""

    limits: list[LimitsView]
    truncated: bool = Field(description="There were more; the newest are here.")
    next: str = Field("", description="With `after`: cursor of the next page, empty at the end.")
    buckets: list[tuple[int, int, float, float, float]] = Field(
        [],
        description="With `step`, instead of points: [milliseconds since 1970, count, mean, lowest, highest]",
    )
    silent: bool = Field(description="For longer than its source may be.")
    last: Moment | None
    now: Moment


class MemberView(View):
    """One alarm of a storm."""

    asset: str
    asset_name: Name
    level: str
    active: bool
    findings: list[FindingView]


class MemberPage(View):
    """By asset."""

    items: list[MemberView]
    next: str = Field(description="Give it as `after` for the next page; empty at the end.")


@router.get("/cases/{case}/findings/{finding}/evidence", tags=["cases"], operation_id="read_evidence")
async def read_evidence(
    asker: SignedIn,
    case: CaseId,
    finding: Annotated[str, Path(max_length=128)],
    raw: Annotated[
        Literal["", "text", "hex"], Query(description="Also the messages, as text or bytes.")
    ] = "",
) -> EvidenceView:
    """The readings that show a finding, its limits and rule, the messages, the device and what is near."""
    return await ask(lambda: _evidence(asker, case, finding, raw))


@router.get("/channels/{channel}/readings", tags=["channels"], operation_id="read_curve")
async def read_curve(
    asker: SignedIn,
    channel: Annotated[str, Path(max_length=200)],
    start: Annotated[str, Query(alias="from", max_length=64, description="RFC 3339; else an hour ago.")] = "",
    end: Annotated[str, Query(alias="to", max_length=64, description="RFC 3339; else now.")] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 2_000,
    step: Annotated[
        int,
        Query(ge=0, le=31 * 86_400, description="Seconds to condense to; 0 = every reading."),
    ] = 0,
    after: Annotated[
        str, Query(max_length=32, description="Page on, oldest first: `0`, then `next` of the page before.")
    ] = "",
) -> CurveView:
    """The curve of a channel, for who may see cases there: readings, pages of them, or condensed."""
    return await ask(lambda: _curve(asker, channel, (start, end), limit, step, after))


@router.get("/cases/{case}/members", tags=["cases"], operation_id="list_members")
async def list_members(
    asker: SignedIn,
    case: CaseId,
    after: Annotated[str, Query(max_length=200, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> MemberPage:
    """The alarms that share a case in a storm, each with its findings."""
    return await ask(lambda: _members(asker, case, after, limit))


def _evidence(asker: Asker, id: str, finding: str, raw: str) -> EvidenceView:
    platform = asker.platform
    case = read_state(platform.access.case(asker.scope, id).body)
    page = Page(platform, asker.scope)
    found = _find(asker, case, finding)
    window, missing = _window(page, found)
    rule, city = page.policy.rules.get(found.rule), page.policy.city
    row = city.channels.get(found.channel)
    asset, sensor = city.asset_of_channel(found.channel), city.sensors.get(row.sensor) if row else None
    return EvidenceView(
        case=id, finding=page.finding(found), rule=found.rule,
        rule_version=window.rule_version if window else rule.version if rule else 0,
        rule_now=rule.version if rule else None, basis=rule.basis if rule else "",
        trust=rule.trust if rule else None, quantity_name=page.names.of(row.quantity if row else ""),
        limit=window.limit if window else None, limits=_limits_of(rule) if rule else None,
        digest=found.evidence,
        verifies=window is not None and window.verifies, missing=missing,
        series=_all_series(page, found, window, asset), vol_basis=METHANE_BASIS,
        raw=_raw(page, window, raw) if raw else [], state=_detector(page, found),
        sensor=_sensor(sensor), asset=_asset(page, asset),
        neighbours=_neighbours(page, asset) if asset else [], photo=_photo(page, id),
    )  # fmt: skip


def _find(asker: Asker, case: CaseState, id: str) -> OpenFinding:
    """A finding of a case: still open, of an alarm in its storm, or as the journal last had it."""
    if id in case.findings:
        return case.findings[id]
    if case.members:
        for risk in _risks(asker, case.id):
            if id in risk.findings:
                return risk.findings[id]
    found = _from_journal(asker, case, id) if id in case.seen else None
    if found is None:
        raise NotFound("finding.unknown", case=case.id, finding=id[:64])
    return found


def _from_journal(asker: Asker, case: CaseState, id: str) -> OpenFinding | None:
    below = 1 << 62
    stream = f"case:{case.id}"
    while rows := asker.platform.store.entries_before(stream, 1 << 62, below, _PAGE):
        for row in rows:
            for record in read_entry(row.body).events:
                if record.type in ("CaseOpened", "CaseFindingChanged"):
                    event: Any = read_event(record)
                    if event.finding == id and event.detail is not None:
                        return event.detail  # type: ignore[no-any-return]  # `read_event` gives any event
        below = rows[-1].sequence
    return None


def _risks(asker: Asker, case: str) -> list[RiskState]:
    """Risks behind every alarm of a storm."""
    platform, after, found = asker.platform, "", []
    while True:
        rows, after = platform.questions.gathered(asker.scope, case, after=after, limit=500)
        streams = platform.store.load([f"risk:{row.stream.removeprefix('alarm:')}" for row in rows])
        found += [msgspec.json.decode(row.body, type=RiskState) for row in streams.values() if row.body]
        if not after:
            return found


def _window(page: Page, finding: OpenFinding) -> tuple[Window | None, str]:
    """What the store holds, or the key of why it holds nothing."""
    if not finding.evidence:
        return None, "evidence.absent"
    try:
        return read_window(page.platform.intake.evidence, finding.evidence), ""
    except (NotFound, Broken) as error:
        return None, error.key


def _limits_of(rule: Rule) -> LimitsView:
    return LimitsView(
        rule=rule.key, raise_at=rule.raise_at, clear_at=rule.clear_at, above=rule.above, hold_s=rule.hold_s,
        clear_hold_s=rule.clear_hold_s, statistic=rule.statistic.value,
    )  # fmt: skip


def _all_series(
    page: Page, finding: OpenFinding, window: Window | None, asset: Asset | None
) -> list[SeriesView]:
    """The finding's own channel from the evidence, and what the asset's other channels said then."""
    start, end = finding.onset - _BEFORE, max(finding.raised, finding.onset) + _AFTER
    city = page.policy.city
    others = [
        key
        for key in city.channels
        if asset is not None and key != finding.channel and city.asset_of_channel(key) is asset
    ][:_MOST_CHANNELS]
    history = page.platform.history.history([finding.channel, *others], start, end, _MOST_POINTS)
    own = {point[0]: point for point in history.get(finding.channel, [])}
    own |= {point[0]: point for point in (window.points if window else ())}
    found = [series(page, finding.channel, [own[at] for at in sorted(own)], own=True)]
    return found + [series(page, key, history.get(key, []), own=False) for key in others]


def series(page: Page, channel: str, points: list[Point], *, own: bool) -> SeriesView:
    """A curve for a chart."""
    row = page.policy.city.channels.get(channel)
    quantity = page.policy.city.quantities[row.quantity] if row else None
    unit = quantity.unit if quantity else ""
    return SeriesView(
        channel=channel, name=page.names.of(channel), quantity=quantity.key if quantity else "", unit=unit,
        own=own, vol_per_unit=vol_per_unit(quantity.key, unit) if quantity else None,
        points=[(at // 1_000, value, quality) for at, value, quality in points],
    )  # fmt: skip


def _raw(page: Page, window: Window | None, form: str) -> list[RawView]:
    """The messages of the window: the very bytes from the log while it has them, else as they were copied."""
    found = []
    for position, copied in window.records if window else ():
        try:
            data = page.platform.intake.log.get(position).raw
        except LiandongError:
            data = copied.encode()
        shown = data.decode("utf-8", "replace")
        found.append(
            RawView(
                position=position, size=len(data), text=shown if form == "text" else None,
                hex=data.hex() if form == "hex" else None,
            )
        )  # fmt: skip
    return found


def _detector(page: Page, finding: OpenFinding) -> StateView | None:
    try:
        state = page.platform.intake.shard.explain(finding.channel)
    except NotFound:
        return None
    rule = next((one for one in state.rules if one.rule == finding.rule), None)
    return StateView(
        phase=rule.phase if rule else "normal", onset=moment(rule.onset if rule else None),
        raised=moment(rule.raised if rule else None), since=moment(rule.since if rule else None),
        last_time=moment(state.last_time), last_value=state.last_value,
    )  # fmt: skip


def _sensor(sensor: Sensor | None) -> SensorView | None:
    if sensor is None:
        return None
    return SensorView(
        key=sensor.key, model=sensor.model, calibrated=moment(sensor.calibrated), facts=list(sensor.facts)
    )


def _asset(page: Page, asset: Asset | None) -> AssetView | None:
    if asset is None:
        return None
    fields = {
        name: getattr(asset, name)
        for name in ("key", "kind", "area", "owner", "operator", "regulator", "lon", "lat")
    }
    return AssetView(name=page.names.of(asset.key), facts=list(asset.facts), **fields)


def _neighbours(page: Page, asset: Asset) -> list[NeighbourView]:
    found = [
        NeighbourView(
            asset=other.key, name=page.names.of(other.key), kind=other.kind, relation=relation.kind,
            outward=relation.source == asset.key, distance_m=distance, facts=list(other.facts),
        )
        for relation, other, distance in neighbours(page.policy, asset.key)
    ]  # fmt: skip
    return sorted(found, key=lambda n: (n.distance_m is None, n.distance_m or 0.0, n.asset))


def _photo(page: Page, case: str) -> str:
    """The newest reference that a person left at the case."""
    for row in page.platform.store.entries_before(f"case:{case}", 1 << 62, 1 << 62, _PAGE):
        for record in read_entry(row.body).events:
            if record.type in ("StepDone", "CaseNoted"):
                kept = getattr(read_event(record), "evidence", ())
                if kept:
                    return str(kept[-1])
    return ""


def _curve(asker: Asker, channel: str, span: tuple[str, str], limit: int, step: int, after: str) -> CurveView:
    platform = asker.platform
    key, now = platform.lookups.channel(asker.scope, channel), platform.writer.now
    until = parse_time(span[1]) if span[1] else now + 1
    since = parse_time(span[0]) if span[0] else until - HOUR
    if since >= until:
        raise BadInput("http.bad_parameter", name="from", accepts="< to")
    page = Page(platform, asker.scope)
    points, more, cursor, buckets = _points(platform.history, key, (since, until), limit, step, after)
    newest, row = platform.lookups.newest(key), page.policy.city.channels[key]
    idle = page.policy.city.sources[row.source].idle_s * 1e6
    return CurveView(
        **series(page, key, points, own=True).model_dump(),
        limits=[_limits_of(rule) for rule in Hazards(page.policy).rules_of(key)],
        truncated=more, next=cursor, buckets=buckets, silent=newest is None or newest[0] + idle < now,
        last=moment(newest[0]) if newest else None, now=format_time(now),
    )  # fmt: skip


def _points(
    history: History, key: str, span: tuple[int, int], limit: int, step: int, after: str
) -> tuple[list[Point], bool, str, list[tuple[int, int, float, float, float]]]:
    """Readings, whether there are more, the cursor of the next page, and stretches where these were asked."""
    since, until = span
    if step:
        if (until - since) // (step * SECOND) > limit:
            raise BadInput(
                "http.bad_parameter", name="step", accepts=f"> {(until - since) // SECOND // limit}"
            )
        found = history.buckets(key, since, until, step * SECOND)
        return [], False, "", [(b.at // 1_000, b.readings, b.mean, b.low, b.high) for b in found]
    if not after:
        points = history.history([key], since, until, limit + 1)[key]
        return points[-limit:], len(points) > limit, "", []
    if not after.isdecimal():
        raise BadInput("http.bad_parameter", name="after", accepts="next")
    # Event times name a page exactly: a channel has one reading at a moment.
    points, at, stretch = list[Point](), max(since, min(int(after), until)), DAY
    while at < until and len(points) <= limit:
        points += history.history([key], at, min(at + stretch, until), _EVERY)[key]
        at, stretch = at + stretch, 2 * stretch
    more = len(points) > limit
    return points[:limit], more, str(points[limit][0]) if more else "", []


def _members(asker: Asker, id: str, after: str, limit: int) -> MemberPage:
    platform = asker.platform
    platform.access.case(asker.scope, id)
    page = Page(platform, asker.scope)
    rows, cursor = platform.questions.gathered(asker.scope, id, after=after, limit=limit)
    names = {row.stream: row.stream.removeprefix("alarm:") for row in rows}
    risks = platform.store.load([f"risk:{name}" for name in names.values()])
    items = []
    for row in rows:
        kept = risks.get(f"risk:{names[row.stream]}")
        risk = msgspec.json.decode(kept.body, type=RiskState) if kept and kept.body else RiskState()
        asset = names[row.stream].partition("|")[2]
        items.append(
            MemberView(
                asset=asset, asset_name=page.names.of(asset), level=row.level,
                active=row.stage not in (AlarmStage.NORMAL, AlarmStage.RETURNED),
                findings=[page.finding(one) for one in risk.findings.values()],
            )
        )  # fmt: skip
    return MemberPage(items=items, next=cursor)
