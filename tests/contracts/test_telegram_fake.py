"""The local Telegram itself: it is worth as much as it does what the platform does."""

import aiohttp
import pytest

from adapters.fakes.telegram import FakeTelegram


@pytest.fixture
async def fake():
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def call(fake, http):
    async def ask(method, **params):
        url = f"{fake.base_url}/bot{fake.token}/{method}"
        async with http.post(url, json=params) as answer:
            return await answer.json()

    return ask


async def test_an_offset_confirms_all_below_it_and_the_rest_come_again(fake, call):
    for text in ("a", "b", "c"):
        fake.say(7, text)
    first = (await call("getUpdates"))["result"]
    assert [update["update_id"] for update in first] == [1001, 1002, 1003]
    again = (await call("getUpdates", offset=1002, limit=1))["result"]
    assert [update["message"]["text"] for update in again] == ["b"]
    assert [update["update_id"] for update in fake.pending] == [1002, 1003]
    assert len((await call("getUpdates", offset=-1))["result"]) == 1
    assert (await call("getUpdates", offset=1004))["result"] == []


async def test_only_the_kinds_asked_for_are_told(fake, call):
    await call("getUpdates", allowed_updates=["message"])
    fake.react(7, 1, "👍")
    assert fake.pending == []


@pytest.mark.parametrize(
    ("method", "params", "refusal"),
    [
        ("sendMessage", {"text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"text": "😀" * 2049}, "message is too long"),
        ("sendMessage", {"text": "  "}, "message text is empty"),
        ("sendMessage", {"text": "a", "message_thread_id": 1}, "message thread not found"),
        (
            "sendMessage",
            {"text": "a", "entities": [{"type": "bold", "offset": 0, "length": 2}]},
            "can't parse entities",
        ),
        ("sendMessage", {"text": "a", "entities": "["}, "can't parse entities"),
        ("sendMessage", {"text": "a", "reply_parameters": {"message_id": 9}}, "not found"),
        (
            "sendMessage",
            {
                "text": "a",
                "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "é" * 33}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
        ("editMessageText", {"text": "a", "message_id": 9}, "message to edit not found"),
        ("deleteMessage", {"message_id": 9}, "message to delete not found"),
        ("setMyCommands", {"commands": [{"command": "No", "description": "x"}]}, "INVALID"),
        ("setMyCommands", {"commands": [{"command": "no", "description": ""}]}, "INVALID"),
        ("getFile", {"file_id": "x"}, "wrong file_id"),
        ("sendDocument", {}, "no file"),
        ("flyToTheMoon", {}, "Not Found"),
    ],
)
async def test_what_the_platform_refuses_is_refused(call, method, params, refusal):
    answer = await call(method, chat_id=7, **params)
    assert (answer["ok"], refusal in answer["description"]) == (False, True)


async def test_people_see_edits_and_deletes(fake, call):
    await call("sendMessage", chat_id=7, text="one")
    await call("sendMessage", chat_id=7, text="two")
    await call("editMessageText", chat_id=7, message_id=1, text="1")
    same = await call("editMessageText", chat_id=7, message_id=1, text="1")
    await call("deleteMessage", chat_id=7, message_id=2)
    assert fake.visible(7) == ["1"]
    assert "message is not modified" in same["description"]


async def test_a_chat_that_blocked_the_bot_gets_nothing(fake, call):
    fake.methods.blocked.add("7")
    assert (await call("sendMessage", chat_id=7, text="x"))["error_code"] == 403


async def test_another_process_can_steer_it(fake, http, call):
    control = f"{fake.base_url}/_control"

    async def ask(verb, **body):
        async with http.post(f"{control}/{verb}", json=body) as answer:
            return await answer.json()

    assert await ask("say", chat=7, text="hello") == {"message_id": 1}
    assert await ask("push", poll={}) == {"update_id": 1002}
    await ask("fail", method="sendMessage", status=500)
    assert (await call("sendMessage", chat_id=7, text="x"))["error_code"] == 500
    await call("sendMessage", chat_id=7, text="seen")
    async with http.get(f"{control}/wait?count=2&method=sendMessage&timeout=1") as answer:
        assert await answer.json() == {"reached": True, "count": 2}
    async with http.get(f"{control}/wait?count=9&timeout=0.01") as answer:
        assert (await answer.json())["reached"] is False
    async with http.get(f"{control}/calls") as answer:
        assert [found["method"] for found in await answer.json()] == ["sendMessage"] * 2
    async with http.get(f"{control}/chats") as answer:
        assert [shown["text"] for shown in (await answer.json())["7"]] == ["hello", "seen"]
