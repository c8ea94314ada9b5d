"""HJ 212: devices of environment monitoring, also used for chemical firms and water, over TCP."""

from liandong.adapters.hj212.codec import Frame, answer, decode, encode, fields_of
from liandong.adapters.hj212.door import Hj212Door
from liandong.adapters.hj212.framing import make_framer
from liandong.adapters.hj212.rows import rows_of

__all__ = ["Frame", "Hj212Door", "answer", "decode", "encode", "fields_of", "make_framer", "rows_of"]
