"""Every falsification is found, or the report names it as not provable; nothing else is ever found."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from liandong import texts
from liandong.app import verify as verify_room
from liandong.app.ports import Changes
from liandong.app.roots import anchor_line, anchor_of
from liandong.app.signing import open_signer
from liandong.app.vault import Vault
from liandong.app.verify import Report, verify
from liandong.core.values.canonical import sha256
from liandong.core.values.case_events import CaseNoted
from liandong.core.values.errors import NotFound
from liandong.core.values.events import EventRecord, record_event
from liandong.core.values.journal import EntryKind, JournalRow, chain_hash, root_hash
from liandong.stores.keyring import SqliteKeyring
from liandong.stores.sqlite import open_sqlite
from tests.app.journals import SIGNER, START, STREAMS, THIEF, Lists, journals, replace, risk_event

many = settings(max_examples=80, deadline=None)
NOWHERE = Path("/nowhere/data")


def check(
    lists: Lists, *anchors: Path, inside: Path = NOWHERE, keys: Any = (SIGNER.public_pem,), **more: Any
) -> Report:
    return verify(
        lists, public_keys=None if keys is None else list(keys), anchors=anchors, inside=inside, **more
    )


def limits(report: Report) -> dict[str, dict[str, Any]]:
    return {sentence.key.removeprefix("verify.limit."): sentence.params for sentence in report.limits}


def proven(report: Report) -> dict[str, dict[str, Any]]:
    return {sentence.key.removeprefix("verify.proven."): sentence.params for sentence in report.proven}


def found(report: Report) -> set[str]:
    return {finding.key.removeprefix("verify.") for finding in report.findings}


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def last_rooted(lists: Lists) -> int:
    return max((root.position for root in lists.kept_roots), default=0)


def names_the_tail(lists: Lists, report: Report) -> None:
    """Not found, so it must be named: so many entries after this root, truncation not excluded."""
    assert report.exit_code == 0, report.findings
    roots = lists.roots()
    if roots:
        after = len([row for row in lists.rows if row.position > roots[-1].position])
        assert limits(report)["tail"] == {
            "count": after,
            "root": roots[-1].number,
            "position": roots[-1].position,
        }
    else:
        assert limits(report)["no_root"] == {"count": len(lists.rows)}


# The control


@many
@given(journals(least=0))
def test_an_untouched_journal_is_clean_and_its_limits_are_exact(lists: Lists) -> None:
    report = check(lists)
    names_the_tail(lists, report)
    assert {"no_anchor", "order_between_streams"} <= limits(report).keys() and "no_public_key" not in limits(
        report
    )
    assert report.counts["entries"] == len(lists.rows) and report.counts["roots"] == len(lists.kept_roots)
    assert report.counts["streams"] == len({row.stream for row in lists.rows})
    assert not report.counts["events_unreadable"]
    if lists.kept_roots:
        newest = lists.roots()[-1]
        assert proven(report)["signed"]["root"] == newest.number
        assert proven(report)["signed"]["position"] == newest.position
    assert proven(report)["chained"]["entries"] == len(lists.rows)


@many
@given(journals(), st.data())
def test_an_anchor_outside_proves_up_to_its_root_and_no_further(lists: Lists, data: st.DataObject) -> None:
    roots = lists.roots()
    assume(roots)
    with folder() as outside:
        upto = data.draw(st.integers(0, len(roots)))
        path = outside / "anchors.jsonl"
        path.write_bytes(b"".join(anchor_line(anchor_of(root)) for root in roots[:upto]))
        report = check(lists, path)
    names_the_tail(lists, report)
    assert "no_anchor" not in limits(report)
    assert proven(report).get("anchored", {}).get("root") == (upto or None)
    assert limits(report).get("not_anchored") == (
        None if upto == len(roots) else {"first": upto + 1, "last": len(roots)}
    )


# Entries


@many
@given(journals(), st.data())
def test_any_altered_byte_of_a_body_is_found(lists: Lists, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lists.rows) - 1))
    row = lists.rows[place]
    body = bytearray(row.body)
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    lists.rows[place] = replace(row, body=bytes(body))
    report = check(lists)
    assert "hash_mismatch" in found(report) and report.exit_code == 1
    assert any(f.where == f"{row.stream}#{row.sequence}@{row.position}" and f.remedy for f in report.findings)


def other(draw: st.DataObject, row: JournalRow, column: str) -> Any:
    hexes = st.text("0123456789abcdef", min_size=0, max_size=64)
    values: dict[str, st.SearchStrategy[Any]] = {
        "kind": st.sampled_from(EntryKind),
        "stream": st.sampled_from([*STREAMS, "case:other", ""]),
        "algorithm": st.sampled_from(["sha256", "sm3", "md5", ""]),
        "previous": hexes,
        "hash": hexes,
    }
    numbers = st.one_of(st.integers(-3, 30), st.integers(-(2**62), 2**62))
    return draw.draw(values.get(column, numbers).filter(lambda value: value != getattr(row, column)))


COLUMNS = ("kind", "now", "admission", "stream", "sequence", "previous", "hash", "algorithm", "position")


@pytest.mark.parametrize("column", COLUMNS)
@settings(max_examples=40, deadline=None)
@given(lists=journals(), data=st.data())
def test_any_altered_column_is_found(column: str, lists: Lists, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lists.rows) - 1))
    row = lists.rows[place]
    lists.rows[place] = replace(row, **{column: other(data, row, column)})
    assert check(lists).exit_code == 1


@many
@given(journals(), st.data())
def test_any_removed_entry_is_found(lists: Lists, data: st.DataObject) -> None:
    del lists.rows[data.draw(st.integers(0, len(lists.rows) - 1))]
    assert check(lists).exit_code == 1


@many
@given(journals(), st.data())
def test_a_thoroughly_removed_entry_is_found_up_to_the_last_root(lists: Lists, data: st.DataObject) -> None:
    """Positions closed up, the stream chained anew, its head put right."""
    before = last_rooted(lists)
    gone = lists.rows.pop(data.draw(st.integers(0, len(lists.rows) - 1)))
    lists.renumber()
    lists.rechain(gone.stream)
    lists.heads_follow()
    report = check(lists)
    if gone.position <= before:
        assert report.exit_code == 1
    else:
        names_the_tail(lists, report)


@many
@given(journals(), st.data())
def test_a_thoroughly_rewritten_entry_is_found_up_to_the_last_root(lists: Lists, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lists.rows) - 1))
    row = lists.rows[place]
    lists.rows[place] = replace(row, body=row.body.replace(b'"mode":"real"', b'"mode":"test"'))
    lists.rechain(row.stream)
    lists.heads_follow()
    report = check(lists)
    if row.position <= last_rooted(lists):
        assert report.exit_code == 1
    else:
        names_the_tail(lists, report)


@many
@given(journals(), st.data())
def test_an_entry_rewritten_with_its_own_hash_only_breaks_the_chain(
    lists: Lists, data: st.DataObject
) -> None:
    """Without the entries after it, also after the last root."""
    followed = [n for n, row in enumerate(lists.rows) if row.hash != lists.streams[row.stream].hash]
    assume(followed)
    place = data.draw(st.sampled_from(followed))
    row = lists.rows[place]
    body = row.body.replace(b'"mode":"real"', b'"mode":"test"')
    hash = chain_hash(row.algorithm, row.stream, row.sequence, row.previous, body)
    lists.rows[place] = replace(row, body=body, hash=hash)
    assert "chain_broken" in found(check(lists))


def test_a_position_given_twice_is_found() -> None:
    lists = Lists()
    for stream in ("case:a", "case:b", "case:c"):
        lists.add(stream)
    lists.rows[2] = replace(lists.rows[2], position=2)
    assert found(check(lists)) == {"position_order"}


def test_a_stream_slipped_in_under_a_root_is_named() -> None:
    lists = two_streams()
    lists.add("case:new")
    lists.rows.insert(1, lists.rows.pop())
    lists.renumber()
    report = check(lists)
    assert [f.params["stream"] for f in report.findings if f.key == "verify.unknown_to_root"] == ["case:new"]


def test_a_root_of_the_right_key_that_follows_another_history_is_found() -> None:
    lists = two_streams()
    lists.add("case:a")
    lists.root()
    root = lists.kept_roots[1]
    hash = root_hash(root.number, root.at, root.position, "ab" * 32, root.heads)
    lists.kept_roots[1] = replace(root, previous="ab" * 32, hash=hash, signature=SIGNER.sign(hash))
    report = check(lists)
    assert found(report) == {"root_chain"} and proven(report)["signed"]["root"] == 1


@many
@given(journals(least=2), st.data())
def test_two_swapped_entries_are_found_unless_the_rules_cannot_show_it(
    lists: Lists, data: st.DataObject
) -> None:
    """Positions are no part of the hash: what bears them out is sequence, admission and the roots."""
    one, two = data.draw(st.lists(st.integers(0, len(lists.rows) - 1), min_size=2, max_size=2, unique=True))
    before = {root.position: sets(lists, root.position) for root in lists.kept_roots}
    first, second = lists.rows[one], lists.rows[two]
    lists.rows[one] = replace(second, position=first.position)
    lists.rows[two] = replace(first, position=second.position)
    report = check(lists)
    ordered = all(
        [row.sequence for row in lists.rows if row.stream == stream]
        == sorted(row.sequence for row in lists.rows if row.stream == stream)
        for stream in STREAMS
    )
    admissions = [row.admission for row in lists.rows if row.admission]
    unseen = ordered and admissions == sorted(admissions)
    unseen = unseen and before == {root.position: sets(lists, root.position) for root in lists.kept_roots}
    assert (report.exit_code == 0) == unseen
    assert "order_between_streams" in limits(report)


def sets(lists: Lists, position: int) -> set[tuple[str, int]]:
    return {(row.stream, row.sequence) for row in lists.rows if row.position <= position}


@many
@given(journals(least=2), st.data())
def test_two_streams_that_exchange_names_are_found_up_to_the_last_root(
    lists: Lists, data: st.DataObject
) -> None:
    streams = sorted({row.stream for row in lists.rows})
    assume(len(streams) > 1)
    one, two = data.draw(st.permutations(streams))[:2]
    thorough = data.draw(st.booleans())
    names = {one: two, two: one}
    touched = [row.position for row in lists.rows if row.stream in names]
    for place, row in enumerate(lists.rows):
        name = names.get(row.stream, row.stream)
        body = row.body.replace(f'"stream":"{row.stream}"'.encode(), f'"stream":"{name}"'.encode())
        lists.rows[place] = replace(row, stream=name, body=body if thorough else row.body)
    if thorough:
        lists.rechain(one)
        lists.rechain(two)
    lists.heads_follow()
    report = check(lists)
    if not thorough or min(touched) <= last_rooted(lists):
        assert report.exit_code == 1
    else:
        names_the_tail(lists, report)


@many
@given(journals(), st.data())
def test_a_dropped_stream_is_found_up_to_the_last_root(lists: Lists, data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(sorted({row.stream for row in lists.rows})))
    rooted = any(row.position <= last_rooted(lists) for row in lists.rows if row.stream == stream)
    lists.rows = [row for row in lists.rows if row.stream != stream]
    assert check(lists).exit_code == 1  # its stored state is left, and a hole in the positions
    lists.renumber()
    lists.heads_follow()
    report = check(lists)
    if rooted:
        assert "stream_missing" in found(report)
    else:
        names_the_tail(lists, report)


# The tail and older copies


@many
@given(journals(), st.data())
def test_a_cut_tail_is_found_or_named(lists: Lists, data: st.DataObject) -> None:
    """Cut anywhere, with or without the later roots, with stored states put right or not, with anchors
    of all roots outside, inside or nowhere."""
    whole = lists.copy()
    cut = data.draw(st.integers(0, len(lists.rows) - 1))
    with_roots, thorough = data.draw(st.booleans()), data.draw(st.booleans())
    place = data.draw(st.sampled_from(["outside", "inside", "nowhere"]))
    lists.rows = lists.rows[:cut]
    if with_roots:
        lists.kept_roots = [root for root in lists.kept_roots if root.position <= cut]
    if thorough:
        lists.heads_follow()
    with folder() as base:
        anchors = [whole.leave_anchors(base / place / "anchors.jsonl")] if place != "nowhere" else []
        report = check(lists, *anchors, inside=base / "inside")
    newer = len(whole.kept_roots) > len(lists.kept_roots)
    if not thorough or last_rooted(lists) > cut or (newer and place != "nowhere"):
        assert report.exit_code == 1
        assert ("tail_cut" in found(report)) == (last_rooted(lists) > cut)
        assert ("older_copy" in found(report)) == (newer and place != "nowhere")
    else:
        names_the_tail(lists, report)
        assert ("anchor_inside" in limits(report)) == (place == "inside")
        assert ("no_anchor" in limits(report)) == (place == "nowhere")


@many
@given(journals(), journals(least=0))
def test_a_restored_older_copy_of_the_folder_is_found_by_an_anchor_outside(
    lists: Lists, later: Lists
) -> None:
    older = lists.copy()
    for row in later.rows:
        lists.add(row.stream)
    lists.root()
    newer = len(lists.kept_roots) > len(older.kept_roots)
    with folder() as base:
        inside = older.leave_anchors(base / "data" / "anchors.jsonl")
        outside = lists.leave_anchors(base / "usb" / "anchors.jsonl")
        by_outside = check(older, inside, outside, inside=base / "data")
        by_inside = check(older, inside, inside=base / "data")
    names_the_tail(older, by_inside)
    assert limits(by_inside)["anchor_inside"] == {"path": str(inside)}
    assert "anchored" not in proven(by_inside)
    assert found(by_outside) == ({"older_copy"} if newer else set())


# Roots


@many
@given(journals(least=4), st.data())
def test_an_altered_root_is_found(lists: Lists, data: st.DataObject) -> None:
    assume(lists.kept_roots)
    place = data.draw(st.integers(0, len(lists.kept_roots) - 1))
    root = lists.kept_roots[place]
    head = root.heads[0]
    change = data.draw(
        st.sampled_from(
            [
                {"number": root.number + 7}, {"number": 0}, {"at": root.at + 1},
                {"position": root.position + 1},
                {"position": 0}, {"previous": "00"}, {"heads": ()}, {"heads": root.heads[1:]},
                {"heads": (replace(head, sequence=head.sequence + 1), *root.heads[1:])},
                {"heads": (*root.heads, replace(head, stream="zzz"))}, {"hash": "00"}, {"key": THIEF.key_id},
                {"signature": root.signature.upper()}, {"signature": ""}, {"signature": "00" * 64},
                {"signature": THIEF.sign(root.hash)},
            ]
        )
    )  # fmt: skip
    lists.kept_roots[place] = replace(root, **change)
    assume(lists.kept_roots[place] != root)
    report = check(lists)
    assert report.exit_code == 1
    assert proven(report).get("signed", {"root": 0})["root"] < root.number


@many
@given(journals(least=4), st.data())
def test_a_root_made_anew_without_the_key_is_found(lists: Lists, data: st.DataObject) -> None:
    """Hash and links put right, for the whole chain after it, signed by somebody else."""
    assume(lists.kept_roots)
    place = data.draw(st.integers(0, len(lists.kept_roots) - 1))
    previous = lists.kept_roots[place].previous
    for n in range(place, len(lists.kept_roots)):
        root = lists.kept_roots[n]
        hash = root_hash(root.number, root.at + 1, root.position, previous, root.heads)
        key = data.draw(st.sampled_from([SIGNER.key_id, THIEF.key_id]))
        lists.kept_roots[n] = replace(
            root, at=root.at + 1, previous=previous, hash=hash, key=key, signature=THIEF.sign(hash)
        )
        previous = hash
    assert found(check(lists)) <= {"root_unknown_key", "root_unsigned"} and check(lists).exit_code == 1
    unchecked = check(lists, keys=None)
    assert unchecked.exit_code == 0 and "no_public_key" in limits(unchecked)


@many
@given(journals(least=4), st.data())
def test_with_a_stolen_key_only_the_anchor_outside_finds_it(lists: Lists, data: st.DataObject) -> None:
    assume(lists.kept_roots)
    with folder() as base:
        outside = lists.leave_anchors(base / "usb" / "anchors.jsonl")
        forged = Lists(rows=list(lists.rows))
        place = data.draw(st.integers(0, lists.kept_roots[-1].position - 1))
        row = forged.rows[place]
        forged.rows[place] = replace(row, body=row.body.replace(b'"mode":"real"', b'"mode":"test"'))
        forged.rechain(row.stream)
        forged.heads_follow()
        for root in lists.roots():
            Lists(rows=forged.rows[: root.position], kept_roots=forged.kept_roots).root()
        assert check(forged).exit_code == 0 and "no_anchor" in limits(check(forged))
        report = check(forged, outside)
    assert found(report) == {"anchor_mismatch"}


@many
@given(journals(least=6), st.data())
def test_a_removed_renumbered_or_exchanged_root_is_found(lists: Lists, data: st.DataObject) -> None:
    roots = lists.kept_roots
    assume(len(roots) > 1)
    place = data.draw(st.integers(0, len(roots) - 2))
    how = data.draw(st.sampled_from(["remove", "close up", "exchange", "repeat"]))
    if how in ("remove", "close up"):
        del roots[place]
    if how == "close up":
        lists.kept_roots = [replace(root, number=n) for n, root in enumerate(roots, 1)]
    elif how == "exchange":
        one, two = roots[place], roots[place + 1]
        roots[place], roots[place + 1] = replace(two, number=one.number), replace(one, number=two.number)
    elif how == "repeat":
        roots.append(roots[place])
    report = check(lists)
    assert report.exit_code == 1
    if how == "remove":
        assert found(report) == {"root_missing"}


@many
@given(journals(least=4))
def test_a_dropped_last_root_is_named_and_an_anchor_outside_finds_it(lists: Lists) -> None:
    assume(lists.kept_roots)
    with folder() as base:
        outside = lists.leave_anchors(base / "usb" / "anchors.jsonl")
        lists.kept_roots.pop()
        names_the_tail(lists, check(lists))
        assert found(check(lists, outside)) == {"older_copy"}


# Stored states, evidence, keys, and a journal that lives


def two_streams() -> Lists:
    lists = Lists()
    for stream in ("case:a", "risk:leak|pit", "case:a"):
        lists.add(stream)
    lists.root()
    return lists


def test_a_stored_state_that_stands_elsewhere_is_found() -> None:
    lists = two_streams()
    lists.streams["case:a"] = replace(lists.streams["case:a"], sequence=1, hash=lists.rows[0].hash)
    assert [(f.key, f.where) for f in check(lists).findings] == [("verify.head_differs", "case:a#1")]
    lists = two_streams()
    del lists.streams["case:a"]
    assert [(f.key, f.where) for f in check(lists).findings] == [("verify.head_missing", "case:a")]
    lists = two_streams()
    lists.streams["case:ghost"] = replace(lists.streams["case:a"], stream="case:ghost")
    assert [(f.key, f.where) for f in check(lists).findings] == [("verify.head_differs", "case:ghost#2")]


@many
@given(journals(), st.data())
def test_any_altered_stored_head_is_found(lists: Lists, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(sorted(lists.streams.values(), key=lambda row: row.stream)))
    hashes = sorted({"", "00", *(entry.hash for entry in lists.rows)})
    sequence, hash = data.draw(st.integers(-2, 20)), data.draw(st.sampled_from(hashes))
    assume((sequence, hash) != (row.sequence, row.hash))
    lists.streams[row.stream] = replace(row, sequence=sequence, hash=hash)
    assert found(check(lists)) == {"head_differs"}


class Growing(Lists):
    """Somebody appends between the entries and the heads."""

    def heads(self) -> Iterator[Any]:
        self.add("case:a")
        self.add("case:new")
        self.root()
        yield from super().heads()


def test_a_writer_at_work_is_no_finding() -> None:
    still = two_streams()
    report = check(Growing(still.rows, still.kept_roots, still.streams))
    assert not report.findings and report.counts["entries"] == 3


class Torn(Lists):
    """Some rows make the driver raise."""

    def entries(self, after: int, limit: int, kinds: Any = ()) -> list[JournalRow]:
        rows = super().entries(after, limit)
        if any(row.position in (2, 3) for row in rows):
            raise RuntimeError("malformed")
        return rows


def test_rows_that_cannot_be_read_are_named_one_by_one() -> None:
    still = two_streams()
    still.add("case:b")
    report = check(Torn(still.rows, still.kept_roots, still.streams))
    unreadable = [f.where for f in report.findings if f.key == "verify.row_unreadable"]
    assert unreadable == ["@2", "@3"] and "signed" not in proven(report)


class Evidence(dict[str, bytes]):
    def get(self, digest: str) -> bytes:
        if digest not in self:
            raise NotFound("evidence.absent", digest=digest)
        return self[digest]


def test_evidence_of_findings_is_read_where_a_reader_is_given() -> None:
    lists = Lists()
    good, bad, gone = (sha256(word) for word in (b"good", b"bad", b"gone"))
    for digest in (good, good, bad, gone):
        lists.add("risk:leak|pit", events=(risk_event(digest),))
    report = check(lists, evidence=Evidence({good: b"good", bad: b"other"}))
    assert found(report) == {"evidence_damaged", "evidence_missing"}
    assert {f.params["digest"] for f in report.findings} == {bad, gone}
    assert proven(report)["evidence"] == {"count": 1}
    assert limits(check(lists))["evidence_not_checked"] == {"count": 3} and check(lists).exit_code == 0


def test_what_this_program_cannot_read_is_counted_and_still_chained() -> None:
    lists = two_streams()
    lists.add("case:a", events=(EventRecord("Tomorrow", 1, b"{}"), EventRecord("RiskAssessed", 1, b"[]")))
    report = check(lists)
    assert report.exit_code == 0 and limits(report)["events_unreadable"] == {"count": 2}


def test_a_private_key_in_the_data_folder_is_named(tmp_path: Path) -> None:
    lists = two_streams()
    key = tmp_path / "data" / "keys" / "signing.key"
    open_signer(key)
    assert limits(check(lists, inside=tmp_path / "data"))["key_inside"] == {"path": str(key)}
    deep = tmp_path / "data" / "a" / "b" / "c" / "signing.key"
    open_signer(deep)
    named = [
        s.params["path"]
        for s in check(lists, inside=tmp_path / "data", signing_key=deep).limits
        if "path" in s.params
    ]
    assert named == [str(deep), str(key)]
    assert "key_inside" not in limits(check(lists, inside=tmp_path / "elsewhere", signing_key=key))


def test_a_public_key_that_also_lies_in_the_data_folder_is_named(tmp_path: Path) -> None:
    lists = two_streams()
    (tmp_path / "other.pub").write_bytes(b"no key")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "root.pub").write_bytes(THIEF.public_pem)
    assert "public_key_inside" not in limits(check(lists, inside=tmp_path))
    (tmp_path / "keys" / "root.pub").write_bytes(THIEF.public_pem + SIGNER.public_pem)
    named = limits(check(lists, inside=tmp_path))["public_key_inside"]
    assert named == {"path": str(tmp_path / "keys" / "root.pub"), "key": SIGNER.key_id}


def test_a_missing_torn_or_foreign_anchor_is_told(tmp_path: Path) -> None:
    lists = two_streams()
    assert found(check(lists, tmp_path / "gone.jsonl")) == {"anchor_unreadable"}
    torn = lists.leave_anchors(tmp_path / "torn.jsonl")
    torn.write_bytes(torn.read_bytes() + b'{"number":')
    report = check(lists, torn)
    assert report.exit_code == 0 and limits(report)["anchor_lines"]["count"] == 1
    foreign = replace(anchor_of(lists.kept_roots[0]), number=9, key=THIEF.key_id)
    torn.write_bytes(anchor_line(foreign))
    assert found(check(lists, torn)) == {"anchor_unsigned"}


def test_several_keys_are_tried_so_that_a_key_can_be_replaced() -> None:
    lists = two_streams()
    lists.add("case:a")
    lists.root(THIEF)
    assert found(check(lists)) == {"root_unknown_key"}
    assert check(lists, keys=(SIGNER.public_pem + THIEF.public_pem,)).exit_code == 0
    assert check(lists, keys=(SIGNER.public_pem, THIEF.public_pem)).exit_code == 0


def test_the_same_finding_a_thousand_times_is_listed_a_hundred_times_and_counted() -> None:
    lists = Lists()
    for _ in range(150):
        lists.add("case:a")
    lists.rows = [replace(row, now=START - 1) for row in lists.rows]
    report = check(lists)
    assert report.found["verify.column_differs"] == 150 and len(report.findings) == 100
    assert any("50" in line for line in report.lines("en"))


# The words


def proposed() -> dict[str, dict[str, str]]:
    path = Path(verify_room.__file__).parents[1] / "verify_texts_proposal.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"zh": {}, "en": {}}


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_sentence_has_words_in_both_languages(language: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(verify_room.__file__).parent.glob("*.py")]
    keys = set(re.findall(r'"(verify\.[a-z_.]+[a-z_])"', "".join(sources)))
    keys |= {"verify.limit.events_unreadable", "verify.limit.entries_of_other_version"}
    words = texts.sentences(language) | proposed()[language]
    assert len(keys) > 40 and not keys - words.keys()


def test_lines_show_findings_remedies_proofs_and_limits() -> None:
    lists = two_streams()
    lists.rows[1] = replace(lists.rows[1], now=1)
    said: list[tuple[str, str]] = []

    def say(key: str, language: str, /, **params: Any) -> str:
        said.append((key, language))
        assert texts.placeholders(proposed()[language].get(key, "")) <= params.keys(), key
        return key

    report = check(lists)
    lines = report.lines("zh", say)
    assert any(line.startswith("✗ risk:leak|pit#1@2  verify.column_differs verify.remedy.") for line in lines)
    assert {key for key, _ in said} >= {
        "verify.findings",
        "verify.limit.tail",
        "verify.remedy.compare_backup",
    }
    assert check(two_streams()).lines("zh", say)[0] == "verify.clean"


# A real database, falsified with the database's own tools


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store with entries, a root, and more entries; gives its database file."""
    lists = two_streams()
    last = lists.kept_roots[-1]
    lists.add("case:a", events=(risk_event(),))
    store = open_sqlite(tmp_path)
    store.commit(Changes(entries=lists.rows, roots=[last], streams=lists.streams))
    store.close()
    return tmp_path / "liandong.db"


def reopened(file: Path) -> Report:
    store = open_sqlite(file.parent)
    try:
        return check(store, inside=file.parent)
    finally:
        store.close()


def test_a_real_store_is_clean(filled: Path) -> None:
    report = reopened(filled)
    assert report.exit_code == 0 and limits(report)["tail"]["count"] == 1
    assert proven(report)["signed"]["position"] == 3


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        (
            "UPDATE journal SET body = CAST(replace(body, 'real', 'test') AS BLOB) WHERE position = 1",
            "hash_mismatch",
        ),
        ("UPDATE journal SET kind = 'access' WHERE position = 4", "column_differs"),
        ("UPDATE journal SET kind = 'nonsense' WHERE position = 4", "row_unreadable"),
        ("UPDATE journal SET now = 1.5 WHERE position = 2", "row_unreadable"),
        ("UPDATE journal SET hash = x'00' WHERE position = 2", "row_unreadable"),
        ("UPDATE journal SET position = NULL WHERE position = 4", "heads_unreadable"),
        ("UPDATE journal SET position = -1 WHERE position = 4", "head_differs"),
        ("UPDATE journal SET position = 99 WHERE position = 4", "position_gap"),
        ("DELETE FROM journal WHERE position = 2", "stream_missing"),
        ("DELETE FROM journal WHERE position > 2", "tail_cut"),
        ("DELETE FROM streams WHERE stream = 'case:a'", "head_missing"),
        ("UPDATE streams SET sequence = 2 WHERE stream = 'case:a'", "head_differs"),
        ("UPDATE streams SET mode = 'odd' WHERE stream = 'case:a'", "heads_unreadable"),
        ("UPDATE roots SET at = at + 1", "root_altered"),
        ("UPDATE roots SET heads = CAST('[]' AS BLOB)", "root_altered"),
        ("UPDATE roots SET heads = CAST('[' AS BLOB)", "roots_unreadable"),
        ("UPDATE roots SET number = 2", "root_missing"),
    ],
)
def test_a_real_store_falsified_by_sql_is_found(filled: Path, statement: str, key: str) -> None:
    database = sqlite3.connect(filled, isolation_level=None)
    assert database.execute(statement).rowcount > 0
    database.close()
    report = reopened(filled)
    assert key in found(report), found(report)
    assert report.lines("zh", texts.text) and report.exit_code == 1


def test_erased_vault_rows_do_not_disturb_it(filled: Path, tmp_path: Path) -> None:
    vault = Vault(SqliteKeyring(tmp_path / "keys" / "keyring.db"), secrets.token_bytes)
    ref, row = vault.seal("case:a", "words")
    store = open_sqlite(filled.parent)
    lists = Lists(store.entries(0, 99))
    noted = CaseNoted(case="a", person="person:p", at=1, text=ref)
    entry = lists.add("case:a", events=(record_event(noted),))
    head = lists.streams["case:a"]
    store.commit(Changes(entries=[entry], streams={"case:a": head}, vault=[row]))
    store.close()
    vault.erase("case:a")
    database = sqlite3.connect(filled, isolation_level=None)
    database.execute("DELETE FROM vault")
    database.close()
    report = reopened(filled)
    assert report.exit_code == 0 and report.counts["entries"] == 5
