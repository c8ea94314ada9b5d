"""报警: reading batches → findings. Pure and columnar; needs only each group's own past, in event time."""

from liandong.core.detect.layout import partition_of
from liandong.core.detect.shard import Detected, IntakeCounts, Shard
from liandong.core.detect.standing import ChannelState, RuleState

__all__ = ["ChannelState", "Detected", "IntakeCounts", "RuleState", "Shard", "partition_of"]
