"""Checks of files, pictures, places: in both directions."""

from __future__ import annotations

from dataclasses import replace

from bot.contract import AttachmentKind, File, Reply
from bot.errors import ChannelError, SendError
from bot.testing.conformance.stage import Stage, expect, failure
from bot.testing.conformance.suite import check

DATA = bytes(range(256)) * 300
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


async def _arrives(stage: Stage, kind: AttachmentKind) -> None:
    adapter, core = await stage.online()
    data = _PNG if kind == "image" else DATA
    await stage.world.show(stage.place(), kind, data, "look")
    message = await core.of("the attachment", lambda one: one.attachments)
    (found,) = message.attachments
    expect(found.kind == kind, f"it came as {found.kind}")
    expect(found.name and found.mime, "it has no name or no type")
    if kind not in ("location", "contact"):
        got = b"".join([piece async for piece in adapter.fetch(found, len(data))])
        expect(got == data, f"{len(got)} bytes came of {len(data)}")


@check("attach-image", "image")
async def image(stage: Stage) -> None:
    """A picture arrives as one, and its bytes can be had."""
    await _arrives(stage, "image")


@check("attach-audio", "audio")
async def audio(stage: Stage) -> None:
    """Sound arrives as such, and its bytes can be had."""
    await _arrives(stage, "audio")


@check("attach-video", "video")
async def video(stage: Stage) -> None:
    """A film arrives as one, and its bytes can be had."""
    await _arrives(stage, "video")


@check("attach-file", "file")
async def file(stage: Stage) -> None:
    """A file arrives as one, and its bytes can be had."""
    await _arrives(stage, "file")


@check("attach-sticker", "sticker")
async def sticker(stage: Stage) -> None:
    """A sticker arrives as one, and its bytes can be had."""
    await _arrives(stage, "sticker")


@check("attach-location", "location")
async def location(stage: Stage) -> None:
    """A place arrives as an attachment and as words."""
    await _arrives(stage, "location")
    expect(stage.core.messages[0].text.strip(), "no words say where it is")


@check("attach-contact", "contact")
async def contact(stage: Stage) -> None:
    """A contact arrives as an attachment and as words."""
    await _arrives(stage, "contact")
    expect(stage.core.messages[0].text.strip(), "no words say who it is")


@check("fetch-capped", "file")
async def capped(stage: Stage) -> None:
    """A file over the limit is refused, whatever size it claims, and never handed out whole."""
    adapter, core = await stage.online()
    await stage.world.show(stage.place(), "file", DATA)
    message = await core.of("the file", lambda one: one.attachments)
    for claimed in (message.attachments[0].size, None, 10):
        got = 0
        try:
            async for piece in adapter.fetch(replace(message.attachments[0], size=claimed), 1000):
                got += len(piece)
        except ChannelError:
            pass
        else:
            raise AssertionError(f"{got} bytes came under a limit of 1000")
        expect(got <= 1000, f"{got} bytes came before the refusal")


@check("fetch-gone", "file")
async def gone(stage: Stage) -> None:
    """A file that is not there is told as a ChannelError."""
    adapter, core = await stage.online()
    await stage.world.show(stage.place(), "file", DATA)
    message = await core.of("the file", lambda one: one.attachments)
    missing = replace(message.attachments[0], handle="gone")
    try:
        async for _ in adapter.fetch(missing, 1_000_000):
            pass
    except ChannelError:
        return
    raise AssertionError("nothing was fetched and nothing said so")


@check("send-file", "files-out")
async def send_file(stage: Stage) -> None:
    """A file that the bot sends appears with its name and its bytes, beside the words."""
    adapter, _ = await stage.online()
    to = stage.place()
    reply = Reply("the report", (File("report.pdf", "application/pdf", DATA),))
    await adapter.send(to, reply, "file")
    seen = stage.seen(to)
    files = [file for message in seen for file in message.files]
    expect(("report.pdf", DATA) in files, f"there are {[(n, len(d)) for n, d in files]}")
    expect(any("the report" in message.text for message in seen), "the words are missing")


@check("send-file-odd-name", "files-out")
async def odd_name(stage: Stage) -> None:
    """A file's name with quotes, slashes and line breaks does no harm."""
    adapter, _ = await stage.online()
    to = stage.place()
    name = '../a"b\r\nX-Evil: 1\0é.txt'
    try:
        await adapter.send(to, Reply("", (File(name, "text/plain", b"words"),)), "odd")
    except SendError:
        return
    files = [file for message in stage.seen(to) for file in message.files]
    expect([data for _, data in files] == [b"words"], f"there are {files}")


@check("send-only-file", "files-out")
async def only_file(stage: Stage) -> None:
    """A file without words can be sent."""
    adapter, _ = await stage.online()
    to = stage.place()
    await adapter.send(to, Reply("", (File("a.txt", "text/plain", b"words"),)), "only")
    expect(any(message.files for message in stage.seen(to)), "no file appeared")


@check("send-files-unsupported")
async def no_files(stage: Stage) -> None:
    """An adapter whose platform takes no files says Unsupported, instead of dropping them."""
    if stage.has("files-out"):
        return
    adapter, _ = await stage.online()
    reply = Reply("", (File("a.txt", "text/plain", b"words"),))
    await failure(adapter.send(stage.place(), reply, "none"))
