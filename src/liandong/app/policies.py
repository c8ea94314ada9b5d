"""Policy as stored: city, rules and mechanism as content-addressed datasets, committed by a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from liandong import __version__
from liandong.app.handle import Handler, read_message
from liandong.app.ports import Changes, Store
from liandong.app.standing import Override, guard
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.city import City, CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import Broken
from liandong.core.values.journal import EntryKind, Versions, read_entry
from liandong.core.values.lists import Mode
from liandong.core.values.messages import PolicyCommitted
from liandong.core.values.rules import Rule

STREAM = "admission:policy"


class Datasets(Protocol):
    """Where content-addressed datasets are read from."""

    def dataset(self, digest: str) -> bytes | None:
        """A dataset by its digest."""


class _Numbered(msgspec.Struct):
    key: str
    number: int


class _Key(msgspec.Struct):
    key: str


class _Numbers(msgspec.Struct):
    channels: tuple[_Numbered, ...] = ()


def numbers_ever(store: Store) -> dict[str, int]:
    """The number of every channel that any committed city had: the readings log still holds it."""
    found: dict[str, int] = {}
    for digest in dict.fromkeys(message.city_digest for message in commits(store)):
        city = msgspec.json.decode(_dataset(store, digest), type=_Numbers)
        found |= {channel.key: channel.number for channel in city.channels}
    return found


def keep_numbers(before: City | None, after: City, ever: Mapping[str, int] | None = None) -> City:
    """Channels keep the numbers they had, because the readings log holds numbers; new ones follow.

    `ever` names also those that left: their numbers are never given to others.
    """
    if before is None:
        return after
    known = {**(ever or {}), **{c.key: c.number for c in before.channels}}
    free = max(known.values(), default=-1) + 1
    channels = []
    for channel in after.channels:
        number = known.get(channel.key)
        if number is None:
            number, free = free, free + 1
        channels.append(msgspec.structs.replace(channel, number=number))
    return msgspec.structs.replace(after, channels=tuple(channels))


def draft_commit(
    before: Policy | None,
    city: City,
    mechanism: Mechanism,
    rules: tuple[Rule, ...],
    channels: tuple[str, ...],
    author: str,
    reason: str,
    ever: Mapping[str, int] | None = None,
) -> tuple[PolicyCommitted, Changes] | None:
    """The message and the datasets of a new version; None where nothing differs."""
    versions = before.versions if before else Versions()
    city = keep_numbers(before.city.city if before else None, city, ever)
    bodies = {
        "city": canonical_bytes(msgspec.structs.replace(city, version=0)),
        "rules": canonical_bytes(sorted(rules, key=lambda rule: rule.key)),
        "mechanism": canonical_bytes(msgspec.structs.replace(mechanism, version=0)),
    }
    digests = {kind: sha256(body) for kind, body in bodies.items()}
    old = stored_digests(before)
    numbers = {
        kind: getattr(versions, kind) + (old.get(kind) != digests[kind])
        for kind in ("city", "rules", "mechanism")
    }
    if before is not None and old == digests and before.channels == channels:
        return None
    message = PolicyCommitted(
        city=numbers["city"], city_digest=digests["city"], rules=numbers["rules"],
        rules_digest=digests["rules"],
        mechanism=numbers["mechanism"], mechanism_digest=digests["mechanism"], channels=channels,
        author=author, reason=reason,
    )  # fmt: skip
    datasets = {digest: (kind, bodies[kind]) for kind, digest in digests.items()}
    return message, Changes(datasets=datasets)


def stored_digests(policy: Policy | None) -> dict[str, str]:
    """Digests of a policy's parts, as they were committed."""
    if policy is None:
        return {}
    return {
        "city": sha256(canonical_bytes(msgspec.structs.replace(policy.city.city, version=0))),
        "rules": sha256(canonical_bytes(sorted(policy.rules.values(), key=lambda rule: rule.key))),
        "mechanism": sha256(canonical_bytes(msgspec.structs.replace(policy.routing.mechanism, version=0))),
    }


def policy_of(store: Datasets, message: PolicyCommitted, mode: Mode) -> Policy:
    """The policy that a commit names, from the stored datasets. Raises Broken where one is missing."""
    city = msgspec.json.decode(_dataset(store, message.city_digest), type=City)
    rules = msgspec.json.decode(_dataset(store, message.rules_digest), type=tuple[Rule, ...])
    mechanism = msgspec.json.decode(_dataset(store, message.mechanism_digest), type=Mechanism)
    index = CityIndex(msgspec.structs.replace(city, version=message.city))
    return Policy(
        city=index,
        routing=Routing(msgspec.structs.replace(mechanism, version=message.mechanism), index),
        rules={rule.key: rule for rule in rules},
        versions=Versions(
            code=__version__, rules=message.rules, mechanism=message.mechanism, city=message.city
        ),
        mode=mode,
        channels=message.channels,
    )


def _dataset(store: Datasets, digest: str) -> bytes:
    body = store.dataset(digest)
    if body is None or sha256(body) != digest:
        raise Broken("policy.dataset_missing", digest=digest)
    return body


def empty_policy(key: str, mode: Mode) -> Policy:
    """The policy before the first commit: an empty city of this key."""
    return Policy(
        city=CityIndex(City(key=key)), routing=Routing(Mechanism(key="")), rules={},
        versions=Versions(code=__version__), mode=mode,
    )  # fmt: skip


def current_policy(store: Store, mode: Mode) -> Policy | None:
    """The newest committed policy of a data folder."""
    newest = next(reversed([*commits(store)]), None)
    return policy_of(store, newest, mode) if newest else None


def commits(store: Store) -> Iterator[PolicyCommitted]:
    """Every commit of a policy, in order."""
    for _, message in history(store):
        yield message


def history(store: Store) -> Iterator[tuple[int, PolicyCommitted]]:
    """Every commit of a policy with the moment from which it holds, in order."""
    for row in store.entries_of(STREAM):
        entry = read_entry(row.body)
        if entry.kind == EntryKind.ADMISSION and entry.message is not None:
            message = read_message(entry.message)
            if isinstance(message, PolicyCommitted):
                yield entry.now, message


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A version that takes effect later: admitted when the city is opened at or after that moment."""

    effective: int
    made: int
    message: PolicyCommitted


_PENDING = "policy.pending"


def pending(store: Store) -> Pending | None:
    """The version that waits, None where there is none."""
    kept = store.meta(_PENDING)
    return msgspec.json.decode(kept, type=Pending) if kept else None


class _Drafted:
    """The datasets of a version that is not stored yet."""

    def __init__(self, datasets: Changes) -> None:
        self._bodies = datasets.datasets

    def dataset(self, digest: str) -> bytes | None:
        found = self._bodies.get(digest)
        return found[1] if found else None


class _With:
    """A store as it will be once a group is committed, for reading datasets only."""

    def __init__(self, store: Datasets, changes: Changes) -> None:
        self._store, self._changes = store, changes

    def dataset(self, digest: str) -> bytes | None:
        """A content-addressed dataset."""
        found = self._changes.datasets.get(digest)
        return found[1] if found is not None else self._store.dataset(digest)


def admit_drafted(
    handler: Handler, drafted: tuple[PolicyCommitted, Changes], now: int, changes: Changes
) -> None:
    """Admit a version within the writer's turn: it holds for whatever the turn decides after it."""
    message, datasets = drafted
    handler.admit(message, "policy", now)
    changes.datasets |= datasets.datasets
    handler.policy = policy_of(_With(handler.store, datasets), message, handler.policy.mode)


def guard_standing(
    handler: Handler, now: int, message: PolicyCommitted, datasets: Changes, override: Override | None = None
) -> None:
    """Prove again what depends on the city. Within `handler.begin`. Raises StandingRefused."""
    after = policy_of(_Drafted(datasets), message, handler.policy.mode)
    guard(handler, handler.policy, after, now, override)


def commit_policy(
    handler: Handler, now: int, message: PolicyCommitted, datasets: Changes, override: Override | None = None,
    proven: bool = False,
) -> None:  # fmt: skip
    """Admit a version: it holds from now. Only while no writer runs on this data folder.

    Raises StandingRefused where it breaks a standing proof and nobody overrides it; not where it was
    `proven` when it was scheduled, because a city whose version has come has to start.
    """
    handler.begin()
    if not proven:
        guard_standing(handler, now, message, datasets, override)
    handler.admit(message, "policy", now)
    city = msgspec.json.decode(datasets.datasets[message.city_digest][1], type=_Key)
    waiting = {_PENDING: ""} if pending(handler.store) is not None else {}
    _write(handler, datasets, {"now": str(now), "city": city.key, **waiting})
    handler.policy = policy_of(handler.store, message, handler.policy.mode)


def schedule_policy(
    handler: Handler, now: int, effective: int, message: PolicyCommitted, datasets: Changes,
    override: Override | None = None,
) -> None:  # fmt: skip
    """Keep a version that takes effect later; one that waited before is replaced. Journalled at once.

    Raises StandingRefused as `commit_policy` does, for the days from when it takes effect.
    """
    handler.begin()
    guard_standing(handler, effective, message, datasets, override)
    handler.note(
        EntryKind.SYSTEM, "system:policy", now, "policy.scheduled", at=effective, author=message.author,
        reason=message.reason,
    )  # fmt: skip
    waiting = Pending(effective=effective, made=now, message=message)
    _write(handler, datasets, {"now": str(now), _PENDING: msgspec.json.encode(waiting).decode()})


def _write(handler: Handler, datasets: Changes, meta: dict[str, str]) -> None:
    """What the handler has decided, in one transaction with the datasets that it names."""
    changes = handler.take()
    changes.datasets |= datasets.datasets
    changes.meta |= meta
    handler.store.commit(changes)
    handler.forget()


def activate_pending(handler: Handler, before: Policy | None, now: int) -> Policy | None:
    """Admit the version that waits, once its moment has come; the policy in force afterwards."""
    waiting = pending(handler.store)
    if waiting is None or now < waiting.effective:
        return before
    wanted = policy_of(handler.store, waiting.message, handler.policy.mode)
    drafted = draft_commit(
        before, wanted.city.city, wanted.routing.mechanism, tuple(wanted.rules.values()), wanted.channels,
        waiting.message.author, waiting.message.reason, ever=numbers_ever(handler.store),
    )  # fmt: skip
    if drafted is None:
        handler.store.commit(Changes(meta={_PENDING: ""}))
        return before
    commit_policy(handler, now, *drafted, proven=True)
    return handler.policy
