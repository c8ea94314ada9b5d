"""JT/T 808: terminals of vehicles, over TCP."""

from liandong.adapters.jt808.bodies import fields_of
from liandong.adapters.jt808.codec import Message, decode, encode, encode_parts
from liandong.adapters.jt808.codes import open_secret
from liandong.adapters.jt808.door import Jt808Door
from liandong.adapters.jt808.framing import make_framer
from liandong.adapters.jt808.location import Location, decode_location, decode_locations

__all__ = [
    "Jt808Door", "Location", "Message", "decode", "decode_location", "decode_locations", "encode",
    "encode_parts", "fields_of", "make_framer", "open_secret",
]  # fmt: skip
