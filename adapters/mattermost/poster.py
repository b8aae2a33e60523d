"""What the bot shows: posts made, found again, changed, taken away, and reactions under them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from adapters.mattermost import callbacks
from adapters.mattermost.emoji import name_of
from adapters.mattermost.failures import send_error
from adapters.mattermost.fields import is_id
from adapters.mattermost.history import PAGE, History
from adapters.mattermost.lookups import Lookups
from adapters.mattermost.parse import Me
from adapters.mattermost.render import in_place
from adapters.mattermost.rest import FILE_PATIENCE, Answered, CallFailed, Rest
from adapters.mattermost.sending import PROP, Outgoing, clean_name, outgoing
from bot.contract import Address, Button, File, Ref, Reply
from bot.errors import NotSent, Refused

# Sends of several posts that failed half-way; more are not waiting at one time.
_MOST_BEGUN = 1000
# How far back a key is looked for, in pages of 200 posts.
_PAGES_BACK = 5


class Poster:
    """One account's hand. Every method raises SendError, and nothing else."""

    def __init__(
        self,
        account: str,
        rest: Rest,
        lookups: Lookups,
        *,
        buttons_to: str | None,
        signer: callbacks.Signer,
        me: Callable[[], Awaitable[Me]],
        posted: Callable[[str, str], None],
    ) -> None:
        self._account = account
        self._rest = rest
        self._lookups = lookups
        self._buttons_to = buttons_to
        self._signer = signer
        self._me = me
        self._posted = posted
        self._begun: dict[str, list[str]] = {}

    @contextmanager
    def _calls(self, *fine: int) -> Iterator[None]:
        """Turns failed calls into our errors; a refusal with one of these statuses is none."""
        try:
            yield
        except CallFailed as error:
            if not (isinstance(error, Answered) and error.status in fine):
                raise send_error(error, self._account) from None

    async def _my_id(self) -> str:
        return (await self._me()).ids[0]

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        with self._calls():
            channel = await self._lookups.place(to.conversation, await self._my_id())
            there = replace(to, conversation=channel)
            posts = outgoing(there, reply, key, self._props(reply.buttons, there))
            sent = self._begun.pop(key, None) or await self._already(channel, posts[:-1])
            try:
                for post in posts[len(sent) :]:
                    sent.append(await self._post(channel, post))
            except CallFailed:
                self._keep_begun(key, sent)
                raise
        return Ref(there, sent[-1])

    def _props(self, buttons: Sequence[Button], to: Address) -> dict[str, Any]:
        if not buttons or not self._buttons_to:
            return {}
        return callbacks.shown(buttons, to, self._buttons_to, self._signer)

    async def _already(self, channel: str, posts: Sequence[Outgoing]) -> list[str]:
        """The first posts of a reply that an earlier try made, perhaps before a restart."""
        found = _keys(await self._page(channel, 0), await self._my_id()) if posts else {}
        sent: list[str] = []
        for post in posts:
            if post.key not in found:
                break
            sent.append(found[post.key])
        return sent

    async def _page(self, channel: str, number: int) -> dict[str, dict[str, Any]]:
        history = History(self._rest, await self._my_id())
        return await history.page(channel, {"page": number, "per_page": PAGE})

    async def _post(self, channel: str, post: Outgoing) -> str:
        file_id = await self._upload(channel, post.file) if post.file else None
        payload = post.payload(channel, file_id)
        try:
            made = await self._rest.object(lambda driver: driver.posts.create_post(payload))
        except Answered as error:
            # What is quoted may be gone; the words are not for it alone.
            if not (post.quotes and error.status == 400 and "RootId" in str(error)):
                raise
            return await self._post(channel, post.unquoted())
        self._posted(made["id"], channel)
        return str(made["id"])

    async def _upload(self, channel: str, file: File) -> str:
        part = {"files": (clean_name(file.name), file.data, file.mime)}
        found = await self._rest.call(
            lambda driver: driver.files.upload_file(channel, part), FILE_PATIENCE
        )
        try:
            return str(found["file_infos"][0]["id"])
        except (KeyError, IndexError, TypeError):
            # A file without a post shows nothing, so it may be uploaded again.
            raise NotSent("Mattermost's answer to a file is odd") from None

    def _keep_begun(self, key: str, sent: list[str]) -> None:
        """Remember how far a reply of several posts came, so that a repeat doubles nothing."""
        if sent:
            self._begun[key] = sent
        while len(self._begun) > _MOST_BEGUN:
            del self._begun[next(iter(self._begun))]

    async def find(self, to: Address, key: str) -> Ref | None:
        with self._calls():
            channel = await self._lookups.place(to.conversation, await self._my_id())
            for number in range(_PAGES_BACK):
                posts = await self._page(channel, number)
                if found := _keys(posts, await self._my_id()).get(key):
                    return Ref(replace(to, conversation=channel), found)
                if len(posts) < PAGE:
                    break
        return None

    async def edit(self, ref: Ref, reply: Reply) -> None:
        post, text = _post_id(ref), in_place(reply.text)
        if text is None or reply.attachments:
            raise Refused("the text does not fit into the one post that is edited")
        fields: dict[str, Any] = {"message": text}
        with self._calls():
            if reply.buttons:
                there = await self._rest.object(lambda driver: driver.posts.get_post(post))
                fields["props"] = _kept(there) | self._props(reply.buttons, ref.address)
            changed = await self._patch(post, fields)
            if not reply.buttons and _has_buttons(changed):
                await self._patch(post, {"props": _kept(changed)})

    async def _patch(self, post: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self._rest.object(
            lambda driver: driver.posts.patch_post(post, dict(fields))
        )
        return found

    async def delete(self, ref: Ref) -> None:
        post = _post_id(ref)
        with self._calls(404):
            await self._rest.call(lambda driver: driver.posts.delete_post(post))

    async def react(self, ref: Ref, emoji: str) -> None:
        """Put a reaction under a post; with "" take ours away."""
        post, me = _post_id(ref), ""
        with self._calls():
            me = await self._my_id()
            if not emoji:
                return await self._take_back(post, me)
            reaction = {"user_id": me, "post_id": post, "emoji_name": name_of(emoji)}
            await self._rest.call(lambda driver: driver.reactions.create_reaction(reaction))

    async def _take_back(self, post: str, me: str) -> None:
        # The library's own path for this has one slash too many. None is told as null.
        path = f"/posts/{post}/reactions"
        found = await self._rest.call(lambda driver: driver.client.get(path) or [])
        for one in found:
            if isinstance(one, dict) and one.get("user_id") == me:
                await self._remove(me, post, str(one.get("emoji_name")))

    async def _remove(self, me: str, post: str, name: str) -> None:
        with self._calls(404):
            await self._rest.call(lambda driver: driver.reactions.delete_reaction(me, post, name))


def _keys(posts: Mapping[str, dict[str, Any]], me: str) -> dict[str, str]:
    """The outbox's keys that our own posts carry, and their ids."""
    found: dict[str, str] = {}
    for its_id, post in posts.items():
        props = post.get("props")
        if isinstance(props, dict) and PROP in props and post.get("user_id") == me:
            found[str(props[PROP])] = its_id
    return found


def _kept(post: Mapping[str, Any]) -> dict[str, Any]:
    """A post's props but its buttons: a patch replaces all of them."""
    props = post.get("props")
    fields = props if isinstance(props, dict) else {}
    return {name: value for name, value in fields.items() if name != "attachments"}


def _has_buttons(post: Mapping[str, Any]) -> bool:
    props = post.get("props")
    return isinstance(props, dict) and bool(props.get("attachments"))


def _post_id(ref: Ref) -> str:
    """Raises Refused for what is no post, such as a slash command."""
    if not is_id(ref.id) or ref.id.startswith("command-"):
        raise Refused(f"{ref.id!r} is no post on Mattermost")
    return ref.id
