"""Checks of what the bot says: that it appears, where, once, and as it was meant."""

from __future__ import annotations

import asyncio

from bot.contract import Adapter, Button, Ref, Reply
from bot.errors import Refused, SendError, Unsupported
from bot.testing.conformance.stage import Stage, expect, failure, unsupported
from bot.testing.conformance.suite import NotClaimed, check


async def _answers(stage: Stage, kind: str) -> None:
    adapter, _ = await stage.online()
    to = stage.place(kind)  # type: ignore[arg-type]
    message = await stage.hears(to, "are you there?")
    ref = await adapter.send(message.address, Reply("I am"), "answer")
    shown = stage.seen(to)
    expect([one.text for one in shown] == ["I am"], f"there appeared {[o.text for o in shown]}")
    expect(ref.id == shown[-1].id, f"the Ref names {ref.id}, the platform {shown[-1].id}")
    expect(ref.address == message.address, f"the Ref's address is {ref.address.key}")


@check("answer-direct", "direct")
async def direct(stage: Stage) -> None:
    """An answer to a message's address appears where the message was: alone with a person."""
    await _answers(stage, "direct")


@check("answer-group", "group")
async def group(stage: Stage) -> None:
    """An answer to a message's address appears where the message was: in a room."""
    await _answers(stage, "group")


@check("answer-thread", "thread")
async def thread(stage: Stage) -> None:
    """An answer in a thread appears in it, and not beside it."""
    await _answers(stage, "thread")
    beside = [seen.text for seen in stage.seen(stage.place("group"))]
    expect(not beside, f"in the room appeared {beside}")


@check("caps-threads")
async def caps_threads(stage: Stage) -> None:
    """Threads are claimed exactly when the platform has them."""
    claimed = stage.adapter().caps.threads
    expect(claimed == stage.has("thread"), f"caps.threads is {claimed}")


@check("order-out")
async def order(stage: Stage) -> None:
    """Ten answers one after the other appear in their order."""
    adapter, _ = await stage.online()
    to = stage.place()
    said = [f"part {number}" for number in range(10)]
    for text in said:
        await adapter.send(to, Reply(text), text)
    expect([seen.text for seen in stage.seen(to)] == said, "they appeared otherwise")


@check("side-by-side", "group", "direct")
async def side_by_side(stage: Stage) -> None:
    """Answers sent at once to two places appear each in its own."""
    adapter, _ = await stage.online()
    places = [stage.place("direct"), stage.place("group")]
    await asyncio.gather(*(adapter.send(to, Reply(to.key), to.key) for to in places))
    for to in places:
        expect([seen.text for seen in stage.seen(to)] == [to.key], f"{to.key} got another's")


@check("quote-sent", "quoted")
async def quote(stage: Stage) -> None:
    """An answer that quotes a message hangs on that message."""
    adapter, _ = await stage.online()
    to = stage.place("group" if stage.has("group") else "direct")
    message = await stage.hears(to, "which one?")
    seen = await stage.shows(adapter, to, Reply("this one", reply_to=message.ref.id))
    expect(seen.quoted == message.ref.id, f"it hangs on {seen.quoted}")


@check("quote-gone", "quoted", "deleted")
async def quote_gone(stage: Stage) -> None:
    """An answer to a message that was taken away appears all the same."""
    adapter, core = await stage.online()
    to = stage.place("group" if stage.has("group") else "direct")
    message = await stage.hears(to, "never mind")
    await stage.world.delete(to, message.ref.id)
    await core.of("the deletion", lambda one: one.change == "deleted")
    seen = await stage.shows(adapter, to, Reply("too late", reply_to=message.ref.id))
    expect(seen.text == "too late", f"there appeared {seen.text!r}")


@check("edit")
async def edit(stage: Stage) -> None:
    """Editing that is claimed replaces the text in its place; otherwise it is Unsupported."""
    adapter, _ = await stage.online()
    to = stage.place()
    ref = await adapter.send(to, Reply("first"), "edited")
    if not adapter.caps.edit:
        return await unsupported(adapter.edit(ref, Reply("second")))
    await adapter.edit(ref, Reply("second"))
    expect([seen.text for seen in stage.seen(to)] == ["second"], "the text is not replaced")


@check("edit-unchanged")
async def edit_unchanged(stage: Stage) -> None:
    """An edit that changes nothing is a success."""
    adapter, _ = await stage.online()
    if not adapter.caps.edit:
        raise NotClaimed("edit")
    ref = await adapter.send(stage.place(), Reply("the *same*"), "same")
    await adapter.edit(ref, Reply("the *same*"))
    await adapter.edit(ref, Reply("the *same*"))


@check("edit-in-thread", "thread")
async def edit_in_thread(stage: Stage) -> None:
    """A message in a thread can be edited and deleted like any other."""
    adapter, _ = await stage.online()
    to = stage.place("thread")
    ref = await adapter.send(to, Reply("first"), "deep")
    if adapter.caps.edit:
        await adapter.edit(ref, Reply("second"))
        expect([seen.text for seen in stage.seen(to)] == ["second"], "the text is not replaced")
    if adapter.caps.delete:
        await adapter.delete(ref)
        expect(not stage.seen(to), "it is still there")


@check("edit-unknown")
async def edit_unknown(stage: Stage) -> None:
    """An edit of a message that is no more is a SendError, not a new message."""
    adapter, _ = await stage.online()
    if not (adapter.caps.edit and adapter.caps.delete):
        raise NotClaimed("edit and delete")
    ref = await adapter.send(stage.place(), Reply("short-lived"), "short")
    await adapter.delete(ref)
    await failure(adapter.edit(ref, Reply("again")))
    expect(not stage.seen(stage.place()), "it came back")


@check("delete")
async def delete(stage: Stage) -> None:
    """Deleting that is claimed takes the message away; otherwise it is Unsupported."""
    adapter, _ = await stage.online()
    to = stage.place()
    ref = await adapter.send(to, Reply("a slip"), "slip")
    if not adapter.caps.delete:
        return await unsupported(adapter.delete(ref))
    await adapter.delete(ref)
    expect(not stage.seen(to), "it is still there")


@check("delete-gone")
async def delete_gone(stage: Stage) -> None:
    """Deleting what is gone already is a success."""
    adapter, _ = await stage.online()
    if not adapter.caps.delete:
        raise NotClaimed("delete")
    ref = await adapter.send(stage.place(), Reply("a slip"), "slip")
    await adapter.delete(ref)
    await adapter.delete(ref)


@check("react")
async def react(stage: Stage) -> None:
    """Reacting that is claimed shows the emoji; otherwise it is Unsupported."""
    adapter, _ = await stage.online()
    to = stage.place()
    ref = await adapter.send(to, Reply("done"), "done")
    if not adapter.caps.react:
        return await unsupported(adapter.react(ref, "👍"))
    await adapter.react(ref, "👍")
    shown = stage.seen(to)[-1].reactions
    expect(list(shown) == ["👍"], f"under it stand {list(shown)}")


@check("typing")
async def typing(stage: Stage) -> None:
    """Typing that is claimed shows no message, as often as you like; otherwise Unsupported."""
    adapter, _ = await stage.online()
    to = stage.place()
    if not adapter.caps.typing:
        return await unsupported(adapter.typing(to))
    for _ in range(3):
        await adapter.typing(to)
    expect(not stage.seen(to), "a message appeared")


@check("buttons")
async def buttons(stage: Stage) -> None:
    """Buttons that are claimed come back when pressed: 64 bytes whole, each press a new event."""
    adapter, core = await stage.online()
    if not adapter.caps.buttons:
        raise NotClaimed("buttons")
    to = stage.place()
    value = "v" * 62 + "é"
    reply = Reply("sure?", buttons=(Button("Yes", value, "primary"), Button("No", "n", "danger")))
    seen = await stage.shows(adapter, to, reply)
    expect([label for label, _ in seen.buttons] == ["Yes", "No"], f"there are {seen.buttons}")
    await stage.world.press(to, seen.id, "Yes")
    await core.until("the press", lambda: len(core.messages) == 1)
    await stage.world.press(to, seen.id, "Yes")
    await core.until("the second press", lambda: len(core.stored()) == 2)
    first = core.messages[0]
    expect(first.change == "action", f"change is {first.change}")
    expect(first.action and first.action.value == value, f"the action is {first.action}")
    expect(first.address == to, f"it was pressed in {first.address.key}")
    expect(first.ref.id == seen.id, f"it hangs under {first.ref.id}, not {seen.id}")
    expect(not first.author.is_self, "the bot is said to have pressed it")


@check("buttons-replaced")
async def buttons_replaced(stage: Stage) -> None:
    """An edit without buttons takes the buttons away, so that nothing is pressed twice."""
    adapter, _ = await stage.online()
    if not (adapter.caps.buttons and adapter.caps.edit):
        raise NotClaimed("buttons and edit")
    to = stage.place()
    ref = await adapter.send(to, Reply("sure?", buttons=(Button("Yes", "y"),)), "card")
    await adapter.edit(ref, Reply("done"))
    expect(not stage.seen(to)[-1].buttons, "the buttons are still there")


@check("same-key")
async def same_key(stage: Stage) -> None:
    """An idempotent send, where claimed: the same key shows nothing twice."""
    adapter, _ = await stage.online()
    if not adapter.caps.idempotent_send:
        raise NotClaimed("idempotent_send")
    to = stage.place()
    first = await adapter.send(to, Reply("once"), "one-key")
    second = await adapter.send(to, Reply("once"), "one-key")
    await adapter.send(to, Reply("once"), "other-key")
    expect(len(stage.seen(to)) == 2, f"{len(stage.seen(to))} messages appeared, not 2")
    expect(first == second, "the two Refs differ")


@check("find")
async def find(stage: Stage) -> None:
    """Looking up, where claimed, finds what was sent with a key and nothing else."""
    adapter, _ = await stage.online()
    kinds = [kind for kind in ("direct", "group", "thread") if stage.has(kind)]
    if not adapter.caps.find:
        return await unsupported(adapter.find(stage.place(), "a-key"))
    for kind in kinds:
        to = stage.place(kind)  # type: ignore[arg-type]
        ref = await adapter.send(to, Reply("find me"), f"key-{kind}")
        found = await adapter.find(to, f"key-{kind}")
        expect(found == ref, f"in the {kind} it found {found}, not {ref}")
        expect(await adapter.find(to, "another-key") is None, "it found what was never sent")


@check("find-after-restart")
async def find_after_restart(stage: Stage) -> None:
    """Looking up, where claimed, works for the next process, too."""
    adapter, _ = await stage.online()
    if not adapter.caps.find:
        raise NotClaimed("find")
    to = stage.place()
    ref = await adapter.send(to, Reply("find me"), "old-key")
    await stage.offline(adapter)
    later = await stage.started()
    found = await later.find(to, "old-key")
    expect(found == ref, f"it found {found}")


@check("stream")
async def stream(stage: Stage) -> None:
    """A platform's own streaming, where claimed, ends as one message with the final text."""
    adapter, _ = await stage.online()
    if not adapter.caps.native_stream:
        return await unsupported(adapter.stream(stage.place(), "s", "begin", None))
    kinds = [kind for kind in ("direct", "group", "thread") if stage.has(kind)]
    done = [await _streamed(stage, adapter, kind) for kind in kinds]
    expect(any(done), "it streams in no place")


async def _streamed(stage: Stage, adapter: Adapter, kind: str) -> bool:
    """Stream an answer in such a place; False where that is Unsupported."""
    to = (await stage.hears(stage.world.place(kind), f"a story, {kind}")).address  # type: ignore[arg-type]
    ref: Ref | None = None
    try:
        for text in ("It is", "It is a long", "It is a long story."):
            ref = await adapter.stream(to, "streamed", text, ref)
    except Unsupported:
        return False
    final = Reply("It is a long story. The end.")
    await (adapter.send(to, final, "streamed") if ref is None else adapter.edit(ref, final))
    texts = [seen.text for seen in stage.seen(to)]
    expect(texts == ["It is a long story. The end."], f"there stand {texts}")
    return True


@check("empty")
async def empty(stage: Stage) -> None:
    """A reply with nothing in it is a SendError that says so; nothing appears."""
    adapter, _ = await stage.online()
    for text in ("", " \n\t"):
        error = await failure(adapter.send(stage.place(), Reply(text), "empty"))
        expect(isinstance(error, Refused), f"it is {type(error).__name__}: {error}")
    expect(not stage.seen(stage.place()), "something appeared")


@check("odd-address", "refused")
async def odd_address(stage: Stage) -> None:
    """A reply to a place that cannot exist is a SendError, with no harm."""
    adapter, _ = await stage.online()
    to = stage.place()
    odd = type(to)(to.channel, to.account, "no such / place?\n", None)
    try:
        await adapter.send(odd, Reply("hello"), "odd")
    except SendError:
        return
    raise AssertionError("it went somewhere")
