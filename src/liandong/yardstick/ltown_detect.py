"""Leaks found and placed from pressures: a bank of CUSUMs, one per place where water could escape.

What is looked at is each sensor's pressure minus what the nominal model expects, averaged by the hour, minus
what is usual at that hour of the day. A leak lowers the sensors in the proportions that the nominal model has
for its place; errors of demand lower them in proportions that the model has as well, and make up the
covariance under which the likelihood of a leak is counted. Each place has Page's CUSUM (1954) for a leak of
`flow_m3h` there, and one with the sign turned: the end of a leak must not look like a leak elsewhere.

What is usual is learned for each hour of the day by a Kalman filter whose state is 24 vectors, one value per
sensor: it starts knowing nearly nothing, wanders slowly, and is moved by what an alarm explains. Only past
hours are used. Nothing is known of labels, and nothing of when anything was repaired.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_HOURS = 24


class Settings(msgspec.Struct, frozen=True):
    """One parameter set for all leaks."""

    flow_m3h: float = 4.0  #: the leak that the CUSUMs are tuned to
    limit: float = 60.0  #: of the CUSUMs, in natural units of log-likelihood
    place_h: int = 4  #: the place is named so many hours after the alarm
    learn_days: int = 7  #: nothing is said in the first days
    junction: float = 0.30  #: error of each junction's demand in an hour, share
    pattern: float = 0.15  #: error of all demand of one pattern in an hour, share
    reading_m: float = 0.015  #: error of a sensor's mean of an hour
    prior_m: float = 0.30  #: what is usual, before anything was seen, standard deviation
    walk_m: float = 0.003  #: how far what is usual wanders in a day, standard deviation
    doubt: float = 0.5  #: share of a leak's effect that is open again after it was explained
    vague: float = 0.02  #: share of the likelihood that may be the model's error, when the place is named
    near_m: float = 400.0  #: places that it may have been instead
    most_m3h: float = 100.0  #: no leak is taken for larger
    memory_days: int = 30  #: a leak is sought to have begun so far back


class Model(msgspec.Struct, frozen=True):
    """What the nominal model says, for each hour of the day."""

    slopes: Floats  #: [24, sensors, places], metres of pressure per m³/h taken out there
    demands: Floats  #: [24, patterns, places], m³/h
    places: Floats  #: [places, 2], metres


class Event(msgspec.Struct, frozen=True):
    """A leak that began or ended; hours count from the start, and each is known at its end."""

    kind: Literal["leak", "end"]
    alarm_h: int  #: hour in which the limit was passed
    placed_h: int  #: hour after which the place was named
    place: int
    flow_m3h: float
    likelihood: float


class Detector:
    """Takes one hour after the other and says what began or ended."""

    def __init__(self, model: Model, settings: Settings | None = None) -> None:
        self.model = model
        self.settings = own = settings or Settings()
        self.errors = np.stack([_demand_errors(model, hour, own) for hour in range(_HOURS)])
        sensors, places = model.slopes.shape[1:]
        self.usual = np.zeros((_HOURS, sensors))
        self.unsure = own.prior_m**2 * np.eye(sensors) + 4 * self.errors
        self.walk = own.walk_m**2 * np.eye(sensors)
        self.hours = 0
        self.alarm_h: int | None = None
        #: First row: leaks that begin, second: leaks that end.
        self.cusum = np.zeros((2, places))
        #: (gain, weight) of the hours since the last event.
        self.past: deque[tuple[Floats, Floats]] = deque(maxlen=own.memory_days * _HOURS)

    def feed(self, residual: Floats) -> list[Event]:
        """The mean of one hour's residuals, float64[sensors] in metres; what was decided in it."""
        own, hour, now = self.settings, self.hours % _HOURS, self.hours
        self.hours += 1
        self.unsure[hour] += self.walk
        said: list[Event] = []
        if now >= own.learn_days * _HOURS:
            gain, weight = self._evidence(hour, residual)
            if self.alarm_h is not None and self._is_another(gain, weight):
                said.append(self._close(now - 1))
                gain, weight = self._evidence(hour, residual)
            self._add(gain, weight)
            if self.alarm_h is None and self.cusum.max() > own.limit:
                self.alarm_h = now
            if self.alarm_h is not None and now >= self.alarm_h + own.place_h:
                return [*said, self._close(now)]
        if self.alarm_h is None:
            self._learn(hour, residual)
        return said

    def _evidence(self, hour: int, residual: Floats) -> tuple[Floats, Floats]:
        """(gain, weight) per place: a leak of q is exp(gain·q − weight·q²/2) times likelier than none."""
        slopes = self.model.slopes[hour]
        weighed = np.linalg.solve(self.unsure[hour] + self.errors[hour], slopes)
        fallen = self.usual[hour] - residual
        return fallen @ weighed, np.maximum((slopes * weighed).sum(axis=0), 1e-12)

    def _add(self, gain: Floats, weight: Floats) -> None:
        flow = self.settings.flow_m3h
        self.cusum += np.stack([gain, -gain]) * flow - weight * flow**2 / 2
        np.maximum(self.cusum, 0.0, out=self.cusum)
        self.past.append((gain, weight))

    def _likeliest(self) -> tuple[int, float, Floats]:
        """(place, flow, twice the log-likelihood ratio of each place) of one leak that began or ended in any
        past hour and lasts; the flow of an end is negative."""
        gains, weights = np.zeros(self.cusum.shape[1]), np.zeros(self.cusum.shape[1])
        best, flow, ratios = 0, 0.0, np.full(self.cusum.shape[1], -1.0)
        for gain, weight in reversed(self.past):
            gains, weights = gains + gain, weights + weight
            # Where no sensor feels it, any flow would fit; no pipe of a town lets out more than this.
            flows = np.clip(gains / weights, -self.settings.most_m3h, self.settings.most_m3h)
            ratio = (2 * gains - weights * flows) * flows
            place = int(ratio.argmax())
            if ratio[place] > ratios[best]:
                best, flow = place, float(flows[place])
                ratios = np.where(flows * flow > 0, ratio, 0.0)
        return best, flow, ratios

    def _middle(self, ratios: Floats) -> int:
        """The place from which the likely places are nearest: neighbours are often as likely as the best."""
        top = float(ratios.max())
        likely = np.exp((ratios - top) / (2 * max(self.settings.vague * top, 1.0)))
        places = self.model.places
        apart = np.hypot(*(places[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
        return int((apart @ likely).argmin())

    def _is_another(self, gain: Floats, weight: Floats) -> bool:
        """Whether this hour, alone, speaks for another place than the alarm that is still being placed."""
        place, flow, _ = self._likeliest()
        alone = gain**2 / weight
        same = alone[place] if (gain[place] > 0) == (flow > 0) else 0.0
        unexplained = float(alone.max() - same)
        return unexplained > max(self.settings.limit, 0.5 * float(alone.max()))

    def _close(self, now: int) -> Event:
        """Name the place, take the effect into what is usual, and start again with some doubt about it."""
        place, flow, ratios = self._likeliest()
        assert self.alarm_h is not None
        kind: Literal["leak", "end"] = "leak" if flow > 0 else "end"
        event = Event(kind, self.alarm_h, now, self._middle(ratios), abs(flow), float(ratios[place]))
        slopes, own = self.model.slopes, self.settings
        self.usual -= flow * slopes[:, :, place]
        away = np.hypot(*(self.model.places - self.model.places[place]).T)
        for hour in range(_HOURS):
            here, there = slopes[hour][:, place], slopes[hour][:, away < own.near_m]
            spread = there @ there.T / there.shape[1] + np.outer(here, here)
            self.unsure[hour] += (own.doubt * flow) ** 2 * spread
        self.cusum[:] = 0.0
        self.past.clear()
        self.alarm_h = None
        return event

    def _learn(self, hour: int, residual: Floats) -> None:
        unsure, errors = self.unsure[hour], self.errors[hour]
        kept = np.linalg.solve(unsure + errors, unsure).T
        self.usual[hour] += kept @ (residual - self.usual[hour])
        # Joseph's form: rounding cannot make the covariance indefinite.
        rest = np.eye(len(kept)) - kept
        self.unsure[hour] = rest @ unsure @ rest.T + kept @ errors @ kept.T


def hourly(values: Floats, per_hour: int) -> Floats:
    """Means of whole hours: float64[hours, sensors] of float64[rows, sensors]."""
    hours = len(values) // per_hour
    return np.asarray(values[: hours * per_hour].reshape(hours, per_hour, -1).mean(axis=1))


def _demand_errors(model: Model, hour: int, own: Settings) -> Floats:
    """Covariance of the sensors in one hour: each junction, each pattern as a whole, and the reading."""
    slopes, demands = model.slopes[hour], model.demands[hour]
    each = slopes * (own.junction * demands.sum(axis=0))
    whole = own.pattern * slopes @ demands.T
    return np.asarray(each @ each.T + whole @ whole.T + own.reading_m**2 * np.eye(len(slopes)))
