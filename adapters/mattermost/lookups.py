"""Looks up what events leave out: people, channels, the first post of a thread; and where to send.

People and channels are remembered until the platform tells that they changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.fields import Event, line
from adapters.mattermost.fields import embedded, identifier, is_id, item
from adapters.mattermost.rest import Answered, CallFailed, Rest
from bot.errors import BadEvent, Refused

_MOST = 5000
# Creating a direct channel may meet another creation of the same one.
_TRIES = 3


class Lookups:
    """One account's memory of people and places."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._found: dict[str, Event] = {}

    async def complete(self, event: Event) -> dict[str, Any]:
        """An event with its embedded post opened, and `known` beside it.

        Raises BadEvent, and CallFailed when the kind of its channel cannot be looked up now.
        """
        data = item(event, "data")
        name = "reaction" if line(event, "event") == "reaction_added" else "post"
        inner = embedded(data, name)
        known: dict[str, Any] = {"user": await self._perhaps("users", identifier(inner, "user_id"))}
        place = line(inner, "channel_id") or line(item(event, "broadcast"), "channel_id")
        if not data.get("channel_type") and is_id(place):
            known["channel"] = await self._fetched("channels", place)
        if root_id := line(inner, "root_id"):
            root = await self._perhaps("posts", root_id)
            known["root"] = root
            if is_id(writer := line(root, "user_id")):
                known["root_user"] = await self._perhaps("users", writer)
        return {**event, "data": {**data, name: inner}, "known": known}

    async def called(self, event: Event) -> dict[str, Any]:
        """A callback with `known` beside it. Raises BadEvent and CallFailed."""
        user = await self._perhaps("users", identifier(event, "user_id"))
        channel = await self._fetched("channels", identifier(event, "channel_id"))
        return {**event, "known": {"user": user, "channel": channel}}

    def forget(self, event: Event) -> None:
        """A person or a channel changed: ask again when it is next needed."""
        data = event.get("data")
        if not isinstance(data, dict):
            return
        user, channel = data.get("user"), data.get("channel_id")
        if isinstance(user, dict):
            self._found.pop(f"users/{user.get('id')}", None)
        if isinstance(channel, str):
            self._found.pop(f"channels/{channel}", None)

    def clear(self) -> None:
        """Forget all: changes may have been missed."""
        self._found.clear()

    async def _perhaps(self, kind: str, its_id: str) -> Event:
        """Something that a message is understood without."""
        try:
            return await self._fetched(kind, its_id)
        except CallFailed:
            return {}

    async def _fetched(self, kind: str, its_id: str) -> Event:
        """What has this id; {} when it may not be seen. Raises CallFailed."""
        if not is_id(its_id):
            return {}
        key = f"{kind}/{its_id}"
        if (found := self._found.get(key)) is not None:
            return found
        try:
            found = await self._rest.object(_getting(f"/{key}"))
        except Answered as error:
            if error.status not in (400, 403, 404):
                raise
            found = {}
        self._found[key] = found
        while len(self._found) > _MOST:
            del self._found[next(iter(self._found))]
        return found

    async def place(self, target: str, me: str) -> str:
        """The channel id that a target means: an id, `channel:ID`, `user:ID`, `@name` or `#name`.

        Raises CallFailed, and Refused when there is no such place.
        """
        if target.startswith("@"):
            name = target[1:].lower()
            user = await self._rest.object(lambda driver: driver.users.get_user_by_username(name))
            return await self._direct(user["id"], me)
        if target.startswith("#"):
            return await self._named(target[1:].lower(), me)
        kind, _, its_id = target.rpartition(":")
        if kind not in ("", "user", "channel") or not is_id(its_id):
            raise Refused(f"{target!r} is no place on Mattermost")
        return await self._direct(its_id, me) if kind == "user" else its_id

    async def _direct(self, user_id: str, me: str) -> str:
        key = f"direct/{user_id}"
        if key not in self._found:
            for left in reversed(range(_TRIES)):
                try:
                    self._found[key] = await self._rest.object(_opening([me, user_id]))
                    break
                except Answered as error:
                    if not left or error.status < 500:
                        raise
        return str(self._found[key]["id"])

    async def _named(self, name: str, me: str) -> str:
        for team in await self._rest.objects(lambda driver: driver.teams.get_user_teams(me)):
            try:
                path = f"/teams/{team.get('id')}/channels/name/{name}"
                found = await self._rest.object(_getting(path))
            except Answered as error:
                if error.status != 404:
                    raise
            else:
                return str(found["id"])
        raise Refused(f"Mattermost has no channel #{name} that the bot can see")


def _getting(path: str) -> Callable[[Any], Any]:
    return lambda driver: driver.client.get(path)


def _opening(people: list[str]) -> Callable[[Any], Any]:
    return lambda driver: driver.channels.create_direct_message_channel(people)


def post_of(event: object) -> Event:
    """The post in an event that may be anything; {} when there is none."""
    try:
        return embedded(item(event, "data"), "post") if isinstance(event, dict) else {}
    except BadEvent:
        return {}
