"""设备 How every device stands: heard in time, late, silent or never heard; and who has to see to it.

Nothing here is called normal: a device that is silent says nothing about the thing that it watches. At
points that an owner watches, the watcher is watched by the same figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
import numpy as np

from liandong.app.handle import Handler
from liandong.app.intake import Intake
from liandong.app.ports import Store
from liandong.app.selfwatch import SOURCE, messages
from liandong.app.writer import Admit, Writer
from liandong.core.detect.kernel import NEVER
from liandong.core.mechanism.policy import Policy
from liandong.core.values.lists import DeviceState
from liandong.core.values.times import MINUTE, SECOND

#: Times the report interval: then a device is late, and silent.
LATE, SILENT = 2.0, 5.0
#: A source whose newest readings come with clocks further off than this drifts.
DRIFT = 5 * MINUTE
_EVERY = 5 * MINUTE
SOURCES_RULE, DRIFT_RULE = "self.sources", "self.drift"
OWNER, DEPARTMENT = "owner", "department"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor and how it stands."""

    sensor: str
    asset: str
    state: DeviceState
    heard: int | None  #: event time of its newest reading, microseconds
    tier: str  #: who watches the point: city, department or owner
    owner: str
    upkeep: str  #: who pays for its upkeep
    watcher: str  #: unit that has to see to it
    overdue: bool  #: its calibration
    sources: tuple[str, ...]


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """One source and how it stands."""

    source: str
    unit: str
    protocol: str
    state: DeviceState
    heard: int | None
    channels: int
    silent: int  #: of them
    drift_s: float | None  #: how far its clocks are behind ours; negative: ahead. None: nothing to tell from


class Watcher(msgspec.Struct, frozen=True, kw_only=True):
    """How a unit keeps the points that it watches."""

    unit: str
    tier: str
    points: int
    sensors: int
    states: dict[str, int]
    overdue: int  #: calibrations


def devices(policy: Policy, heard: dict[str, int], now: int, since: int = 0) -> list[Device]:
    """Every sensor; `heard` is channel → time of its newest reading, `since` when we began to listen."""
    city = policy.city
    idle = {source.key: source.idle_s for source in city.city.sources}
    by_sensor: dict[str, list[str]] = defaultdict(list)
    for channel in city.city.channels:
        by_sensor[channel.sensor].append(channel.key)
    found = []
    for sensor in city.city.sensors:
        keys = by_sensor.get(sensor.key, [])
        asset = city.assets[sensor.asset]
        sources = tuple(sorted({city.channels[key].source for key in keys}))
        newest = max((heard[key] for key in keys if key in heard), default=None)
        wait = max((idle[source] for source in sources), default=0.0)
        owner = sensor.owner or asset.owner
        watcher = {OWNER: owner, DEPARTMENT: asset.regulator}.get(asset.tier, "") or asset.operator or owner
        found.append(
            Device(
                sensor=sensor.key, asset=asset.key, state=state_of(newest, sensor.report_s, wait, now, since),
                heard=newest, tier=asset.tier, owner=owner, upkeep=sensor.upkeep or owner, watcher=watcher,
                overdue=bool(sensor.calibration_due) and sensor.calibration_due < now, sources=sources,
            )
        )  # fmt: skip
    return found


def state_of(newest: int | None, report_s: float, idle_s: float, now: int, since: int = 0) -> DeviceState:
    """Where a device stands by how long ago it was heard, seconds.

    While we have listened for less than it may be silent, it is late at worst: the pause may be ours.
    """
    if newest is None:
        return DeviceState.NEVER
    silence = (now - newest) / SECOND
    late, gone = (LATE * report_s, SILENT * report_s) if report_s else (idle_s, idle_s)
    if silence > gone and (now - since) / SECOND > gone:
        return DeviceState.SILENT
    return DeviceState.LATE if silence > late else DeviceState.LIVE


def sources(
    policy: Policy, heard: dict[str, int], drifts: dict[str, float], now: int, since: int = 0,
    alive: Mapping[str, int] = MappingProxyType({}),
) -> list[SourceState]:  # fmt: skip
    """Every source; one is silent when neither a reading nor a sign of life (`alive`: source → when) was
    heard of it within its `idle_s`."""
    keys: dict[str, list[str]] = defaultdict(list)
    for channel in policy.city.city.channels:
        keys[channel.source].append(channel.key)
    found = []
    for source in policy.city.city.sources:
        times = [heard[key] for key in keys[source.key] if key in heard]
        signs = [alive[source.key]] if source.key in alive else []
        newest = max([*times, *signs], default=None)
        found.append(
            SourceState(
                source=source.key, unit=source.unit, protocol=source.protocol,
                state=state_of(newest, 0.0, source.idle_s, now, since), heard=newest,
                channels=len(keys[source.key]),
                silent=len(keys[source.key]) - sum(now - at <= source.idle_s * SECOND for at in times),
                drift_s=drifts.get(source.key),
            )
        )  # fmt: skip
    return found


def watchers(found: Sequence[Device]) -> list[Watcher]:
    """Per unit and tier how the points are kept, the worst first."""
    groups: dict[tuple[str, str], list[Device]] = defaultdict(list)
    for device in found:
        groups[device.watcher, device.tier].append(device)
    rows = [
        Watcher(
            unit=unit, tier=tier, points=len({d.asset for d in group}), sensors=len(group),
            states=dict(Counter(d.state.value for d in group)), overdue=sum(d.overdue for d in group),
        )
        for (unit, tier), group in groups.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row.states.get("live", 0) / row.sensors, row.unit, row.tier))


class Devices:
    """Looks at a running city, and tells the duty centre of sources that are silent or whose clocks drift."""

    def __init__(self, store: Store, handler: Handler, writer: Writer, intake: Intake) -> None:
        self._store, self._handler, self._writer, self._intake = store, handler, writer, intake
        self._looked = 0  #: last beat of the watch
        self._since = 0  #: when this process began to listen, by its first tick
        self._alive: dict[str, int] = {}  #: source → when its last sign of life came
        self.resting = False  #: nobody is told: what sends has been switched off

    def devices(self) -> list[Device]:
        """As they stand now."""
        return devices(self._handler.policy, self._heard(), self._writer.now, self._since)

    def sources(self) -> list[SourceState]:
        """As they stand now."""
        policy = self._handler.policy
        return self._sources(policy, self._writer.now)

    def alive(self, source: str) -> None:
        """A sign of life that is no reading, such as a heartbeat. From any thread."""
        if source:
            self._alive[source] = self._writer.now

    def tick(self, now: int) -> None:
        """Look every five minutes; a city with channels for it hears of what is wrong as of a leak."""
        self._since = self._since or now
        beat = now - now % _EVERY
        if beat == self._looked or self.resting or self._intake.elsewhere:
            return
        self._looked = beat
        policy = self._handler.policy
        mine = [one for one in self._sources(policy, now) if one.channels and one.source != SOURCE]
        counts = {DRIFT_RULE: sum(abs(one.drift_s or 0.0) * SECOND > DRIFT for one in mine)}
        states = Counter(one.state for one in mine)
        # Of a source that is late at worst, because the pause may be ours, no end of its silence was heard.
        if states[DeviceState.SILENT] or not states[DeviceState.LATE]:
            counts[SOURCES_RULE] = states[DeviceState.SILENT]
        for rule, count in counts.items():
            for message in messages(policy, self._store, rule, count > 0, float(count), now):
                self._writer.submit(Admit(message, SOURCE))

    def _sources(self, policy: Policy, now: int) -> list[SourceState]:
        return sources(policy, self._heard(), self._drifts(policy), now, self._since, self._alive)

    def _heard(self) -> dict[str, int]:
        shard = self._intake.shard
        times, _ = shard.heads()
        return {
            row.key: int(at) for row, at in zip(shard.channels, times.tolist(), strict=True) if at > NEVER
        }

    def _drifts(self, policy: Policy) -> dict[str, float]:
        """Source → seconds that its newest readings are behind their arrival, the median of what is kept."""
        found = {}
        for source in policy.city.city.sources:
            if source.lateness_s:
                continue  # whoever sends batches is late on purpose
            behind = [
                record.arrival - int(record.batch.event_time.max())
                for _, record in self._intake.recent(source.key)
                if record.batch is not None and len(record.batch)
            ]
            if behind:
                found[source.key] = float(np.median(behind)) / SECOND
        return found
