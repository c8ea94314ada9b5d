"""工单互通·文件: a folder that both sides can reach. Ours is `out/`, the receiver's `in/`.

out/order-<order>.json      one order, replaced by each newer version
out/answers-<moment>.jsonl  what became of events
in/<any>.jsonl .csv .xlsx   events, a line or row each; moved to done/ once every one is answered
in/orders.<same>            the orders that the receiver has open, read anew at each comparison
in/files/<name>             photos and records that the column `files` names, with `;` between them
refused/<name>              what could not be read, with <name>.reason.txt beside it

A file is written under a name that begins with a dot and then renamed, on both sides.
"""

from liandong.adapters.bridge_file.link import FileLink

__all__ = ["FileLink"]
