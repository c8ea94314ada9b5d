"""Looking into a data folder: verify, rebuild, why, backup."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from liandong.app.policies import current_policy
from liandong.app.rebuild import rebuild
from liandong.app.settings import load_settings
from liandong.app.verify import verify
from liandong.app.why import explain_case
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.lists import HeardState, Mode
from liandong.core.values.times import format_time, parse_time
from liandong.stores.readings import DiskFiles, EvidenceStore, ReadingLog
from liandong.stores.readings.files import ASIDE
from liandong.stores.readings.history import keep_before
from liandong.stores.readings.segments import numbers_in
from liandong.stores.sqlite import FILE
from liandong.texts import label, text
from liandong.wiring.city import make_shard
from liandong.wiring.packs import lend_words
from liandong.wiring.stores import DUMP, is_shared, open_store, store_of

#: What a city keeps beside its database, in the order in which it is copied.
_COPIED = ("evidence", "readings", "history")
#: Where a city leaves roots when nothing else is set; inside the folder it proves little, and verify says so.
_INSIDE = Path("anchor") / "roots.jsonl"


def verify_folder(
    data: Path, anchors: list[Path], keys: list[Path], language: str, store_at: str | None = None
) -> tuple[list[str], int]:
    """The report's lines and the exit code."""
    settings = load_settings({"data": data, "store": store_at})
    store = open_store(settings)
    try:
        known = [settings.anchor_file] if settings.anchor_file else [data / _INSIDE]
        files = anchors or [path for path in known if path.exists()]
        public = [*keys] or [p for p in (settings.signing_key_file.with_name("root.pub"),) if p.exists()]
        for path in [*anchors, *keys]:
            if not path.is_file():
                raise BadInput("verify.no_file", path=str(path))
        report = verify(
            store, public_keys=[path.read_bytes() for path in public] or None, anchors=files, inside=data,
            evidence=EvidenceStore(data / "evidence"), signing_key=settings.signing_key_file,
        )  # fmt: skip
        return report.lines(language, text), report.exit_code
    finally:
        store.close()


def rebuild_folder(
    data: Path, write: bool, language: str, store_at: str | None = None
) -> tuple[list[str], int]:
    """What folding the journal came to."""
    store = store_of(data, store_at)
    try:
        found = rebuild(store, write)
        lines = [
            text(
                "rebuild.folded", language, streams=found.streams, entries=found.entries, events=found.events
            )
        ]
        lines += [
            text("rebuild.differs", language, where=d.where, field=d.field) for d in found.differences[:100]
        ]
        if not found.differences:
            lines.append(text("rebuild.equal", language))
        elif write:
            lines.append(text("rebuild.written", language, count=found.written))
        return lines, found.exit_code
    finally:
        store.close()


def why_case(data: Path, case: str, language: str, store_at: str | None = None) -> list[str]:
    """From the case back to the bytes."""
    store = store_of(data, store_at)
    try:
        evidence = EvidenceStore(data / "evidence")
        policy = current_policy(store, Mode.REAL)
        if policy is not None:
            lend_words(policy.city.city)
        return list(explain_case(store, evidence, case, lambda key, **params: text(key, language, **params)))
    finally:
        store.close()


def why_channel(data: Path, channel: str, at: str, language: str, store_at: str | None = None) -> list[str]:
    """How every rule stood on a channel at a moment, recomputed from the log with today's rules."""

    def say(key: str, **params: Any) -> str:
        return text(key, language, **params)

    moment = parse_time(at)
    store = store_of(data, store_at)
    try:
        policy = current_policy(store, Mode.REAL)
        if policy is None or channel not in policy.city.channels:
            raise NotFound("channel.unknown", channel=channel[:80])
        shard = make_shard(policy)
        group = policy.city.channels[channel].group
        last: list[str] = []
        log = ReadingLog(data / "readings", read_only=True)
        _still_there(log, moment)
        for position, record in log.read():
            if record.arrival > moment:
                break
            if record.kind == "advance":
                found = shard.advance(record.source, record.watermark, (position[0], position[1]))
            elif record.batch is not None:
                found = shard.process(record.batch, (position[0], position[1]))
            else:
                continue  # positions and windows: nothing detects on them
            last += [type(m).__name__ for m in found.messages if m.channel == channel]
        state = shard.explain(channel)
        lines = [say("why.recomputed", version=policy.versions.rules, at=format_time(moment))]
        lines.append(
            say(
                "why.channel",
                channel=channel,
                group=group,
                time=format_time(state.last_time) if state.last_time is not None else "-",
                value="-" if state.last_value is None else f"{state.last_value:g}",
            )
        )
        for rule in state.rules:
            row = policy.rules[rule.rule]
            lines.append(
                "  "
                + say(
                    "why.rule",
                    rule=rule.rule,
                    version=rule.version,
                    phase=rule.phase,
                    raise_at=row.raise_at,
                    clear_at=row.clear_at,
                    hold=row.hold_s,
                    trust=row.trust.value,
                    basis=row.basis or "-",
                )
            )
        lines.append(say("why.said", messages=", ".join(last) or "-"))
        return lines
    finally:
        store.close()


def _still_there(log: ReadingLog, moment: int) -> None:
    """Raise NotFound where the raw messages of a moment are past their retention: then nobody can say why."""
    oldest = next(iter(log.read()), None)
    if oldest is not None and oldest[0].segment > 1 and moment < oldest[1].arrival:
        raise NotFound("why.no_longer", since=format_time(oldest[1].arrival))


def bridge_lines(data: Path, language: str, store_at: str | None = None) -> tuple[list[str], int]:
    """How every bridge stands, a line each and one for whatever waits or was refused; how many wait."""
    store = store_of(data, store_at)
    try:
        policy = current_policy(store, Mode.REAL)
        lines, waiting = [], 0
        for bridge in policy.city.city.bridges if policy else ():
            rows = store.bridge_events(bridge.key, limit=100_000)
            counts = {state: sum(row.state == state for row in rows) for state in HeardState}
            waiting += counts[HeardState.TAKEN] + counts[HeardState.PARKED]
            said = ", ".join(f"{label('heard_state', s, language)} {n}" for s, n in counts.items())
            lines.append(f"{bridge.key} {bridge.system} ({bridge.unit}, {bridge.kind}): {said}")
            lines += [
                f"  {format_time(row.received)} {row.event} {row.number or '-'} {row.status or '-'}: "
                f"{label('heard_state', row.state, language)} {text(row.key, language, **row.params)}"
                for row in rows
                if row.state != HeardState.DONE and row.key
            ]
        return lines, waiting
    finally:
        store.close()


def backup_folder(data: Path, to: Path, store_at: str | None = None) -> str:
    """A consistent copy while the city runs. Keys stay.

    First the database, then the log that is never behind it, then the history: what retention takes out of
    the log meanwhile has been compacted into it before. What of the history is newer than the copied log goes
    again, or the restored log would write into segments that nobody reads any more.
    """
    if to.exists() and any(to.iterdir()):
        raise BadInput("backup.not_empty", path=str(to))
    to.mkdir(parents=True, exist_ok=True)
    settings = load_settings({"data": data, "store": store_at})
    store = open_store(settings)
    try:
        store.backup(str(to / (DUMP if is_shared(settings) else FILE)))
    finally:
        store.close()
    for name in _COPIED:
        _copy(data / name, to / name)
    copied = numbers_in(DiskFiles(), to / "readings") if (to / "readings").is_dir() else []
    if copied and (to / "history").is_dir():
        keep_before(to / "history", copied[-1])
    return text("backup.done", "zh", path=str(to))


def _copy(source: Path, target: Path) -> None:
    """Every file that stays; what is half written, or goes while it is copied, is elsewhere by then."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if path.suffix == ASIDE or not path.is_file():
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy2(path, place)


def restore_folder(backup: Path, to: Path, language: str) -> tuple[list[str], int]:
    """Put a backup into an empty folder and verify it there: the lines to say, and the exit code.

    Raises BadInput where there is no backup or the folder is not empty. Keys are kept elsewhere and have to
    be put beside it; without them names stay sealed.
    """
    if not (backup / FILE).is_file():
        raise BadInput("restore.no_backup", path=str(backup), file=FILE)
    if to.exists() and any(to.iterdir()):
        raise BadInput("backup.not_empty", path=str(to))
    to.mkdir(parents=True, exist_ok=True)
    for name in _COPIED:
        _copy(backup / name, to / name)
    # The database last: a folder without it is no city, so a copy that was broken off is not taken for one.
    _copy_file(backup / FILE, to / FILE)
    lines, code = verify_folder(to, [], [], language)
    return [*lines, text("restore.done", language, path=str(to))], code


def _copy_file(source: Path, target: Path) -> None:
    aside = target.with_name(target.name + ASIDE)
    shutil.copy2(source, aside)
    aside.replace(target)


def count_entries(store: Any) -> dict[str, int]:
    """How many entries the journal holds and how many a verification found sound."""
    report = verify(store, public_keys=None, anchors=[], inside=Path("."))
    return {"entries_verified": int(report.counts["entries"]), "verify_findings": report.found.total()}
