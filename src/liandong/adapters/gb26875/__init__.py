"""GB/T 26875.3: transmission units of fire protection systems, over TCP."""

from liandong.adapters.gb26875.codec import Packet, decode, encode, fields_of
from liandong.adapters.gb26875.door import DutyReply, Gb26875Door
from liandong.adapters.gb26875.framing import make_framer
from liandong.adapters.gb26875.rows import rows_of

__all__ = ["DutyReply", "Gb26875Door", "Packet", "decode", "encode", "fields_of", "make_framer", "rows_of"]
