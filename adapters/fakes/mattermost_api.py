"""The part of REST API v4 that a local Mattermost answers, with the server's statuses and words.

Each handler cites its operation by the name that api.mattermost.com gives it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.fakes.mattermost_world import Fields, Refusal, World, listed

# How long the server remembers a `pending_post_id` (PendingPostIDsCacheTTL in its app package).
PENDING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """One call, taken apart: `ids` are what the path names, `file` is a name, a type and bytes."""

    ids: tuple[str, ...] = ()
    query: Fields = field(default_factory=dict)
    body: Any = None
    file: tuple[str, str, bytes] | None = None


Handler = Callable[[Request], Any]


class Api:
    """Operation by operation. `happened` is told each event that the socket should tell."""

    def __init__(self, world: World, happened: Callable[[str, Fields], None]) -> None:
        self._world = world
        self._happened = happened
        self._pending: dict[str, tuple[str, float]] = {}
        one = r"([\w.-]+)"
        table: list[tuple[str, str, str, Handler]] = [
            ("GET", "/system/ping", "GetPing", lambda asked: {"status": "OK"}),
            ("GET", f"/users/username/{one}", "GetUserByUsername", self._by_name),
            ("GET", f"/users/{one}/teams", "GetTeamsForUser", self._teams),
            ("GET", f"/users/{one}/teams/{one}/channels", "GetChannelsForTeamForUser", self._mine),
            ("GET", f"/users/{one}/channels", "GetChannelsForUser", self._mine),
            ("GET", f"/users/{one}", "GetUser", self._user),
            ("GET", f"/teams/{one}/channels/name/{one}", "GetChannelByName", self._named),
            ("POST", "/channels/direct", "CreateDirectChannel", self._direct),
            ("GET", f"/channels/{one}", "GetChannel", self._channel),
            ("GET", f"/channels/{one}/posts", "GetPostsForChannel", self._posts),
            ("POST", "/posts", "CreatePost", self._create),
            ("GET", f"/posts/{one}", "GetPost", self._post),
            ("PUT", f"/posts/{one}/patch", "PatchPost", self._patch),
            ("DELETE", f"/posts/{one}", "DeletePost", self._delete),
            ("GET", f"/posts/{one}/reactions", "GetReactions", self._reactions),
            ("POST", "/reactions", "SaveReaction", self._react),
            (
                "DELETE",
                f"/users/{one}/posts/{one}/reactions/([\\w+-]+)",
                "DeleteReaction",
                self._un,
            ),
            ("POST", "/files", "UploadFile", self._upload),
            ("GET", "/commands", "ListCommands", self._commands),
            ("POST", "/commands", "CreateCommand", self._command),
            ("DELETE", f"/commands/{one}", "DeleteCommand", self._no_command),
        ]
        self._table = [
            (method, re.compile(path), name, handler) for method, path, name, handler in table
        ]

    def find(self, method: str, path: str) -> tuple[str, tuple[str, ...], Handler]:
        """The operation's name, the ids in the path, and who answers. Raises Refusal."""
        for known, pattern, name, handler in self._table:
            if known == method and (found := pattern.fullmatch(path)):
                return name, found.groups(), handler
        raise Refusal(404, "Sorry, we could not find the page.")

    def _id(self, asked: Request) -> str:
        return self._world.me if asked.ids[0] == "me" else asked.ids[0]

    def _user(self, asked: Request) -> Fields:
        return _there(self._world.users.get(self._id(asked)), "Unable to find the user.")

    def _by_name(self, asked: Request) -> Fields:
        users = (u for u in self._world.users.values() if u["username"] == asked.ids[0])
        return _there(next(users, None), "Unable to find an existing account.")

    def _teams(self, asked: Request) -> list[Fields]:
        return list(self._world.teams.values())

    def _mine(self, asked: Request) -> list[Fields]:
        me = self._id(asked)
        return [
            channel
            for its_id, channel in self._world.channels.items()
            if me in self._world.members[its_id]
        ]

    def _channel(self, asked: Request) -> Fields:
        channel = _there(self._world.channels.get(asked.ids[0]), "Unable to find the channel.")
        if self._world.me not in self._world.members[asked.ids[0]]:
            raise Refusal(403, "You do not have the appropriate permissions.")
        return channel

    def _named(self, asked: Request) -> Fields:
        found = (c for c in self._world.channels.values() if c["name"] == asked.ids[1])
        return _there(next(found, None), "Channel does not exist.")

    def _direct(self, asked: Request) -> Fields:
        one, other = asked.body
        _there(self._world.users.get(other), "Unable to find the user.")
        return self._world.channels[self._world.direct(one, other)]

    def _posts(self, asked: Request) -> Fields:
        self._channel(asked)
        channel, query = asked.ids[0], asked.query
        if "since" in query:
            return listed(self._world.since(channel, int(query["since"])))
        count = min(int(query.get("per_page", 60)), 200)
        return listed(self._world.page(channel, int(query.get("page", 0)), count))

    def _create(self, asked: Request) -> Fields:
        """A repeat of a pending id within half a minute is answered with the post it made."""
        pending = str(asked.body.get("pending_post_id") or "")
        made, until = self._pending.get(pending, ("", 0.0))
        if pending and made and time.monotonic() < until:
            return self._world.posts[made]
        post = self._world.create(self._world.me, asked.body)
        if pending:
            self._pending[pending] = (str(post["id"]), time.monotonic() + PENDING_SECONDS)
        self._happened("posted", {"post": post})
        return post

    def _post(self, asked: Request) -> Fields:
        return self._world.there(asked.ids[0])

    def _patch(self, asked: Request) -> Fields:
        post = self._world.patch(self._world.me, asked.ids[0], asked.body)
        self._happened("post_edited", {"post": post})
        return post

    def _delete(self, asked: Request) -> Fields:
        self._happened("post_deleted", {"post": self._world.delete(asked.ids[0])})
        return {"status": "OK"}

    def _reactions(self, asked: Request) -> list[Fields] | None:
        found = [one for one in self._world.reactions if one["post_id"] == asked.ids[0]]
        return found or None

    def _react(self, asked: Request) -> Fields:
        self._world.there(asked.body["post_id"])
        reaction = {**asked.body, "create_at": self._world.now()}
        self._world.reactions.append(reaction)
        return reaction

    def _un(self, asked: Request) -> Fields:
        user, post, name = asked.ids
        self._world.reactions = [
            one
            for one in self._world.reactions
            if (one["user_id"], one["post_id"], one["emoji_name"]) != (user, post, name)
        ]
        return {"status": "OK"}

    def _upload(self, asked: Request) -> Fields:
        if asked.file is None:
            raise Refusal(400, "No files in the request.")
        its_id = self._world.store(*asked.file)
        return {"file_infos": [self._world.files[its_id][0]], "client_ids": []}

    def _commands(self, asked: Request) -> list[Fields]:
        team = asked.query.get("team_id")
        return [one for one in self._world.commands.values() if one["team_id"] == team]

    def _command(self, asked: Request) -> Fields:
        for one in self._world.commands.values():
            same = (one["team_id"], one["trigger"])
            if same == (asked.body["team_id"], asked.body["trigger"]):
                raise Refusal(400, "This trigger word is already in use.")
        its_id, token = self._world.new_id("command"), self._world.new_id("token")
        made = {**asked.body, "id": its_id, "token": token, "creator_id": self._world.me}
        self._world.commands[its_id] = made
        return made

    def _no_command(self, asked: Request) -> Fields:
        _there(self._world.commands.pop(asked.ids[0], None), "Unable to find the command.")
        return {"status": "OK"}


def _there(found: Fields | None, why: str) -> Fields:
    if found is None:
        raise Refusal(404, why)
    return found


def packed(event: str, data: Fields, world: World) -> Fields:
    """An event as the socket tells it: what it is about is JSON in a text (WebSocket, Events)."""
    inner = "reaction" if "reaction" in data else "post"
    thing = data[inner]
    channel = world.channels.get(str(thing.get("channel_id")), {})
    fields = {**data, inner: json.dumps(thing)}
    if event == "posted":
        user = world.users.get(str(thing.get("user_id")), {})
        fields = {
            "channel_display_name": channel.get("display_name", ""),
            "channel_name": channel.get("name", ""),
            "channel_type": channel.get("type", "O"),
            "sender_name": f"@{user.get('username', '')}",
            "set_online": True,
            "team_id": channel.get("team_id", ""),
            **fields,
        }
    return {
        "event": event,
        "data": fields,
        "broadcast": {
            "omit_users": None,
            "user_id": "",
            "channel_id": thing.get("channel_id", ""),
            "team_id": "",
        },
    }
