"""报警: reading batches → findings. Pure and columnar; needs only each group's own past, in event time."""

from liandong.core.detect.layout import partition_of
from liandong.core.detect.shard import ChannelState, Detected, IntakeCounts, RuleState, Shard

__all__ = ["ChannelState", "Detected", "IntakeCounts", "RuleState", "Shard", "partition_of"]
