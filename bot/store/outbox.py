"""Scripts over the outbox: a row for each part of an answer, from pending to its receipt.

States: `posting` and `posted` are a preview on its way and shown; `pending`, `sending`, `sent`,
`failed` and `held` are the answer. A row found in `sending` when nobody sends is uncertain.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Container, Sequence
from dataclasses import dataclass

from bot.codec import reply_from, reply_json
from bot.contract import Address, Reply
from bot.engine.port import Row, Script, Sql, Wake, q


@dataclass(frozen=True, slots=True)
class Part:
    """One part on its way. `uncertain`: a send was begun and its outcome is unknown."""

    id: int
    run: str
    part: int
    address: Address
    op: str
    reply: Reply
    ref: str | None
    attempts: int
    uncertain: bool
    created_at: float

    @property
    def key(self) -> str:
        return f"{self.run}:{self.part}"

    def saying(self, text: str) -> Part:
        """The same part with this text."""
        if text == self.reply.text:
            return self
        return dataclasses.replace(self, reply=dataclasses.replace(self.reply, text=text))


def enqueue(
    run: str, address: Address, replies: Sequence[Reply], now: float, first: int = 0
) -> Script[None]:
    """Put an answer's parts out; the first takes the place of a preview, none removes it.

    `settle` is the first part where nobody knows whether a preview is shown. `first` parts were
    put out before, while the answer was written.
    """
    if first:
        for number, reply in enumerate(replies, first):
            yield from _put(run, number, address, "send", reply, now)
        yield Wake("out", address.key)
        return
    rows = yield q("SELECT state FROM outbox WHERE run = ? AND part = 0", run)
    preview = rows[0]["state"] if rows else None
    begin = {"posted": "edit", "posting": "settle"}.get(preview or "", "send")
    for number, reply in enumerate(replies):
        yield from _put(run, number, address, "send" if number else begin, reply, now)
    if not replies and preview:
        gone = "delete" if preview == "posted" else "settle"
        yield from _put(run, 0, address, gone, Reply(""), now)
    yield Wake("out", address.key)


def _put(run: str, part: int, address: Address, op: str, reply: Reply, now: float) -> Script[None]:
    yield q(
        "INSERT INTO outbox(run, part, address, op, reply, state, next_at, created_at) "
        "VALUES(?, ?, ?, ?, ?, 'pending', ?, ?) ON CONFLICT(run, part) DO UPDATE SET "
        "op = excluded.op, reply = excluded.reply, state = 'pending', next_at = excluded.next_at",
        run,
        part,
        address.key,
        op,
        json.dumps(reply_json(reply)),
        now,
        now,
    )


def replace(run: str, address: Address, reply: Reply, now: float) -> Script[None]:
    """Let what was sent as a run's first part become another; where it was not shown, send it."""
    yield from _put(run, 1, address, "edit", reply, now)
    yield Wake("out", address.key)


def block(
    run: str, number: int, address: Address, reply: Reply, text: str, now: float
) -> Script[None]:
    """Put a part out while the answer is still written; `text` is what it stands for."""
    yield from _put(run, number, address, "send", reply, now)
    yield q("UPDATE outbox SET block = ? WHERE run = ? AND part = ?", text, run, number)
    yield Wake("out", address.key)


def beside(run: str, address: Address, reply: Reply, now: float) -> Script[None]:
    """Put out what goes beside an answer, now. Such parts have numbers below zero."""
    rows = yield q("SELECT min(part) AS least FROM outbox WHERE run = ?", run)
    number = min(rows[0]["least"] or 0, 0) - 1
    yield from _put(run, number, address, "send", reply, now)
    yield Wake("out", address.key)


# What may be done to a message that is there, and the name of that in a row.
CHANGES = {"react": "react", "edit": "change", "delete": "remove"}


def change(run: str, address: Address, op: str, ref: str, reply: Reply, now: float) -> Script[None]:
    """Put out a change of a message: another text, a reaction (the reply's text), its removal."""
    yield from _put(run, 0, address, op, reply, now)
    yield q("UPDATE outbox SET ref = ? WHERE run = ? AND part = 0", ref, run)
    yield Wake("out", address.key)


def by_ref(ref: str) -> Script[list[Row]]:
    """What was sent and has this id on its platform, whichever that is."""
    return (
        yield q(
            "SELECT address FROM outbox WHERE ref = ? AND op IN ('send', 'edit', 'settle')", ref
        )
    )


def sent_by(run: str, tool: str, address: Address) -> Script[list[Row]]:
    """What calls of a tool have sent to a place in a run, unless it was changed or removed since.

    Such a call's row has the run `<tool>:<run>:<call>`.
    """
    return (
        yield q(
            "SELECT o.reply FROM calls c "
            "JOIN outbox o ON o.run = c.name || ':' || c.run || ':' || c.call "
            "WHERE c.run = ? AND c.name = ? AND o.address = ? AND o.op = 'send' "
            "AND o.state <> 'failed' AND NOT EXISTS (SELECT 1 FROM outbox n WHERE n.ref = o.ref "
            "AND n.address = o.address AND n.op IN ('change', 'remove')) ORDER BY o.id",
            run,
            tool,
            address.key,
        )
    )


def own_part(run: str, address: str, now: float) -> Script[Part | None]:
    """Mark a run's next part as being sent, if nothing of the conversation is before it.

    A part that is `sending` belongs to the conversation's drain, which may be at it this moment.
    """
    rows = yield _first(address)
    if not rows or rows[0]["run"] != run or rows[0]["next_at"] > now:
        return None
    if rows[0]["state"] == "sending":
        return None
    return (yield from _mark_sending(rows[0]))


def _first(address: str) -> Sql:
    return q(
        "SELECT * FROM outbox WHERE address = ? AND state IN ('pending', 'sending') "
        "ORDER BY id LIMIT 1",
        address,
    )


def _mark_sending(row: Row) -> Script[Part]:
    yield q("UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?", row["id"])
    if row["op"] == "edit" and row["ref"] is None:
        first = yield q("SELECT ref FROM outbox WHERE run = ? AND part = 0", row["run"])
        ref = first[0]["ref"] if first else None
        return dataclasses.replace(_part(row), ref=ref, op="edit" if ref else "send")
    return _part(row)


def next_part(address: str, now: float, handed: Container[str]) -> Script[Part | float | None]:
    """Mark the next part of a conversation as being sent; or when it is due; or None.

    One whose key is in `handed` is about to be sent by somebody else of this process.
    """
    rows = yield _first(address)
    if not rows:
        return None
    if rows[0]["next_at"] > now:
        return float(rows[0]["next_at"])
    if rows[0]["state"] == "sending" and _part_key(rows[0]) in handed:
        return None
    return (yield from _mark_sending(rows[0]))


def sent(part: int, ref: str | None, again: bool, now: float) -> Script[None]:
    """Record the receipt. `again`: it may have been shown twice."""
    yield q(
        "UPDATE outbox SET state = 'sent', ref = coalesce(?, ref), sent_at = ?, error = NULL, "
        "again = ? WHERE id = ?",
        ref,
        now,
        int(again),
        part,
    )


def retry(part: int, op: str, at: float, error: str, *, unsure: bool = False) -> Script[None]:
    """Try again at a time; `unsure` keeps the mark that it may have been sent."""
    yield q(
        "UPDATE outbox SET state = ?, op = ?, next_at = ?, error = ? WHERE id = ?",
        "sending" if unsure else "pending",
        op,
        at,
        error,
        part,
    )


def give_up(part: int, state: str, error: str, now: float) -> Script[None]:
    """End a part as `failed` or `held`, with the reason."""
    yield q(
        "UPDATE outbox SET state = ?, error = ?, sent_at = ? WHERE id = ?", state, error, now, part
    )


def preview_key(run: str) -> str:
    """The key that a run's preview is sent with."""
    return f"{run}:preview"


def posting(run: str, address: Address, now: float) -> Script[bool]:
    """A preview is about to be posted; False when an earlier one may be shown already."""
    rows = yield q(
        "INSERT INTO outbox(run, part, address, op, reply, state, next_at, created_at) "
        "VALUES(?, 0, ?, 'send', '{\"text\": \"\"}', 'posting', ?, ?) "
        "ON CONFLICT(run, part) DO NOTHING RETURNING id",
        run,
        address.key,
        now,
        now,
    )
    return bool(rows)


def unposted(run: str) -> Script[None]:
    """The preview was certainly not posted."""
    yield q("DELETE FROM outbox WHERE run = ? AND part = 0 AND state = 'posting'", run)


def posted(run: str, ref: str) -> Script[None]:
    """The preview stands there. Too late where the answer is ready: its part looks for it."""
    yield q(
        "UPDATE outbox SET state = 'posted', ref = ? "
        "WHERE run = ? AND part = 0 AND state = 'posting'",
        ref,
        run,
    )


def preview_ref(run: str) -> Script[str | None]:
    """The id of the preview that a run has shown, if any."""
    rows = yield q("SELECT ref FROM outbox WHERE run = ? AND part = 0 AND state = 'posted'", run)
    return rows[0]["ref"] if rows else None


def blocks(run: str) -> Script[tuple[str, ...]]:
    """The texts of the parts that a run has sent while it was writing, in order."""
    rows = yield q(
        "SELECT block FROM outbox WHERE run = ? AND block IS NOT NULL ORDER BY part", run
    )
    return tuple(row["block"] for row in rows)


def of_run(run: str) -> Script[list[Row]]:
    return (yield q("SELECT * FROM outbox WHERE run = ? ORDER BY part", run))


def _part_key(row: Row) -> str:
    return f"{row['run']}:{row['part']}"


def _part(row: Row) -> Part:
    return Part(
        id=row["id"],
        run=row["run"],
        part=row["part"],
        address=Address.parse(row["address"]),
        op=row["op"],
        reply=reply_from(json.loads(row["reply"])),
        ref=row["ref"],
        attempts=row["attempts"],
        uncertain=row["state"] == "sending",
        created_at=row["created_at"],
    )
