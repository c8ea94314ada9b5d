"""What is looked up over one policy and made anew when another comes into force."""

from __future__ import annotations

from dataclasses import dataclass

from liandong.app.screens import Screens
from liandong.app.search import Search
from liandong.core.mechanism.policy import Policy


@dataclass(frozen=True)
class Lookups:
    """The search index and the screens."""

    policy: Policy
    search: Search
    screens: Screens
