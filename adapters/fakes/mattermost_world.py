"""What a local Mattermost remembers: people, channels, posts, files; and the words it has for them.

Field names are those of api.mattermost.com.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from typing import Any

Fields = dict[str, Any]

LONGEST = 16383
_EDITABLE = ("message", "props", "file_ids", "is_pinned")


class Refusal(Exception):
    """The server says no (api.mattermost.com, "Error response")."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class World:
    """One server's data. Ids have the platform's form; times are real, and no two are equal."""

    def __init__(self, username: str) -> None:
        self._last = 0
        self._clock = 0
        self.users: dict[str, Fields] = {}
        self.teams: dict[str, Fields] = {}
        self.channels: dict[str, Fields] = {}
        self.members: dict[str, set[str]] = {}
        self.posts: dict[str, Fields] = {}
        self._of_channel: dict[str, list[str]] = {}
        self.reactions: list[Fields] = []
        self.files: dict[str, tuple[Fields, bytes]] = {}
        self.commands: dict[str, Fields] = {}
        self.me = self.user(username, is_bot=True)
        self.ada = self.user("ada", first_name="Ada", last_name="Lovelace")
        self.bob = self.user("bob", nickname="Bobby")
        self.team = self.new_id("team")
        self.teams[self.team] = {"id": self.team, "name": "engines", "display_name": "Engines"}
        self.town = self.channel("O", "town-square", [self.me, self.ada, self.bob])
        self.room = self.channel("P", "back-room", [self.me, self.ada])

    def new_id(self, kind: str = "") -> str:
        """26 letters and digits, with a hint of what it names."""
        self._last += 1
        return f"{kind[:8]}{self._last:0{26 - len(kind[:8])}d}"

    def now(self) -> int:
        """Milliseconds; each later than the one before."""
        self._clock = max(self._clock + 1, int(time.time() * 1000))
        return self._clock

    def user(self, username: str, **more: Any) -> str:
        """A new account; its id."""
        its_id = self.new_id("user")
        names = {"first_name": "", "last_name": "", "nickname": ""}
        self.users[its_id] = {"id": its_id, "username": username, "is_bot": False, **names, **more}
        return its_id

    def channel(self, kind: str, name: str, members: Iterable[str]) -> str:
        """A new channel: `O` public, `P` private, `D` direct, `G` group; its id."""
        its_id = self.new_id("channel")
        self.channels[its_id] = {
            "id": its_id,
            "type": kind,
            "name": name,
            "display_name": name.title(),
            "team_id": self.team if kind in "OP" else "",
            "last_post_at": 0,
        }
        self.members[its_id] = set(members)
        return its_id

    def direct(self, one: str, other: str) -> str:
        """The direct channel of two people; made when it is not there."""
        name = "__".join(sorted((one, other)))
        for channel in self.channels.values():
            if channel["name"] == name:
                return str(channel["id"])
        return self.channel("D", name, [one, other])

    def create(self, user: str, fields: Fields) -> Fields:
        """A new post. Raises Refusal."""
        channel, root = str(fields.get("channel_id", "")), str(fields.get("root_id") or "")
        if channel not in self.channels or user not in self.members[channel]:
            raise Refusal(403, "You do not have the appropriate permissions.")
        parent = self.posts.get(root)
        if root and (parent is None or parent["root_id"] or parent["channel_id"] != channel):
            raise Refusal(400, "Invalid RootId parameter.")
        message = str(fields.get("message", ""))
        if len(message) > LONGEST:
            raise Refusal(400, "Post Message property is longer than the maximum permitted length.")
        now = self.now()
        post = {
            "id": self.new_id("post"),
            "create_at": now,
            "update_at": now,
            "edit_at": 0,
            "delete_at": 0,
            "is_pinned": False,
            "user_id": user,
            "channel_id": channel,
            "root_id": root,
            "original_id": "",
            "message": message,
            "type": fields.get("type", ""),
            "props": dict(fields.get("props") or {}),
            "hashtags": "",
            "file_ids": list(fields.get("file_ids") or []),
            "pending_post_id": fields.get("pending_post_id", ""),
            "reply_count": 0,
            "metadata": {},
        }
        post |= {name: fields[name] for name in ("metadata",) if name in fields}
        if infos := [self.files[one][0] for one in post["file_ids"] if one in self.files]:
            post["metadata"] = {"files": infos}
        self.posts[str(post["id"])] = post
        self._of_channel.setdefault(channel, []).append(str(post["id"]))
        self.channels[channel]["last_post_at"] = now
        if parent is not None:
            # A thread that grows touches its first post.
            parent["update_at"], parent["reply_count"] = now, parent["reply_count"] + 1
        return post

    def there(self, post_id: str) -> Fields:
        """A post that is not deleted. Raises Refusal."""
        post = self.posts.get(post_id)
        if post is None or post["delete_at"]:
            raise Refusal(404, "Unable to get the post.")
        return post

    def patch(self, user: str, post_id: str, fields: Fields) -> Fields:
        """Change a post; only new words count as an edit. Raises Refusal."""
        post = self.there(post_id)
        if post["user_id"] != user:
            raise Refusal(403, "You do not have the appropriate permissions.")
        if len(str(fields.get("message", ""))) > LONGEST:
            raise Refusal(400, "Post Message property is longer than the maximum permitted length.")
        now = self.now()
        if fields.get("message", post["message"]) != post["message"]:
            post["edit_at"] = now
        post |= {name: fields[name] for name in _EDITABLE if name in fields}
        post["update_at"] = now
        return post

    def delete(self, post_id: str) -> Fields:
        """Take a post away. Raises Refusal."""
        post = self.there(post_id)
        post["delete_at"] = post["update_at"] = self.now()
        return post

    def since(self, channel: str, when: int) -> list[Fields]:
        """Posts touched after a time, deleted ones too, newest first; 1000 at most."""
        found = [post for post in self._in(channel) if post["update_at"] > when]
        return sorted(found, key=lambda post: -post["create_at"])[:1000]

    def page(self, channel: str, number: int, count: int) -> list[Fields]:
        """A page of a channel's posts, newest first."""
        found = self.visible(channel)[::-1]
        return found[number * count : (number + 1) * count]

    def visible(self, channel: str, user: str = "") -> list[Fields]:
        """The posts that stand in a channel now, in order."""
        return [
            post
            for post in self._in(channel)
            if not post["delete_at"] and user in ("", post["user_id"])
        ]

    def _in(self, channel: str) -> list[Fields]:
        ids = self._of_channel.get(channel, [])
        return [self.posts[one] for one in ids if one in self.posts]

    def store(self, name: str, mime: str, data: bytes) -> str:
        """Keep a file; its id."""
        its_id = self.new_id("file")
        extension = name.rpartition(".")[2] if "." in name else ""
        info = {"id": its_id, "name": name, "mime_type": mime, "size": len(data)}
        self.files[its_id] = ({**info, "extension": extension, "user_id": self.me}, data)
        return its_id

    def trigger(self, user: str) -> str:
        """A trigger id as the server makes them."""
        text = f"{self.new_id('trigger')}:{user}:{self.now()}:c2lnbmF0dXJl"
        return base64.b64encode(text.encode()).decode()


def listed(posts: Iterable[Fields]) -> Fields:
    """Posts as the API answers several of them."""
    found = list(posts)
    return {
        "order": [post["id"] for post in found],
        "posts": {post["id"]: post for post in found},
        "next_post_id": "",
        "prev_post_id": "",
    }
