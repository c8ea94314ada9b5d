"""Builds one running city from settings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from liandong.adapters.anchor.file import FileAnchors
from liandong.app.accounting import Accounting
from liandong.app.clock import Clock, TimeSource, perf, system_clock
from liandong.app.coordinators import Coordinator
from liandong.app.dispatch import keep_held
from liandong.app.handle import Handler
from liandong.app.intake import Intake
from liandong.app.outbox import Outbox
from liandong.app.platform import Platform
from liandong.app.policies import (
    activate_pending,
    current_policy,
    draft_commit,
    empty_policy,
    guard_standing,
    numbers_ever,
    policy_of,
)
from liandong.app.ports import Changes, Channel, Store
from liandong.app.selfwatch import DeliveryWatch
from liandong.app.settings import Settings
from liandong.app.signing import open_signer
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Writer, step_for
from liandong.core.detect.shard import Shard
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import VaultRef
from liandong.core.values.dataset import CityFolder, PersonRecord
from liandong.core.values.errors import Conflict, NotFound
from liandong.core.values.lists import Mode
from liandong.runners.embedded import Embedded
from liandong.stores._sql.store import SqlStore
from liandong.stores.keyring import SqliteKeyring
from liandong.stores.readings import EvidenceStore, FolderLock, History, ReadingLog, SnapshotStore
from liandong.wiring.accounts import sign_in_rules
from liandong.wiring.bridges import make_bridges
from liandong.wiring.channels import delivery_channels, wording_of
from liandong.wiring.mechanisms import read_files
from liandong.wiring.packs import equipped, lend_words, scorers
from liandong.wiring.stores import is_shared, open_store

#: Under which the database knows the process whose readings log it has consumed.
READINGS = "readings.coordinator"


def open_city(
    settings: Settings,
    folder: CityFolder | None = None,
    *,
    clock: TimeSource | None = None,
    mode: Mode = Mode.REAL,
    channels: Sequence[Channel] | None = None,
    on_fatal: Callable[[BaseException], None] | None = None,
) -> Embedded:
    """A city ready to start. `folder` is a city's dataset to commit where it differs from the stored one.

    Raises Conflict("data.locked") where another process writes this data folder.
    """
    lock = FolderLock(settings.data)
    try:
        return _open_locked(settings, folder, lock, clock, mode, channels, on_fatal)
    except BaseException:
        lock.release()
        raise


def _open_locked(
    settings: Settings,
    folder: CityFolder | None,
    lock: FolderLock,
    clock: TimeSource | None,
    mode: Mode,
    channels: Sequence[Channel] | None,
    on_fatal: Callable[[BaseException], None] | None,
) -> Embedded:
    data: Path = settings.data
    store = open_store(settings)
    keyring = SqliteKeyring(settings.keys / "keyring.db")
    vault = Vault(keyring, secrets.token_bytes)
    accounting = Accounting()
    policy = current_policy(store, mode)
    handler = Handler(store, policy or empty_policy(folder.city.key if folder else "empty", mode))
    wording = wording_of(settings, store, handler)
    places = delivery_channels(settings, wording) if channels is None else list(channels)
    fatal = on_fatal or _die
    writer = Writer(
        store, handler, accounting, group_size=settings.group_size, limit=settings.queue_limit,
        on_fatal=fatal, perf=perf,
    )  # fmt: skip
    last = int(store.meta("now") or 0)
    time = clock or system_clock(last or None)
    writer.now = max(writer.now, time.read().now)
    policy = activate_pending(handler, policy, writer.now)
    if folder is not None:
        folder = equipped(folder)
        commit_city(writer, policy, folder, tuple(sorted(c.name for c in places)), vault)
    lend_words(handler.policy.city.city)
    log = ReadingLog(data / "readings")
    evidence = EvidenceStore(data / "evidence")
    snapshots = SnapshotStore(data / "snapshots")
    intake = Intake(
        log, make_shard(handler.policy), writer, evidence, snapshots,
        accounting, names={c.number: c.key for c in handler.policy.city.city.channels}, on_fatal=fatal,
    )  # fmt: skip
    bridges = make_bridges(settings, store, handler, writer, vault)
    places += bridges.channels() if bridges is not None else []
    outbox = Outbox(
        store, writer, {c.name: c for c in places},
        lambda person, system: address_of(store, vault, person, system),
        handler.policy.city.key, watch=DeliveryWatch(store, handler, writer),
    )  # fmt: skip
    archive = History(log, data / "history", lambda: channel_names(store), needed=intake.oldest_needed)
    confirm = time.confirm if isinstance(time, Clock) else None
    platform = Platform(
        store, store.questions, handler, writer, intake, outbox, vault, accounting, time, archive, confirm,
        sign_in_rules(settings),
    )  # fmt: skip
    platform.bridges = bridges
    platform.publications.read = read_files
    coordinator = join_others(settings, store, writer, fatal) if is_shared(settings) else None
    if coordinator is not None:
        coordinator.claimed, coordinator.news = outbox.gained, platform.live.news
        if bridges is not None:
            bridges.leads = coordinator.leads
        intake.elsewhere = readings_elsewhere(store, settings.coordinator)

    def close() -> None:
        platform.live.close()
        log.close()
        evidence.close()
        store.close()
        keyring.close()
        lock.release()

    return Embedded(
        platform, open_signer(settings.signing_key_file), anchor_places(settings),
        root_interval_s=settings.root_interval_s, snapshot_interval_s=settings.snapshot_interval_s,
        compaction_interval_s=settings.compaction_interval_s, close=close, coordinator=coordinator,
    )  # fmt: skip


def join_others(
    settings: Settings, store: SqlStore, writer: Writer, on_fatal: Callable[[BaseException], None]
) -> Coordinator:
    """The part of this process that shares the cases with others; it comes in at the start."""
    made = Coordinator(
        store, store.leases, writer, settings.coordinator, lease_s=settings.lease_s, on_fatal=on_fatal
    )
    writer.share = made
    return made


def readings_elsewhere(store: SqlStore, name: str) -> str:
    """Who takes the readings where it is not this process: the first that ever ran, because its log is the
    one that the database has consumed."""
    with store.turn():
        taker = store.meta(READINGS)
        if taker is None:
            store.commit(Changes(meta={READINGS: name}))
    return "" if taker in (None, name) else taker


def _die(error: BaseException) -> None:
    """Going on would lose what was promised; the supervisor starts us again."""
    os._exit(3)


def channel_names(store: Store) -> dict[int, str]:
    """Number → key of every channel that any version of the city has had; numbers are never reused."""
    return {number: key for key, number in numbers_ever(store).items()}


def make_shard(policy: Policy) -> Shard:
    """The detector of a policy."""
    rules = tuple(policy.rules[key] for key in sorted(policy.rules))
    return Shard(
        policy.city.channel_rows(), rules, policy.city.source_terms(), policy.city.key, policy.mode,
        scorers(policy.city.city),
    )  # fmt: skip


def anchor_places(settings: Settings) -> list[Any]:
    """Where roots are left."""
    places: list[Any] = []
    if settings.anchor_file:
        settings.anchor_file.parent.mkdir(parents=True, exist_ok=True)
        places.append(FileAnchors(settings.anchor_file))
    if settings.anchor_url:
        from liandong.adapters.anchor.http import HttpAnchors

        places.append(HttpAnchors(str(settings.anchor_url)))
    return places


def commit_city(
    writer: Writer, before: Policy | None, folder: CityFolder, channels: tuple[str, ...], vault: Vault
) -> None:
    """Commit a city's dataset as a new version where it differs. Runs before the writer's thread starts."""
    drafted = draft_commit(
        before, folder.city, folder.mechanism, keep_held(writer.store, tuple(folder.rules)), channels,
        author="folder",
        reason="city folder",
        ever=numbers_ever(writer.store),
    )  # fmt: skip
    if drafted is not None:
        message, datasets = drafted
        guard_standing(writer.handler, writer.now, message, datasets)

        def keep(changes: Changes) -> None:
            changes.datasets |= datasets.datasets
            changes.meta["city"] = folder.city.key

        _now(writer, Admit(message, "policy", extra=keep))
        writer.handler.policy = policy_of(writer.store, message, writer.handler.policy.mode)
    keep_persons(writer.store, folder.persons, vault)


def _now(writer: Writer, item: Admit) -> Any:
    """Write one item at once: the writer's thread does not run yet."""
    writer.accounting.enter(step_for(item.message), item.origin)
    writer.write([item])
    return item.future.result()


def keep_persons(store: Store, persons: Sequence[PersonRecord], vault: Vault) -> None:
    """Names and telephone numbers go into the vault; only what changed is sealed again."""
    changes = Changes()
    for person in persons:
        known = {"name": person.name, "phone": person.phone}
        record = msgspec.json.encode({**dict(person.numbers), **known})
        if person_record(store, vault, person.key) == record:
            continue
        try:
            ref, row = vault.seal(f"person:{person.key}", record)
        except Conflict:
            continue  # erased: a table that still holds the name does not bring it back
        changes.vault.append(row)
        changes.meta[f"person:{person.key}"] = f"{ref.id}:{ref.digest}"
    if changes:
        store.commit(changes)


def person_record(store: Any, vault: Vault, person: str) -> bytes | None:
    """The vault's record of a person, None where there is none or it was destroyed."""
    kept = store.meta(f"person:{person}")
    if kept is None:
        return None
    id, _, digest = kept.partition(":")
    row = store.vault_row(id)
    try:
        return vault.open(row, VaultRef(id, digest)) if row is not None else None
    except NotFound:
        return None


def address_of(store: Any, vault: Vault, person: str, system: str) -> str:
    """What a system calls a person (`phone`, `email` …), looked up only when something is sent."""
    record = person_record(store, vault, person)
    return str(msgspec.json.decode(record).get(system, "")) if record else ""
