"""Ways to tell people: WeCom, DingTalk, Feishu and others, e-mail, SMS gateways, anything over HTTP.

One file says which channels there are; it holds their secrets, so it is named in the settings and read
once. Whatever goes wrong is told by a type, a status or a code, never by a text that came from outside
or holds an address.
"""

from liandong.adapters.notify.channels import open_channels

__all__ = ["open_channels"]
