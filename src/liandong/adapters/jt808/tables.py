"""Names and codes of JT/T 808-2013 and -2019, as facts.

Trust: the messages, bits and layouts that the frames of github.com/cuteLittleDevil/go-jt808 and
github.com/yezhihao/jt808-server exercise are V there; everything else is K. The printed standards
were not at hand.
"""

from __future__ import annotations

from typing import NamedTuple

#: What the terminal sends and what the centre sends; the names are ours.
NAMES = {
    0x0001: "terminal_reply", 0x0002: "heartbeat", 0x0003: "deregistration", 0x0004: "read_server_time",
    0x0005: "request_parts_of_centre", 0x0100: "registration", 0x0102: "authentication",
    0x0104: "parameters", 0x0107: "attributes", 0x0108: "upgrade_result", 0x0200: "location",
    0x0201: "location_reply", 0x0301: "event_report", 0x0302: "question_reply", 0x0303: "menu_choice",
    0x0500: "vehicle_control_reply", 0x0700: "recorder_data", 0x0701: "waybill", 0x0702: "driver",
    0x0704: "locations", 0x0705: "can_data", 0x0800: "media_event", 0x0801: "media_data",
    0x0802: "media_found", 0x0805: "camera_reply", 0x0900: "uplink_data", 0x0901: "packed_data",
    0x0A00: "terminal_key",
    0x8001: "centre_reply", 0x8003: "request_parts", 0x8004: "server_time", 0x8100: "registration_reply",
    0x8103: "set_parameters", 0x8104: "read_parameters", 0x8105: "terminal_control",
    0x8106: "read_some_parameters", 0x8107: "read_attributes", 0x8108: "upgrade", 0x8201: "read_location",
    0x8202: "follow", 0x8203: "confirm_alarm", 0x8300: "text", 0x8301: "set_events", 0x8302: "question",
    0x8303: "set_menu", 0x8304: "information", 0x8400: "call_back", 0x8401: "set_phone_book",
    0x8500: "vehicle_control", 0x8600: "set_circles", 0x8601: "delete_circles", 0x8602: "set_rectangles",
    0x8603: "delete_rectangles", 0x8604: "set_polygon", 0x8605: "delete_polygons", 0x8606: "set_route",
    0x8607: "delete_routes", 0x8700: "read_recorder", 0x8701: "set_recorder", 0x8702: "read_driver",
    0x8800: "media_reply", 0x8801: "photograph", 0x8802: "find_media", 0x8803: "upload_media",
    0x8804: "record_sound", 0x8805: "upload_one_media", 0x8900: "downlink_data", 0x8A00: "centre_key",
}  # fmt: skip

#: Bits of the alarm word of a location, lowest first. 15 to 17 are of 2019, 31 of 2013.
ALARM_BITS = (
    "emergency", "overspeed", "fatigue", "dangerous_driving", "gnss_fault", "gnss_antenna_open",
    "gnss_antenna_short", "main_undervoltage", "main_power_off", "display_fault", "tts_fault",
    "camera_fault", "ic_card_fault", "overspeed_warning", "fatigue_warning", "illegal_driving",
    "tyre_pressure", "blind_spot_fault", "daily_driving", "parking_overtime", "area", "route",
    "route_time", "off_route", "speed_sensor_fault", "fuel_abnormal", "stolen", "illegal_ignition",
    "illegal_move", "collision", "rollover", "illegal_door",
)  # fmt: skip
#: Bits of the status word that stand for themselves. 8 and 9 together are the load (`LOADS`).
STATUS_BITS = {
    0: "acc", 1: "located", 2: "south", 3: "west", 4: "out_of_service", 5: "encrypted",
    6: "forward_collision", 7: "lane_departure", 10: "fuel_cut", 11: "circuit_cut", 12: "doors_locked",
    13: "door_1", 14: "door_2", 15: "door_3", 16: "door_4", 17: "door_5", 18: "gps", 19: "beidou",
    20: "glonass", 21: "galileo", 22: "moving",
}  # fmt: skip
LOCATED, SOUTH, WEST, ENCRYPTED = 1 << 1, 1 << 2, 1 << 3, 1 << 5
LOADS = ("empty", "half", "reserved", "full")


class Extra(NamedTuple):
    """A known piece of a location's tail: name, unit, bytes, and how many steps make one unit."""

    name: str
    unit: str
    size: int
    steps: int


EXTRAS = {
    0x01: Extra("mileage", "km", 4, 10),
    0x02: Extra("fuel", "L", 2, 10),
    0x03: Extra("recorder_speed", "km/h", 2, 10),
    0x04: Extra("event", "", 2, 1),
    0x25: Extra("vehicle_signals", "", 4, 1),
    0x2A: Extra("io", "", 2, 1),
    0x2B: Extra("analogue", "", 4, 1),
    0x30: Extra("signal", "", 1, 1),
    0x31: Extra("satellites", "", 1, 1),
}

#: Results of the general reply (0x8001, 0x0001).
DONE, FAILED, WRONG, NOT_SUPPORTED, ALARM_CONFIRMED = 0, 1, 2, 3, 4
#: Results of a registration (0x8100).
REGISTERED, NO_VEHICLE, NO_TERMINAL = 0, 2, 4

#: Seconds until an answer is missed, and how often a message is sent altogether. The standard leaves
#: both to parameters 0x0002 and 0x0003 of the terminal.
ANSWER_S, TRIES = 10.0, 3


def bit_names(word: int, bits: tuple[str, ...]) -> list[str]:
    """Names of the bits that are set."""
    return [name for at, name in enumerate(bits) if word >> at & 1]
