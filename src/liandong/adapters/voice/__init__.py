"""叫应: ringing people by a city's telephone exchange (CTI), until one answers.

A delivery over this channel counts as delivered only once somebody has taken the call. Without an
exchange people ring by two taps, and the call log of the case keeps what came of it.
"""

from liandong.adapters.voice.channel import VoiceChannel, from_file
from liandong.adapters.voice.gateway import CtiGateway, Exchange

__all__ = ["CtiGateway", "Exchange", "VoiceChannel", "from_file"]
