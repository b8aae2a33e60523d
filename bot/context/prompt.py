"""The system prompt and the conversation, pure: a function of rows and of what a run began with.

The system prompt holds nothing an outsider can write: names, quotes and forwarded texts go into the
user's turn as blocks marked as other people's words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.codec import attachment_json
from bot.context.compaction import seen_after
from bot.context.scene import AgentPrompt, Asked, Scene
from bot.context.sections import sections
from bot.contract import Author, Message
from bot.errand import Errand
from bot.types import Entry

MAX_USER_TEXT = 64 * 1024
MAX_REVISED = 4000
MAX_DROPPED = 200
MAX_RESULT = 8000
_ROOMS = frozenset({"group", "channel"})
_CONTEXT = frozenset(
    {"history", "revisions", "dropped", "quote", "forwardedFrom", "source", "scheduled"}
)


def system_prompt(agent: AgentPrompt, scene: Scene, asked: Asked, extra: str | None = None) -> str:
    """The system prompt of a turn; the same for every turn of a session unless `extra` differs."""
    return "\n\n".join(section.text for section in sections(agent, scene, asked, extra))


def user_entry(
    message: Message,
    run: str,
    at: float,
    heard: Sequence[Message] = (),
    revised: Sequence[tuple[Message, str]] = (),
    dropped: Sequence[Message] = (),
    source: Mapping[str, object] | None = None,
    errand: Errand | None = None,
) -> Entry:
    """The transcript line of a message, with what it answers and carries kept beside its text.

    `heard` was said there before, to others; `revised` are edits and deletions of what was said to
    the agent before, each with the former text. `dropped` waited and found no room in the queue.
    `source` is the session that says this, with what it reports. `errand`: it was scheduled.
    """
    return Entry(
        role="user",
        text=message.text,
        at=at,
        run=run,
        author=message.author,
        origin=_origin(message, heard, revised, dropped)
        | ({"source": source} if source else {})
        | ({"scheduled": _scheduled(errand)} if errand else {}),
        attachments=tuple(attachment_json(one) for one in message.attachments),
        ref=message.ref.id,
    )


def _origin(
    message: Message,
    heard: Sequence[Message],
    revised: Sequence[tuple[Message, str]],
    dropped: Sequence[Message],
) -> dict[str, object]:
    origin: dict[str, object] = {
        "channel": message.address.channel,
        "account": message.address.account,
        "conversation": message.address.conversation,
        "thread": message.address.thread,
        "kind": message.kind,
    }
    if message.reply_to is not None:
        author = message.reply_to.author
        origin["quote"] = {
            "id": message.reply_to.id,
            "text": message.reply_to.text,
            "author": None if author is None else _person(author),
        }
    if message.forwarded_from is not None:
        origin["forwardedFrom"] = message.forwarded_from
    if heard:
        origin["history"] = [
            {
                "sender": _person(one.author),
                "at": one.at.isoformat(),
                "text": one.text,
            }
            for one in heard
        ]
    if dropped:
        origin["dropped"] = [
            {"sender": _person(one.author), "text": one.text[:MAX_DROPPED]} for one in dropped
        ]
    if revised:
        origin["revisions"] = [
            {
                "change": one.change,
                "sender": _person(one.author),
                "former": former,
                **({"text": one.text[:MAX_REVISED]} if one.change == "edited" else {}),
            }
            for one, former in revised
        ]
    return origin


def _scheduled(errand: Errand) -> dict[str, object]:
    return {
        "task": errand.task,
        "name": errand.name,
        "writtenBy": errand.author,
        **({"tainted": errand.tainted} if errand.tainted else {}),
        **({"checkSaid": errand.signal} if errand.signal else {}),
    }


def _person(author: Author) -> dict[str, str]:
    return {"id": author.id, "name": author.name}


def conversation(entries: Sequence[Entry]) -> list[Entry]:
    """The entries as a model gets them: notes and empty failures left out, context put in.

    A compaction stands for what came before the first entry that it kept. What scheduled runs gave
    meanwhile stands before the next question, so that it comes between no call and its result.
    """
    # A loop without calls for most entries: long transcripts go through here at every request.
    shown: list[Entry] = []
    aside: list[Entry] = []
    for entry in entries:
        role = entry.role
        if role == "user":
            shown.append(entry if _is_plain(entry) and not aside else _with_blocks(entry, aside))
            if aside:
                aside = []
        elif role == "assistant" and entry.origin is not None and entry.aside:
            aside.append(entry)
        elif role == "tool" or (role == "assistant" and (entry.text or entry.calls)):
            shown.append(entry)
        elif role == "compaction":
            shown = seen_after(shown, entry)
    return shown


def _is_plain(entry: Entry) -> bool:
    """Is there nothing to tell the model beside the text?"""
    origin = entry.origin
    if entry.attachments or len(entry.text) > MAX_USER_TEXT:
        return False
    if origin is None:
        return True
    if not _CONTEXT.isdisjoint(origin):
        return False
    return origin.get("kind") not in _ROOMS or entry.author is None


def _with_blocks(entry: Entry, aside: Sequence[Entry] = ()) -> Entry:
    return replace(entry, text="\n".join([*map(_result_block, aside), *_blocks(entry)]))


def _result_block(entry: Entry) -> str:
    task = dict((entry.origin or {})["task"])
    task.pop("foreign", None)
    text = entry.text
    if len(text) > MAX_RESULT:
        text = f"{text[:MAX_RESULT]} [{len(text) - MAX_RESULT} more characters]"
    return _quoted({"scheduledTaskGave": {**task, "text": text}})


def _blocks(entry: Entry) -> list[str]:
    origin = entry.origin or {}
    blocks = []
    if "history" in origin:
        blocks.append(_quoted({"history": origin["history"]}))
    if "dropped" in origin:
        blocks.append(_quoted({"notRead": origin["dropped"]}))
    if "revisions" in origin:
        blocks.append(_quoted({"revisions": origin["revisions"]}))
    if origin.get("kind") in _ROOMS and entry.author is not None:
        blocks.append(_quoted({"sender": _person(entry.author)}))
    if "quote" in origin:
        blocks.append(_quoted({"replyTo": origin["quote"]}))
    if "forwardedFrom" in origin:
        blocks.append(_quoted({"forwardedFrom": origin["forwardedFrom"]}))
    if "source" in origin:
        blocks.append(_quoted({"fromSession": origin["source"]}))
    if "scheduled" in origin:
        blocks.append(_quoted({"scheduledTask": origin["scheduled"]}))
    for one in entry.attachments:
        blocks.append(_quoted({"attachment": dict(one)}))
    text = entry.text
    if len(text) > MAX_USER_TEXT:
        left = len(text) - MAX_USER_TEXT
        text = f"{text[:MAX_USER_TEXT]}\n[{left} more characters were cut here]"
    blocks.append(text)
    return blocks


def _quoted(block: dict[str, object]) -> str:
    text = json.dumps(block, ensure_ascii=False).replace("<", "\\u003c")
    return f"<quoted>{text}</quoted>"
