"""docs/gateway.md says what there is: each route, event, and method as the registry has it."""

from pathlib import Path

import pytest
from aiohttp import web

from bot.gateway.answers import STATUS
from bot.gateway.frames import EVENTS
from bot.gateway.methods import METHODS
from bot.gateway.reference import END, filled
from bot.gateway.routes import Routes

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text(encoding="utf-8")


async def nowhere(request: web.Request) -> web.StreamResponse:
    return web.Response()


def routes() -> set[tuple[str, str]]:
    app = web.Application()
    Routes(None, None).add(app, nowhere)
    found = {(route.method, route.resource.canonical) for route in app.router.routes()}
    return {(method, path) for method, path in found if method != "HEAD"}


def test_the_method_list_is_made_from_the_methods():
    told = "run: python -m bot.gateway.reference docs/gateway.md"
    assert filled(PAGE) == PAGE, told


def test_another_list_would_be_seen():
    changed = PAGE.replace("#### chat.send", "#### chat.sent")
    assert filled(changed) == PAGE


def test_a_page_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="unpack"):
        filled(PAGE.replace(END, ""))


def test_every_route_is_described():
    missing = [one for one in sorted(routes()) if f"`{one[0]} {one[1]}`" not in PAGE]
    assert not missing


def test_every_answer_is_described():
    answers = PAGE.partition("\n## Answers\n")[2].partition("\n## Events\n")[0]
    assert not [one.name for one in METHODS if f"`{one.name}`" not in answers]


def test_no_method_is_described_that_is_not_there():
    answers = PAGE.partition("\n## Answers\n")[2].partition("\nThe rows:\n")[0]
    first = [line.split("|")[1] for line in answers.splitlines() if line.startswith("| `")]
    named = {name.strip(" `") for cell in first for name in cell.split(",")}
    assert named == {one.name for one in METHODS}


def test_every_event_is_described():
    events = PAGE.partition("\n## Events\n")[2]
    assert not [name for name in EVENTS if f"`{name}`" not in events]


def test_every_code_has_its_status():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `") and line.count("|") == 4]
    for code, status in STATUS.items():
        assert [row for row in rows if f"`{code}`" in row and str(status) in row], code
