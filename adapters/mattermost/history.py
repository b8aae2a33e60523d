"""What was said while nobody listened: posts since the last one seen, from every channel.

`since` answers with all posts that were touched after a time: new, edited and deleted ones, and
first posts whose thread grew (api.mattermost.com, "Get posts for a channel").
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.mattermost.rest import Answered, Rest

# A post may become visible a little after its time.
OVERLAP = 10_000
PAGE = 200
# What the server answers at most to `since`; older ones are read in pages then.
MOST_SINCE = 1000
_MOST_PAGES = 50


class History:
    """Reads what an account missed. Every method raises CallFailed."""

    def __init__(self, rest: Rest, me: str) -> None:
        self._rest = rest
        self._me = me

    async def channels(self) -> list[dict[str, Any]]:
        """Every channel that the bot is in, direct ones too, each once."""
        teams = await self._rest.objects(lambda driver: driver.teams.get_user_teams(self._me))
        ids = [team["id"] for team in teams if isinstance(team.get("id"), str)]
        lists = await asyncio.gather(*(self._channels_of(team) for team in ids))
        if not ids:
            lists = [await self._all_channels()]
        found = [channel for channels in lists for channel in channels]
        return list({channel["id"]: channel for channel in found if "id" in channel}.values())

    async def _channels_of(self, team: str) -> list[dict[str, Any]]:
        return await self._rest.objects(
            lambda driver: driver.channels.get_channels_for_user(self._me, team)
        )

    async def _all_channels(self) -> list[dict[str, Any]]:
        """A bot in no team may still have direct chats; older servers cannot list them."""
        try:
            return await self._rest.objects(
                lambda driver: driver.client.get(f"/users/{self._me}/channels")
            )
        except Answered:
            return []

    async def missed(self, since: int) -> list[dict[str, Any]]:
        """What happened since a time in milliseconds, as events in order."""
        touched = [one for one in await self.channels() if _stamp(one, "last_post_at") >= since]
        pages = await asyncio.gather(*(self._posts(one, since) for one in touched))
        events = [event for page in pages for event in page]
        return sorted(events, key=lambda event: _stamp(event["data"]["post"], "create_at"))

    async def _posts(self, channel: dict[str, Any], since: int) -> list[dict[str, Any]]:
        # The server tells what came after a time, not at it.
        posts = await self.page(channel["id"], {"since": since - 1})
        if len(posts) >= MOST_SINCE:
            posts = {**await self._older(channel["id"], since), **posts}
        return [event for post in posts.values() for event in _events(post, channel, since)]

    async def _older(self, channel: str, since: int) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for number in range(_MOST_PAGES):
            posts = await self.page(channel, {"page": number, "per_page": PAGE})
            found.update(posts)
            if not posts or min(_stamp(post, "create_at") for post in posts.values()) < since:
                break
        return found

    async def page(self, channel: str, params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Some posts of a channel by their ids."""
        found = await self._rest.call(
            lambda driver: driver.posts.get_posts_for_channel(channel, dict(params))
        )
        posts = found.get("posts") if isinstance(found, dict) else None
        if not isinstance(posts, dict):
            return {}
        return {str(its_id): post for its_id, post in posts.items() if isinstance(post, dict)}

    async def latest(self) -> int:
        """When the last post was made that the bot can see, in milliseconds."""
        return max((_stamp(one, "last_post_at") for one in await self.channels()), default=0) or 1


def _events(post: dict[str, Any], channel: dict[str, Any], since: int) -> Iterator[dict[str, Any]]:
    """What happened to a post since then, as the socket would have told it."""
    names = []
    if _stamp(post, "delete_at"):
        names = ["post_deleted"]
    else:
        names += ["posted"] if _stamp(post, "create_at") >= since else []
        names += ["post_edited"] if _stamp(post, "edit_at") >= since else []
    for name in names:
        data = {
            "post": post,
            "channel_type": channel.get("type"),
            "team_id": channel.get("team_id"),
        }
        yield {"event": name, "data": data, "broadcast": {"channel_id": channel.get("id")}}


def _stamp(thing: Mapping[str, Any], name: str) -> int:
    value = thing.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
