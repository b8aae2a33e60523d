"""The page's model of a conversation, in every order in which history and events may come."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect

from bot.gateway import frames
from tests.browser.site import Site, composer, say

pytestmark = pytest.mark.browser


def row(run: str, role: str, text: str, number: int, **more: Any) -> dict[str, Any]:
    base = {"id": str(number), "role": role, "text": text, "runId": run, "state": "done"}
    return {**base, "at": "2026-01-02T03:04:05+00:00", "toolCalls": [], "thinking": None, **more}


def page_of(*rows: dict[str, Any], active: dict[str, Any] | None = None, session: str = "s1"):
    page = {"sessionId": session, "messages": rows, "hasMore": False, "activeRun": active}
    return ["withHistory", page]


def chat(seq: int, state: str, text: str | None, run: str = "r1"):
    message = None if text is None else {"text": text}
    return ["withChat", {"runId": run, "seq": seq, "state": state, "message": message}]


def agent(seq: int, stream: str, run: str = "r1", **data: Any):
    event = {"runId": run, "seq": seq, "stream": stream, "ts": "2026-01-02T03:04:05Z", "data": data}
    return ["withAgent", event]


ASKED = row("r1", "user", "hello", 1)
ANSWERED = row("r1", "assistant", "a b c", 2)
ACTIVE = {"runId": "r1", "seq": 5, "text": "a b", "startedAt": "2026-01-02T03:04:05Z"}
START = agent(1, "lifecycle", phase="start")
SENT = ["withSent", {"runId": "r1", "text": "hello"}]

REPLAY = """async steps => {
  const model = await import('/static/chat/transcript.js');
  const end = steps.reduce((talk, [name, ...rest]) => model[name](talk, ...rest), model.empty());
  return JSON.stringify(model.items(end).map(({kind, runId, text, state, tools}) =>
    ({kind, runId, text, state, tools: tools?.map(tool => [tool.name, tool.state])})));
}"""


@pytest.fixture
async def page(web: Site) -> AsyncIterator[Page]:
    yield await web.sign_in()


async def shown(page: Page, *steps: Any) -> list[tuple[str, str]]:
    """Who says what in the end: `>` asks, `<` has answered, `~` is answering."""
    marks = {"user": ">", "note": "-"}
    items = json.loads(await page.evaluate(REPLAY, list(steps)))
    return [
        marks.get(item["kind"], "~" if item["state"] == "running" else "<") + (item["text"] or "")
        for item in items
    ]


WHOLE = [">hello", "<a b c"]


async def test_an_end_is_shown_once_however_often_it_comes(page: Page):
    ends = [chat(9, "final", "a b c"), chat(9, "final", "a b c")]
    assert await shown(page, page_of(), SENT, START, *ends) == WHOLE
    assert await shown(page, page_of(), SENT, START, *ends, page_of(ASKED, ANSWERED)) == WHOLE
    assert await shown(page, page_of(), page_of(ASKED, ANSWERED), *ends) == WHOLE


async def test_old_pieces_change_nothing(page: Page):
    grown = [page_of(ASKED), START, chat(4, "delta", "a b")]
    assert await shown(page, *grown, chat(3, "delta", "a")) == [">hello", "~a b"]
    assert await shown(page, *grown, chat(9, "final", "a b c"), chat(5, "delta", "a b")) == WHOLE


async def test_a_history_that_is_late_takes_nothing_back(page: Page):
    late = page_of(ASKED, active=ACTIVE)
    grown = [page_of(ASKED), START, chat(7, "delta", "a b c")]
    assert await shown(page, *grown, late) == [">hello", "~a b c"]
    assert await shown(page, *grown, chat(9, "final", "a b c"), late) == WHOLE
    assert await shown(page, *grown, chat(9, "final", "a b c"), page_of()) == ["<a b c"]


async def test_after_a_reload_the_history_and_the_next_events_make_the_whole(page: Page):
    loaded = page_of(ASKED, active=ACTIVE)
    assert await shown(page, loaded) == [">hello", "~a b"]
    assert await shown(page, loaded, chat(6, "delta", "a b c")) == [">hello", "~a b c"]
    assert await shown(page, loaded, chat(9, "final", "a b c")) == WHOLE


async def test_a_run_that_ended_while_we_were_away_does_not_hang(page: Page):
    grown = [page_of(ASKED), START, chat(4, "delta", "a b"), ["doubted"]]
    assert await shown(page, *grown, page_of(ASKED, ANSWERED)) == WHOLE
    assert await shown(page, *grown, page_of(ASKED, active=ACTIVE)) == [">hello", "~a b"]
    assert await shown(page, *grown, chat(5, "delta", "a b c"), page_of(ASKED)) == [
        ">hello",
        "~a b c",
    ]


async def test_texts_between_tools_are_one_answer(page: Page):
    call = {"id": "c1", "name": "look", "args": {}}
    rows = [
        ASKED,
        row("r1", "assistant", "let me see", 2, toolCalls=[call]),
        row("r1", "tool", "seen", 3, toolCallId="c1", isError=False),
        row("r1", "assistant", "done", 4),
    ]
    live = [
        START,
        chat(2, "delta", "let me see"),
        agent(3, "tool", phase="start", toolCallId="c1", name="look"),
        agent(4, "tool", phase="result", toolCallId="c1", name="look", isError=False),
        chat(6, "final", "let me see\n\ndone"),
    ]
    whole = [">hello", "<let me see\n\ndone"]
    assert await shown(page, page_of(*rows)) == whole
    assert await shown(page, page_of(ASKED), *live) == whole
    assert await shown(page, page_of(ASKED), *live, page_of(*rows)) == whole
    for steps in ([page_of(*rows)], [page_of(ASKED), *live]):
        items = json.loads(await page.evaluate(REPLAY, steps))
        assert items[1]["tools"] == [["look", "done"]]


async def test_what_a_tool_has_shown_is_part_of_the_answer_and_stays_after_a_refresh(page: Page):
    call = {"id": "c1", "name": "message", "args": {}}
    file = {"id": "x", "name": "a.txt", "mime": "text/plain", "size": 1}
    old = [
        ASKED,
        row("r1", "assistant", "", 2, toolCalls=[call]),
        row("r1", "tool", "sent", 3, toolCallId="c1", isError=False),
        {**row("r1", "assistant", "look", 0, attachments=[file]), "id": "r1:assistant"},
    ]
    fresh = page_of(row("r2", "user", "later", 4))
    assert await shown(page, page_of(*old), fresh) == [">hello", "<look", ">later"]


async def test_silence_and_what_was_joined_leave_nothing(page: Page):
    assert await shown(page, page_of(ASKED), START, chat(3, "final", None)) == [">hello"]


async def test_commands_keep_their_place(page: Page):
    steps = [
        page_of(ASKED, ANSWERED),
        ["withSent", {"runId": "c1", "text": "/status"}],
        ["withSent", {"runId": "c2", "text": "/help"}],
        chat(1, "final", "fine", "c1"),
        chat(1, "final", "words", "c2"),
    ]
    commands = [">/status", "<fine", ">/help", "<words"]
    assert await shown(page, *steps) == [*WHOLE, *commands]
    later = page_of(ASKED, ANSWERED, row("r2", "user", "later", 3))
    assert await shown(page, *steps, later) == [*WHOLE, *commands, ">later"]


async def test_a_new_transcript_puts_the_old_one_away(page: Page):
    steps = [
        page_of(ASKED, ANSWERED),
        ["withSent", {"runId": "c1", "text": "/new"}],
        chat(1, "final", "started", "c1"),
    ]
    fresh = page_of(row("r9", "user", "fresh", 1), session="s2")
    assert await shown(page, *steps, fresh) == [">/new", "<started", ">fresh"]


async def test_a_newer_server_reloads_an_old_page_once_and_keeps_the_draft(
    web: Site, monkeypatch: pytest.MonkeyPatch
):
    page = await web.sign_in()
    await composer(page).fill("half a thought")
    monkeypatch.setattr(frames, "__version__", "999.0.0")
    visits: list[str] = []

    def is_second_visit(request: Request) -> bool:
        if request.is_navigation_request():
            visits.append(request.url)
        return len(visits) == 2

    # Visits, not load events: a page that reloads itself early never fires the first of those.
    async with page.expect_request(is_second_visit):
        await page.reload(wait_until="commit")
    await web.ready(page)
    await expect(composer(page)).to_have_value("half a thought")
    page.on("request", is_second_visit)
    await say(page, "still here")
    await expect(page.get_by_text("echo still here")).to_be_visible()
    assert len(visits) == 2
