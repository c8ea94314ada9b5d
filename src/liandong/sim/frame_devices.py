"""Devices with a protocol of their own over TCP: fire panels (GB/T 26875.3), a gas monitor (HJ 212)."""

from __future__ import annotations

from collections import defaultdict

from liandong.core.values.city import Channel
from liandong.core.values.dataset import CityFolder
from liandong.core.values.times import MINUTE, SECOND
from liandong.sim.device_story import Episode, Kind
from liandong.sim.devices import ALARM_PERIOD, DeviceMessage, Gateways, Planned
from liandong.sim.frames import (
    gb_component_state,
    gb_frame,
    gb_unit_state,
    hj212_frame,
)

#: How often a panel says that it is there. Real ones do it every 20 to 30 seconds.
HEARTBEAT = 10 * MINUTE
#: Bits of the state words of components and of the transmission unit.
NORMAL, FIRE, MAIN_POWER = 1, 2, 8
_PERIOD = 5 * MINUTE
_ZONE_TEXT = "示例探测器"


def frame_plan(gateways: Gateways, folder: CityFolder) -> list[Planned]:
    """All frames of the period, in order; ready made, for they are few and short."""
    protocol = {source.key: source.protocol for source in folder.city.sources}
    devices: dict[tuple[str, str], dict[str, list[Channel]]] = defaultdict(lambda: defaultdict(list))
    for channel in folder.city.channels:
        if protocol[channel.source] in ("hj212", "gb26875"):
            device = channel.device.split("/")[0]
            devices[channel.source, protocol[channel.source]][device].append(channel)
    found: list[Planned] = []
    for (source, spoken), by_device in devices.items():
        for device, channels in by_device.items():
            made = _monitor if spoken == "hj212" else _panel
            found += [
                Planned(at, source, number, 0, device, DeviceMessage(
                    at=at, source=source, body=body, protocol=spoken, device=device
                ))
                for number, (at, body) in enumerate(made(gateways, device, channels))
            ]  # fmt: skip
    return sorted(found, key=lambda p: (p.at, p.source, p.order, p.event, p.asset))


def _told(gateways: Gateways, channels: list[Channel]) -> list[Episode]:
    keys = {channel.key for channel in channels}
    return [episode for episode in gateways.story if keys & set(episode.channels)]


def _monitor(gateways: Gateways, device: str, channels: list[Channel]) -> list[tuple[int, bytes]]:
    """Real-time data every five minutes, every minute in alarm."""
    moments = set(range(gateways.first, gateways.end, _PERIOD))
    for episode in _told(gateways, channels):
        moments |= set(range(episode.begin, episode.end, ALARM_PERIOD))
    source = channels[0].source
    part = gateways.part(source, channels)
    found = []
    for at in sorted(moments):
        values, dead = part.values(at, gateways.period)
        items = {
            c.item: value for n, (c, value) in enumerate(zip(channels, values, strict=True)) if n not in dead
        }
        rounded = {item: round(value, 2) for item, value in items.items()}
        found.append((at + SECOND, hj212_frame(device, at, rounded)))
    return found


def _panel(gateways: Gateways, device: str, channels: list[Channel]) -> list[tuple[int, bytes]]:
    """States when they change, and a sign of life at its interval."""
    source = int(device)
    powers = [e for e in _told(gateways, channels) if e.kind == Kind.POWER]
    states: list[tuple[int, bytes]] = []
    for at in range(gateways.first, gateways.end, HEARTBEAT):
        states.append((at, b""))
    for episode in powers:
        states.append((episode.begin, gb_unit_state(MAIN_POWER, episode.begin)))
        states.append((episode.end, gb_unit_state(NORMAL, episode.end)))
    by_key = {channel.key: channel for channel in channels}
    for episode in _told(gateways, channels):
        if episode.kind in (Kind.FIRE, Kind.NUISANCE):
            channel = by_key[episode.channels[0]]
            states.append((episode.begin, _component(channel, NORMAL | FIRE, episode.begin)))
            states.append((episode.end, _component(channel, NORMAL, episode.end)))
    states.sort(key=lambda state: (state[0], state[1]))
    return [
        (at + SECOND, gb_frame(source, serial % 65536, at, app))
        for serial, (at, app) in enumerate(states, start=1)
    ]


def _component(channel: Channel, state: int, at: int) -> bytes:
    """The state of a detector, as its channel names it: `2001/1-1/40-1.5`."""
    _, system, component = channel.device.split("/")
    kind, _, number = system.partition("-")
    model, _, place = component.partition("-")
    zone, _, unit = place.partition(".")
    return gb_component_state(
        [(int(kind), int(number), int(model), int(zone), int(unit), state, _ZONE_TEXT, at)]
    )
