"""Reading OPC UA servers by subscription, with polling beside it, with asyncua."""

from liandong.adapters.opcua.link import OpcuaLink
from liandong.adapters.opcua.points import OpcuaPoint, OpcuaServer

__all__ = ["OpcuaLink", "OpcuaPoint", "OpcuaServer"]
