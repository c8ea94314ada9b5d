"""What the console's pages look up beside the read models: search, screens, channels."""

from __future__ import annotations

import secrets

from liandong.app.access import Access, id_only
from liandong.app.curves import Hazards, sees_asset
from liandong.app.handle import Handler
from liandong.app.intake import Intake
from liandong.app.personal import Personal
from liandong.app.ports import Questions, Store
from liandong.app.screens import Screens
from liandong.app.search import Search
from liandong.app.writer import Writer
from liandong.core.mechanism.policy import Policy
from liandong.core.values.access import AccessScope
from liandong.core.values.errors import NotFound


class Lookups:
    """Search and screens are made when first asked for, and anew when another policy comes into force."""

    def __init__(
        self,
        store: Store,
        questions: Questions,
        handler: Handler,
        writer: Writer,
        intake: Intake,
        access: Access,
        personal: Personal,
    ) -> None:
        self._store, self._questions, self._handler = store, questions, handler
        self._writer, self._intake = writer, intake
        self._access, self._personal = access, personal
        self._made: tuple[Policy, Search, Screens] | None = None

    @property
    def search(self) -> Search:
        """The index over the policy in force."""
        return self._over_policy()[1]

    @property
    def screens(self) -> Screens:
        """Who saw what when, over the policy in force."""
        return self._over_policy()[2]

    def newest(self, channel: str) -> tuple[int, float] | None:
        """Event time and value of the newest accepted reading; None before the first."""
        return self._intake.shard.newest(channel)

    def channel(self, scope: AccessScope, key: str) -> str:
        """A channel whose readings the scope may see, by its key; else NotFound, journalled."""
        policy = self._handler.policy
        asset = policy.city.asset_of_channel(key)
        known = asset is not None and (
            sees_asset(policy, scope, asset, Hazards(policy).of(key))
            or self._questions.cases_at(scope, [asset.key])
        )
        if not known:
            self._access.note(scope, "access.outside_scope", case=id_only(key))
            raise NotFound("channel.unknown", channel=key[:64])
        return key

    def _over_policy(self) -> tuple[Policy, Search, Screens]:
        made, policy = self._made, self._handler.policy
        if made is None or made[0] is not policy:
            search = Search(policy, self._personal.telephones, secrets.token_bytes)
            screens = Screens(self._store, self._writer, self._intake.shard, policy)
            made = self._made = (policy, search, screens)
        return made
