"""Models of the gas pack: plain functions of named facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

#: Lower explosive limit of methane in air, %VOL (Applied Sciences 13(10) 6295).
LEL_CH4 = 5.0
#: Below this much ethane beside this much methane the gas is hardly from a pipeline: pipeline gas carries
#: some per cent of ethane, sewer gas none. Project default, unverified.
ETHANE_PER_METHANE = 0.002
#: Hydrogen sulphide that natural gas for cities does not carry but sewers do, mg/m3. Project default.
H2S_OF_SEWERS = 20.0


def lel_share(facts: Mapping[str, float]) -> float:
    """Methane as per cent of its lower explosive limit, the worse of the two readings."""
    return max(facts["ch4_lel"], facts["ch4_vol"] / LEL_CH4 * 100.0)


def biogas_hint(facts: Mapping[str, float]) -> float:
    """0…1: how much the composition speaks for sewer gas. Looks at no course in time, correlates nothing.

    Half for ethane missing beside the methane, half for hydrogen sulphide in proportion to what sewers
    carry; 0 where there is no methane to explain.
    """
    methane, ethane = facts["ch4_vol"], facts["c2h6_ppm"] / 10_000.0
    sulphide = min(facts["h2s"] / H2S_OF_SEWERS, 1.0)
    if methane <= 0.0:
        return 0.0
    missing = 1.0 if ethane / methane < ETHANE_PER_METHANE else 0.0
    return 0.5 * missing + 0.5 * sulphide


MODELS: dict[str, Callable[[Mapping[str, float]], float]] = {
    "lel_share": lel_share,
    "biogas_hint": biogas_hint,
}
