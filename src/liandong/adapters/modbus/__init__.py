"""Polling Modbus devices over TCP, RTU through TCP, and serial lines, with pymodbus."""

from liandong.adapters.modbus.link import ModbusLink
from liandong.adapters.modbus.points import ModbusLine, ModbusPoint

__all__ = ["ModbusLine", "ModbusLink", "ModbusPoint"]
