"""L-TOWN's water simulated with EPANET through wntr: a perturbed "reality" with leaks, and its nominal model.

Everything that comes out of here is simulated. Reality and model differ on purpose (`Spread`): the detector
gets the nominal network of the file, never the perturbed one.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from liandong.core.values.errors import BadInput
from liandong.yardstick.ltown_detect import Model
from liandong.yardstick.ltown_setup import STEP_MIN, Setup

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]

#: EPANET toolkit codes (epanet2_enums.h, EPANET 2.2).
_DEMAND, _EMITTER, _LEVEL, _PRESSURE, _FLOW, _STATUS = 1, 3, 8, 11, 8, 11
#: Discharge coefficient of a hole, as the publishers have it.
DISCHARGE = 0.75
#: A junction that was opened with a coefficient of nought cannot leak later.
_DRY = 1e-9
_EVEN = "even"
_HOUR = 60 // STEP_MIN
_DAY = 24 * _HOUR


class Spread(msgspec.Struct, frozen=True):
    """By how much reality differs from the nominal model; shares are of the nominal value."""

    roughness: float = 0.10  #: each pipe, even within ± this
    diameter: float = 0.01  #: each pipe, even within ± this
    demand: float = 0.20  #: each junction's usual use, even within ± this
    hourly: float = 0.20  #: each junction, each hour, standard deviation
    sudden: float = 0.20  #: each junction, each 5 minutes, standard deviation
    drift: float = 0.10  #: each junction, standard deviation of a random walk after a year
    daily: float = 0.03  #: homes, commerce and industry each for itself, each day, standard deviation
    season: float = 0.08  #: whole town, a sine over the year with its top in July
    offset_m: float = 0.10  #: each pressure sensor, constant, standard deviation
    noise_m: float = 0.02  #: each pressure reading, standard deviation; readings have 0.01 m


class Measured(msgspec.Struct, frozen=True):
    """What the sensors read, one row per 5 minutes; columns in the order of the configuration."""

    pressures: Any  #: float64[rows, sensors] metres
    flows: Any  #: float64[rows, sensors] m³/h
    levels: Any  #: float64[rows, tanks] metres


def load_network(path: Path) -> Any:
    """The network as wntr reads it. Raises BadInput where wntr is missing or the file cannot be read."""
    try:
        import wntr
    except ImportError as error:
        raise BadInput("ltown.no_wntr") from error
    try:
        network = wntr.network.WaterNetworkModel(str(path))
    except Exception as error:  # wntr raises its own and several built-in ones
        raise BadInput("ltown.bad_network", path=str(path), why=str(error)[:160]) from error
    network.options.time.duration = 0
    network.options.hydraulic.accuracy = 1e-4
    return network


def place(network: Any, pipe: str) -> tuple[float, float]:
    """The middle of a pipe, metres. Raises BadInput for a pipe that the network does not have."""
    if pipe not in network.pipe_name_list:
        raise BadInput("ltown.no_pipe", pipe=pipe)
    link = network.get_link(pipe)
    (x1, y1), (x2, y2) = link.start_node.coordinates, link.end_node.coordinates
    return (x1 + x2) / 2, (y1 + y2) / 2


def reality(path: Path, setup: Setup, spread: Spread, seed: int, progress: Progress) -> Measured:
    """The configuration's whole span: each leak a hole in the middle of its pipe, flow = Cd·A·√(2gp)."""
    chance = np.random.default_rng(seed)
    network = load_network(path)
    for name in network.pipe_name_list:
        pipe = network.get_link(name)
        pipe.roughness *= 1 + spread.roughness * chance.uniform(-1, 1)
        pipe.diameter *= 1 + spread.diameter * chance.uniform(-1, 1)
    demands = Demands(network)
    junctions = demands.junctions
    use = 1 + spread.demand * chance.uniform(-1, 1, len(junctions))
    network = _with_holes(network, [leak.pipe for leak in setup.leaks])
    for name in junctions:
        _draw_nothing(network, name)
    holes = [_coefficients(leak.diameters(np.arange(setup.rows))) for leak in setup.leaks]
    out = Measured(
        np.empty((setup.rows, len(setup.pressures))), np.empty((setup.rows, len(setup.flows))),
        np.empty((setup.rows, len(setup.levels))),
    )  # fmt: skip
    with _engine(network, setup.rows) as engine:
        taps = [engine.ENgetnodeindex(name) for name in junctions]
        leaks = [engine.ENgetnodeindex(_hole(k)) for k in range(len(setup.leaks))]
        sensors = _sensors(engine, setup)
        for first in range(0, setup.rows, _DAY):
            last = min(first + _DAY, setup.rows)
            use = use * np.exp(spread.drift / math.sqrt(365) * chance.standard_normal(len(use)))
            wanted = _day_demands(demands, use, first, last, spread, chance)
            for row in range(first, last):
                _advance(engine, row)
                for tap, value in zip(taps, wanted[row - first].tolist(), strict=True):
                    engine.ENsetnodevalue(tap, _DEMAND, value)
                for k, leak in enumerate(leaks):
                    if row == 0 or holes[k][row] != holes[k][row - 1]:
                        engine.ENsetnodevalue(leak, _EMITTER, max(holes[k][row], _DRY))
                engine.ENrunH()
                _read(engine, sensors, out, row)
            progress("reality", last, setup.rows)
    return _sense(out, spread, chance)


def nominal(path: Path, setup: Setup, measured: Measured, progress: Progress) -> Floats:
    """What the nominal model expects at the pressure sensors, metres: float64[rows, sensors].

    Measured tank levels and pump flows are put into the model, so that it follows the plant's own switching;
    everything else is the file's.
    """
    network = load_network(path)
    _stop_plant(network)
    # With the pumps stopped, what they are measured to move is taken out before them and put in behind them.
    demands = Demands(network)
    moved: dict[str, list[tuple[int, float]]] = {}
    for k, name in enumerate(setup.flows):
        if name in network.pump_name_list:
            pump = network.get_link(name)
            for end, sign in ((pump.start_node_name, 1.0), (pump.end_node_name, -1.0)):
                if end in demands.junctions:
                    moved.setdefault(end, []).append((k, sign))
    for name in moved:
        _draw_nothing(network, name)
    rows = len(measured.pressures)
    expected = Measured(np.empty_like(measured.pressures), np.empty((rows, 0)), np.empty((rows, 0)))
    only = msgspec.structs.replace(setup, flows=(), levels=())
    with _engine(network, rows) as engine:
        sensors = _sensors(engine, only)
        taps = [
            (
                engine.ENgetnodeindex(end),
                demands.at(end, rows) + sum(sign * measured.flows[:, k] for k, sign in parts),
            )
            for end, parts in moved.items()
        ]
        tanks = [engine.ENgetnodeindex(name) for name in setup.levels]
        for row in range(rows):
            _advance(engine, row)
            for tap, drawn in taps:
                engine.ENsetnodevalue(tap, _DEMAND, float(drawn[row]))
            for k, tank in enumerate(tanks):
                engine.ENsetnodevalue(tank, _LEVEL, float(measured.levels[row, k]))
            engine.ENrunH()
            _read(engine, sensors, expected, row)
            if row % _DAY == 0 or row == rows - 1:
                progress("model", row + 1, rows)
    return np.asarray(expected.pressures)


def sensitivities(path: Path, setup: Setup, leak_m3h: float, progress: Progress) -> Floats:
    """By how many metres each sensor falls per m³/h taken out at each junction, at each hour of a weekday.

    float64[24, sensors, junctions]: one solution of the nominal model each, with `leak_m3h` more there. Every
    second hour is solved, and those between are the mean of their neighbours.
    """
    network = load_network(path)
    _stop_plant(network)
    demands = Demands(network)
    junctions = demands.junctions
    for name in junctions:
        _draw_nothing(network, name)
    network.options.hydraulic.accuracy = 1e-5
    slopes = np.empty((24, len(setup.pressures), len(junctions)))
    with _engine(network, 1) as engine:
        nodes = [engine.ENgetnodeindex(name) for name in setup.pressures]
        taps = [engine.ENgetnodeindex(name) for name in junctions]
        for hour in range(0, 24, 2):
            start = 2 * _DAY + hour * _HOUR  # a Wednesday; the patterns start on a Monday
            usual = demands.between(start, start + _HOUR).mean(axis=0)
            for tap, value in zip(taps, usual.tolist(), strict=True):
                engine.ENsetnodevalue(tap, _DEMAND, value)
            engine.ENrunH()
            before = np.array([engine.ENgetnodevalue(node, _PRESSURE) for node in nodes])
            for j, (tap, value) in enumerate(zip(taps, usual.tolist(), strict=True)):
                engine.ENsetnodevalue(tap, _DEMAND, value + leak_m3h)
                engine.ENrunH()
                after = np.array([engine.ENgetnodevalue(node, _PRESSURE) for node in nodes])
                slopes[hour, :, j] = (before - after) / leak_m3h
                engine.ENsetnodevalue(tap, _DEMAND, value)
            progress("sensitivities", hour + 2, 24)
    slopes[1::2] = (slopes[::2] + np.roll(slopes[::2], -1, axis=0)) / 2
    return slopes


def town_model(path: Path, setup: Setup, progress: Progress, leak_m3h: float = 10.0) -> Model:
    """All that the detector knows of the network: from the nominal file alone."""
    network = load_network(path)
    demands = Demands(network)
    slopes = sensitivities(path, setup, leak_m3h, progress)
    usual = [demands.by_pattern(2 * _DAY + hour * _HOUR, 2 * _DAY + (hour + 1) * _HOUR) for hour in range(24)]
    places = np.array([network.get_node(name).coordinates for name in demands.junctions])
    return Model(slopes, np.stack(usual), places)


class Demands:
    """Nominal demand of each junction in m³/h, made of the network's patterns."""

    def __init__(self, network: Any) -> None:
        self.junctions: list[str] = list(network.junction_name_list)
        self.rows_a_step = max(round(network.options.time.pattern_timestep / 60 / STEP_MIN), 1)
        self.shapes = [np.ones(1)] + [np.asarray(p.multipliers) for _, p in network.patterns()]
        places = {name: k for k, name in enumerate(["", *network.pattern_name_list])}
        usual = places.get(network.options.hydraulic.pattern, 0)
        self.base = np.zeros((len(self.shapes), len(self.junctions)))
        for column, name in enumerate(self.junctions):
            for demand in network.get_node(name).demand_timeseries_list:
                row = places[demand.pattern_name] if demand.pattern_name else usual
                self.base[row, column] += (
                    demand.base_value * 3600 * network.options.hydraulic.demand_multiplier
                )

    def factors(self, first: int, last: int) -> Floats:
        """float64[rows, patterns] for rows [first, last)."""
        steps = np.arange(first, last) // self.rows_a_step
        return np.stack([shape[steps % len(shape)] for shape in self.shapes], axis=1)

    def between(self, first: int, last: int, factors: Floats | float = 1.0) -> Floats:
        """float64[rows, junctions] for rows [first, last), each pattern times its factor."""
        return np.asarray((self.factors(first, last) * factors) @ self.base)

    def at(self, junction: str, rows: int) -> Floats:
        """float64[rows] of one junction."""
        return np.asarray(self.factors(0, rows) @ self.base[:, self.junctions.index(junction)])

    def by_pattern(self, first: int, last: int) -> Floats:
        """Means over rows [first, last): float64[patterns, junctions]."""
        return np.asarray(self.factors(first, last).mean(axis=0)[:, None] * self.base)


def _day_demands(demands: Demands, use: Floats, first: int, last: int, spread: Spread, chance: Any) -> Floats:
    """What is drawn in reality from `first` to `last`; the same numbers of chance for every day."""
    season = 1 + spread.season * math.sin(2 * math.pi * (first / _DAY / 365 - 0.29))
    day = season * (1 + spread.daily * chance.standard_normal(len(demands.shapes)))
    hourly = np.repeat(chance.standard_normal((24, len(use))), _HOUR, axis=0)
    sudden = chance.standard_normal((_DAY, len(use)))
    noise = np.maximum(1 + spread.hourly * hourly + spread.sudden * sudden, 0.0)[: last - first]
    return np.maximum(demands.between(first, last, day) * use * noise, _DRY)


def _stop_plant(network: Any) -> None:
    """Pumps stand still and nothing switches them on."""
    for control in list(network.control_name_list):
        network.remove_control(control)
    for name in network.pump_name_list:
        network.get_link(name).initial_status = "Closed"


def _draw_nothing(network: Any, junction: str) -> None:
    """One demand with an even pattern (none would mean the network's default), to be set row by row."""
    if _EVEN not in network.pattern_name_list:
        network.add_pattern(_EVEN, [1.0])
    network.get_node(junction).demand_timeseries_list.clear()
    network.get_node(junction).add_demand(_DRY, _EVEN)


def _with_holes(network: Any, pipes: Sequence[str]) -> Any:
    """The network with a junction in the middle of each pipe, which can leak."""
    import wntr

    for number, pipe in enumerate(pipes):
        place(network, pipe)
        wntr.morph.split_pipe(network, pipe, f"{pipe}-{_hole(number)}", _hole(number), return_copy=False)
        network.get_node(_hole(number)).emitter_coefficient = _DRY
    return network


def _hole(number: int) -> str:
    return f"hole-{number}"


def _coefficients(diameters_m: Floats) -> Floats:
    """m³/h per √m of pressure of holes of these diameters."""
    return np.asarray(DISCHARGE * math.pi / 4 * diameters_m**2 * math.sqrt(2 * 9.81) * 3600)


def _sense(true: Measured, spread: Spread, chance: Any) -> Measured:
    """Readings: a constant offset and noise on pressures, two decimals on everything, as published."""
    offset = spread.offset_m * chance.standard_normal(true.pressures.shape[1])
    noise = spread.noise_m * chance.standard_normal(true.pressures.shape)
    return Measured(
        np.round(true.pressures + offset + noise, 2), np.round(true.flows, 2), np.round(true.levels, 2)
    )


@contextmanager
def _engine(network: Any, rows: int) -> Iterator[Any]:
    """EPANET with the network opened and ready for row 0. Its files are gone afterwards."""
    import wntr
    from wntr.epanet.toolkit import ENepanet

    network.options.time.duration = rows * STEP_MIN * 60
    network.options.time.hydraulic_timestep = network.options.time.report_timestep = STEP_MIN * 60
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.inp"
        wntr.network.write_inpfile(network, str(path), units="CMH")
        engine = ENepanet()
        engine.ENopen(str(path), str(path.with_suffix(".rpt")), "")
        try:
            engine.ENopenH()
            engine.ENinitH(0)
            yield engine
            engine.ENcloseH()
        finally:
            engine.ENclose()


def _advance(engine: Any, row: int) -> None:
    """Bring the tanks to the row's moment; EPANET also stops in between, where a tank switches a pump."""
    now, goal = (row - 1) * STEP_MIN * 60, row * STEP_MIN * 60
    while row and now < goal:
        now += engine.ENnextH()
        if now < goal:
            engine.ENrunH()


def _sensors(engine: Any, setup: Setup) -> tuple[list[int], list[int], list[int]]:
    return (
        [engine.ENgetnodeindex(name) for name in setup.pressures],
        [engine.ENgetlinkindex(name) for name in setup.flows],
        [engine.ENgetnodeindex(name) for name in setup.levels],
    )


def _read(engine: Any, sensors: tuple[list[int], list[int], list[int]], out: Measured, row: int) -> None:
    pressures, flows, levels = sensors
    out.pressures[row] = [engine.ENgetnodevalue(node, _PRESSURE) for node in pressures]
    out.flows[row] = [engine.ENgetlinkvalue(link, _FLOW) for link in flows]
    out.levels[row] = [engine.ENgetnodevalue(node, _PRESSURE) for node in levels]
