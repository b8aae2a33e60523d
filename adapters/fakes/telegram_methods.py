"""The methods of the Bot API that a fake Telegram answers, with the platform's limits and words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from adapters.fakes.telegram_chats import Chats, Params, Refusal, Shown, message_of, units

_SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
_FILE_METHODS = ("photo", "document", "audio", "voice", "video", "animation", "sticker")


class Methods:
    """Method name -> answer. Unknown names are answered with 404, as the platform does."""

    def __init__(self, me: Params, chats: Chats) -> None:
        self.me = me
        self.chats = chats
        self.commands: list[Params] = []
        self.files: dict[str, bytes] = {}
        self.blocked: set[str] = set()
        self.moved: dict[str, str] = {}
        self.webhook = ""
        self._table: dict[str, Callable[[Params], Any]] = {
            "getme": lambda params: self.me,
            "sendmessage": self._send_message,
            "sendmessagedraft": self._send_draft,
            "editmessagetext": self._edit,
            "deletemessage": self._delete,
            "sendchataction": self._typing,
            "setmessagereaction": self._react,
            "answercallbackquery": lambda params: True,
            "getmycommands": lambda params: self.commands,
            "setmycommands": self._set_commands,
            "getfile": self._get_file,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._set_webhook,
            "getwebhookinfo": lambda params: {"url": self.webhook, "pending_update_count": 0},
            **{f"send{kind}": self._send_file for kind in _FILE_METHODS},
        }

    def call(self, method: str, params: Params) -> Any:
        """The result of a call. Raises Refusal."""
        answer = self._table.get(method.lower())
        if answer is None:
            raise Refusal(404, "Not Found")
        return answer(params)

    def _send_message(self, params: Params) -> Params:
        """See #sendmessage: 1 to 4096 characters after entities parsing."""
        text = _checked_text(params)
        return self._show(params, text, entities=_entities(params, text))

    def _send_draft(self, params: Params) -> bool:
        """See #sendmessagedraft: private chats only; it lasts until a message comes."""
        chat = self._chat(params)
        if not chat.isdigit() or not _number(params, "draft_id"):
            raise Refusal(400, "Bad Request: TEXTDRAFT_PEER_INVALID")
        text = str(params.get("text", "")).strip()
        if units(text) > 4096:
            raise Refusal(400, "Bad Request: message is too long")
        _entities(params, text)
        self.chats.drafts[chat] = text
        return True

    def _send_file(self, params: Params) -> Params:
        """See #senddocument and its kin: the caption has at most 1024 characters."""
        caption = str(params.get("caption", ""))
        if units(caption) > 1024:
            raise Refusal(400, "Bad Request: message caption is too long")
        names = [name for name in _FILE_METHODS if name in params]
        if not names:
            raise Refusal(400, "Bad Request: there is no file in the request")
        return self._show(params, caption, file=str(params[names[0]]))

    def _show(self, params: Params, text: str, **more: Any) -> Params:
        chat = self._chat(params)
        if chat in self.moved:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, words, migrate_to_chat_id=int(self.moved[chat]))
        self.chats.drafts.pop(chat, None)
        thread = _number(params, "message_thread_id")
        if thread == 1:
            # Messages to the General topic must not name it.
            raise Refusal(400, "Bad Request: message thread not found")
        shown = self.chats.add(
            chat,
            text,
            by_bot=True,
            thread=thread,
            reply_to=self._reply(chat, params),
            markup=_markup(params),
            **more,
        )
        return message_of(chat, shown, self.me)

    def _chat(self, params: Params) -> str:
        chat = str(params.get("chat_id", ""))
        if not chat:
            raise Refusal(400, "Bad Request: chat_id is empty")
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if not (chat.lstrip("-").isdigit() or chat.startswith("@")):
            raise Refusal(400, "Bad Request: chat not found")
        return chat

    def _reply(self, chat: str, params: Params) -> int | None:
        """See #replyparameters."""
        wanted = decoded(params, "reply_parameters") or {}
        number = wanted.get("message_id")
        if number is None or self.chats.find(chat, int(number)):
            return number
        if wanted.get("allow_sending_without_reply"):
            return None
        raise Refusal(400, "Bad Request: message to be replied not found")

    def _edit(self, params: Params) -> Params:
        """See #editmessagetext; an edit that changes nothing is refused."""
        chat, shown = self._mine(params, "message to edit not found")
        text = _checked_text(params)
        entities, markup = _entities(params, text), _markup(params)
        if (text, entities, markup) == (shown.text, shown.entities, shown.markup):
            raise Refusal(400, f"Bad Request: {_SAME}")
        shown.edits.append(shown.text)
        shown.text, shown.entities, shown.markup = text, entities, markup
        return message_of(chat, shown, self.me, edit_date=1)

    def _delete(self, params: Params) -> bool:
        """See #deletemessage."""
        _, shown = self._mine(params, "message to delete not found")
        shown.deleted = True
        return True

    def _mine(self, params: Params, otherwise: str) -> tuple[str, Shown]:
        chat = self._chat(params)
        shown = self.chats.find(chat, _number(params, "message_id") or 0)
        if shown is None or not shown.by_bot:
            raise Refusal(400, f"Bad Request: {otherwise}")
        return chat, shown

    def _typing(self, params: Params) -> bool:
        self._chat(params)
        return True

    def _react(self, params: Params) -> bool:
        """See #setmessagereaction: a bot puts at most one reaction; none takes it away."""
        shown = self.chats.find(self._chat(params), _number(params, "message_id") or 0)
        if shown is None:
            raise Refusal(400, "Bad Request: message to react not found")
        shown.reactions = [str(one.get("emoji")) for one in decoded(params, "reaction") or []]
        return True

    def _set_commands(self, params: Params) -> bool:
        """See #botcommand: at most 100, names of 1 to 32 characters, descriptions of 1 to 256."""
        commands = decoded(params, "commands") or []
        for command in commands:
            name, words = command["command"], command["description"]
            if not name.replace("_", "a").isalnum() or name != name.lower() or len(name) > 32:
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(words) <= 256:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        if len(commands) > 100:
            raise Refusal(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        self.commands = commands
        return True

    def _set_webhook(self, params: Params) -> bool:
        url = str(params.get("url", ""))
        if url and not url.startswith("https://"):
            raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided")
        self.webhook = url
        return True

    def _get_file(self, params: Params) -> Params:
        """See #getfile: files of up to 20 MB."""
        name = str(params.get("file_id", ""))
        if name not in self.files:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[name]) > 20_000_000:
            raise Refusal(400, "Bad Request: file is too big")
        return {"file_id": name, "file_unique_id": name, "file_path": f"documents/{name}"}


def decoded(params: Params, name: str) -> Any:
    """A parameter that is JSON inside a form, or itself inside JSON."""
    value = params.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refusal(400, f"Bad Request: can't parse {name} JSON object") from None


def _number(params: Params, name: str) -> int | None:
    value = str(params.get(name))
    return int(value) if value.lstrip("-").isdigit() else None


def _checked_text(params: Params) -> str:
    text = str(params.get("text", "")).strip()
    if not text:
        raise Refusal(400, "Bad Request: message text is empty")
    if units(text) > 4096:
        raise Refusal(400, "Bad Request: message is too long")
    return text


def _entities(params: Params, text: str) -> list[Params]:
    """See #messageentity. What reaches beyond the text is refused, so that it is noticed."""
    entities = decoded(params, "entities") or []
    for entity in entities:
        start, length = entity.get("offset", -1), entity.get("length", 0)
        if start < 0 or length < 1 or start + length > units(text) or not entity.get("type"):
            raise Refusal(400, f"Bad Request: can't parse entities: wrong entity at {start}")
    return list(entities)


def _markup(params: Params) -> Params | None:
    """See #inlinekeyboardbutton: callback data of 1 to 64 bytes."""
    markup: Params | None = decoded(params, "reply_markup")
    for row in (markup or {}).get("inline_keyboard", []):
        for key in row:
            if not key.get("text") or not 1 <= len(key.get("callback_data", "").encode()) <= 64:
                raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return markup
