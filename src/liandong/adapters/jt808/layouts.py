"""Layouts of message bodies, written as words: one line a message, read by `bodies`.

`name:kind` reads one field. Kinds: `u8 u16 u32`; `id` a message id; `deg` degrees × 10⁶; `bcd6` decimal
digits; `time` six bytes of local time; `s20` text of 20 bytes, `s` text to the end, `p8 p16` text after
its length; `x4` bytes, `x` bytes to the end; `base` a location without a tail; `hidden`, `h8` secrets of
which only the length is shown. `?` the rest may be missing. `@1` only where bit 1 of `flags` is set.
`[items:u8 … ]` repeats after a count, `[items=count … ]` as often as a field before said, `[items* … ]`
to the end.
"""

from __future__ import annotations

_AREA = "begin:bcd6@0 end:bcd6@0 speed_limit:u16@1 overspeed_s:u8@1"
_NIGHT = "night_limit:u16@1 name:p16"
_ROUTE = (
    "route:u32 flags:u16 begin:bcd6@0 end:bcd6@0 [points:u16 id:u32 road:u32 lat:deg lon:deg width:u8 "
    "flags:u8 too_long_s:u16@0 too_short_s:u16@0 speed_limit:u16@1 overspeed_s:u8@1"
)
_PARTS = "iccid:bcd10 hardware:p8 firmware:p8 gnss:u8 mobile:u8"

#: A registration before 2013 has a shorter model; its header is that of 2013, so its size has to tell.
REGISTRATION_2011 = "province:u16 city:u16 manufacturer:s5 model:s8 terminal:s7 plate_colour:u8 plate:s"
LEAST_2013 = 37  #: bytes of a registration of 2013 without a plate

#: Id → layout; two where the editions of 2013 and 2019 differ.
LAYOUTS: dict[int, str | tuple[str, str]] = {
    0x0001: "reply_serial:u16 reply_id:id result:u8",
    0x0002: "",
    0x0003: "",
    0x0004: "",
    0x0005: "first_serial:u16 [missing:u16 index:u16 ]",
    0x0100: (
        "province:u16 city:u16 manufacturer:s5 model:s20 terminal:s7 plate_colour:u8 plate:s",
        "province:u16 city:u16 manufacturer:s11 model:s30 terminal:s30 plate_colour:u8 plate:s",
    ),
    0x0102: ("code:hidden", "code:h8 ? imei:s15 software:s20"),
    0x0104: "reply_serial:u16 [parameters:u8 id:x4 value:n8 ]",
    0x0107: (
        f"type:u16 manufacturer:s5 model:s20 terminal:s7 {_PARTS}",
        f"type:u16 manufacturer:s5 model:s30 terminal:s30 {_PARTS}",
    ),
    0x0108: "type:u8 result:u8",
    0x0301: "event:u8",
    0x0302: "reply_serial:u16 answer:u8",
    0x0303: "type:u8 flag:u8",
    0x0700: "reply_serial:u16 command:u8 data:x",
    0x0701: "size:u32 waybill:x",
    0x0702: (
        "state:u8 time:time ? card:u8 driver:p8 certificate:s20 authority:p8 valid:bcd4",
        "state:u8 time:time ? card:u8 driver:p8 certificate:s20 authority:p8 valid:bcd4 id_card:s20",
    ),
    0x0705: "count:u16 time:bcd5 [items=count id:x4 data:x8 ]",
    0x0800: "media:u32 type:u8 format:u8 event:u8 channel:u8",
    0x0801: "media:u32 type:u8 format:u8 event:u8 channel:u8 location:base data:x",
    0x0802: "reply_serial:u16 [items:u16 media:u32 type:u8 channel:u8 event:u8 location:base ]",
    0x0805: "reply_serial:u16 result:u8 ? [media:u16 id:u32 ]",
    0x0900: "type:u8 data:x",
    0x0901: "size:u32 data:x",
    0x0A00: "e:u32 n:x128",
    0x8001: "reply_serial:u16 reply_id:id result:u8",
    0x8003: ("first_serial:u16 [missing:u8 index:u16 ]", "first_serial:u16 [missing:u16 index:u16 ]"),
    0x8004: "utc:bcd6",
    0x8100: "reply_serial:u16 result:u8 ? code:hidden",
    0x8103: "[parameters:u8 id:x4 value:n8 ]",
    0x8104: "",
    0x8105: "command:u8 arguments:s",
    0x8106: "[parameters:u8 id:x4 ]",
    0x8107: "",
    0x8108: "type:u8 manufacturer:s5 firmware:p8 size:u32 data:x",
    0x8201: "",
    0x8202: "interval_s:u16 duration_s:u32",
    0x8203: "reply_serial:u16 alarms:u32",
    0x8300: ("flag:u8 text:s", "flag:u8 type:u8 text:s"),
    0x8301: "type:u8 [events:u8 id:u8 text:p8 ]",
    0x8302: "flag:u8 question:p8 [answers* id:u8 text:p16 ]",
    0x8303: "type:u8 [items:u8 id:u8 text:p16 ]",
    0x8304: "type:u8 text:p16",
    0x8400: "flag:u8 number:s",
    0x8401: "type:u8 [contacts:u8 flag:u8 phone:p8 name:p8 ]",
    0x8500: ("flag:u8", "controls:x"),
    0x8600: (
        f"attribute:u8 [areas:u8 id:u32 flags:u16 lat:deg lon:deg radius:u32 {_AREA} ]",
        f"attribute:u8 [areas:u8 id:u32 flags:u16 lat:deg lon:deg radius:u32 {_AREA} {_NIGHT} ]",
    ),
    0x8601: "[ids:u8 id:u32 ]",
    0x8602: (
        f"attribute:u8 [areas:u8 id:u32 flags:u16 lat_1:deg lon_1:deg lat_2:deg lon_2:deg {_AREA} ]",
        f"attribute:u8 [areas:u8 id:u32 flags:u16 lat_1:deg lon_1:deg lat_2:deg lon_2:deg {_AREA} {_NIGHT} ]",
    ),
    0x8603: "[ids:u8 id:u32 ]",
    0x8604: (
        f"area:u32 flags:u16 {_AREA} [points:u16 lat:deg lon:deg ]",
        f"area:u32 flags:u16 {_AREA} [points:u16 lat:deg lon:deg ] {_NIGHT}",
    ),
    0x8605: "[ids:u8 id:u32 ]",
    0x8606: (f"{_ROUTE} ]", f"{_ROUTE} night_limit:u16@1 ] name:p16"),
    0x8607: "[ids:u8 id:u32 ]",
    0x8700: "command:u8 data:x",
    0x8701: "command:u8 data:x",
    0x8702: "",
    0x8800: "media:u32 ? [missing:u8 index:u16 ]",
    0x8801: "channel:u8 command:u16 interval_s:u16 save:u8 resolution:u8 quality:u8 brightness:u8 "
    "contrast:u8 saturation:u8 colour:u8",
    0x8802: "type:u8 channel:u8 event:u8 begin:bcd6 end:bcd6",
    0x8803: "type:u8 channel:u8 event:u8 begin:bcd6 end:bcd6 delete:u8",
    0x8804: "command:u8 seconds:u16 save:u8 rate:u8",
    0x8805: "media:u32 delete:u8",
    0x8900: "type:u8 data:x",
    0x8A00: "e:u32 n:x128",
}  # fmt: skip
