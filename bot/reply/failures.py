"""What a person reads when a run failed: what happened, what is lost, what to do, a short code."""

from __future__ import annotations

import re

_SAVED = "Your message is saved."
_LATER = f"{_SAVED} Send it again in a minute."
_OPERATOR = f"{_SAVED} Please tell whoever runs this bot."
_LINES = {
    "NO_CREDENTIALS": f"No key is set up for the model. {_OPERATOR}",
    "NO_MODEL": f"No model is set up for this agent. {_OPERATOR} /model shows the others.",
    "NO_TARGET": f"The answer has no place to go to. It is kept in the session. {_OPERATOR}",
    "MODEL_AUTH": f"The model refused the key. {_OPERATOR}",
    "MODEL_BILLING": f"The model account has no credit left. {_OPERATOR}",
    "MODEL_RATE_LIMIT": f"The model is asked too often at the moment. {_LATER}",
    "MODEL_OVERLOADED": f"The model cannot answer at the moment. {_LATER}",
    "MODEL_NOT_FOUND": f"The model does not exist any more. {_SAVED} /model shows the others.",
    "MODEL_BAD_REQUEST": f"The model did not accept the request. {_SAVED} /new starts afresh.",
    "MODEL_STALL": f"The model stopped answering. {_SAVED} Send it again, or try another /model.",
    "MODEL_CUT": f"The answer broke off. What came is kept. {_LATER}",
    "CONTEXT_OVERFLOW": "This is too long for the model, even with the older part summed up. "
    f"{_SAVED} /new starts afresh; send a very long message in parts.",
    "RUN_TIMEOUT": f"The answer took too long and was stopped. {_SAVED} Ask for less at a time.",
    "ABORTED": "Stopped as asked. What was written so far is kept. Send a message to go on.",
    "BUDGET": f"The cost limit is reached. {_SAVED} Please ask whoever runs this bot to raise it.",
    "HOOK_FAILED": f"An extension stopped this run. {_OPERATOR}",
}
_UNKNOWN = f"Something went wrong inside the bot. {_LATER}"
_NOT_FOR_PEOPLE = re.compile(r"[{}\\<>=]|Traceback|\w/\w|://|[A-Za-z0-9_-]{24,}")


def error_line(code: str, message: str = "") -> str:
    """A failed run in words for the chat.

    The message is used for codes without a text of their own, and only when it is a plain sentence:
    what a server said may hold keys, paths or raw data.
    """
    said = " ".join(message.replace("!", ".").split())
    plain = said and len(said) <= 160 and not _NOT_FOR_PEOPLE.search(said)
    unknown = f"{said.rstrip('.')}. {_LATER}" if plain and len(said.split()) < 25 else _UNKNOWN
    return f"{_LINES.get(code, unknown)} (E-{code.replace('_', '-')})"


def tool_line(said: str) -> str:
    """A tool that failed and left no answer, in one line; `said` is what it reported."""
    first = " ".join((said.strip().splitlines() or [""])[0].split())
    plain = first and len(first) <= 120 and not _NOT_FOR_PEOPLE.search(first)
    reason = f": {first.replace('!', '').rstrip('.')}" if plain else ""
    return f"A tool failed and there is no answer{reason}. {_SAVED} (E-TOOL)"
