"""An external agent on stdio, after the public documentation of the Agent Client Protocol.

`python acp_agent.py LOG [WORD...]` writes each message it gets to LOG, one on a line.

What it does is in the prompt: `say TEXT`, `think TEXT`, `ask` (for a permission, and says what came
back), `read` (asks for a file of the client), `stop REASON`, `fail CODE`, `hang`, `die`, `junk`,
`forget` (answers without a reason), each on a line of its own. A word behind LOG changes how it is:
`load` (it can load sessions), `images`, `old` (another version), `deaf` (cancelling means nothing),
`signin`, `mute` (answers nothing at all).
"""

from __future__ import annotations

import itertools
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REASONS = ("max_tokens", "max_turn_requests", "refusal", "cancelled", "end_turn")


class Agent:
    def __init__(self, log: Path, words: list[str]) -> None:
        self.log = log
        self.words = words
        self.numbers = itertools.count(1)
        self.sessions = 0

    def run(self) -> None:
        for message in self.messages():
            self.take(message)

    def messages(self) -> Iterator[dict[str, Any]]:
        for line in sys.stdin:
            with self.log.open("a") as file:
                file.write(line)
            yield json.loads(line)

    def send(self, message: Mapping[str, Any]) -> None:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

    def take(self, message: dict[str, Any]) -> None:
        if "mute" in self.words or "id" not in message or "method" not in message:
            return
        method = message["method"].replace("/", "_")
        answer = getattr(self, method)(message["params"])
        if answer is not None:
            self.send({"id": message["id"], **answer})

    def initialize(self, params: Mapping[str, Any]) -> dict[str, Any]:
        capabilities = {
            "loadSession": "load" in self.words,
            "promptCapabilities": {"image": "images" in self.words},
        }
        version = 99 if "old" in self.words else 1
        result = {"protocolVersion": version, "agentCapabilities": capabilities, "authMethods": []}
        return {"result": result}

    def session_new(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if "signin" in self.words:
            return {"error": {"code": -32000, "message": "Authentication required"}}
        self.sessions += 1
        return {"result": {"sessionId": f"sess-{self.sessions}"}}

    def session_load(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if not params["sessionId"].startswith("sess-"):
            return {"error": {"code": -32602, "message": "no such session"}}
        self.update(params["sessionId"], "agent_message_chunk", "what was said before")
        return {"result": None}

    def session_prompt(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        text = "".join(block.get("text", "") for block in params["prompt"])
        for line in text.splitlines():
            verb, _, rest = line.partition(" ")
            answer = self.obey(verb, rest, params["sessionId"])
            if answer is not None:
                return answer or None
        return {"result": {"stopReason": "end_turn"}}

    def obey(self, verb: str, rest: str, session: str) -> dict[str, Any] | None:
        if verb == "say":
            self.update(session, "agent_message_chunk", rest)
        elif verb == "think":
            self.update(session, "agent_thought_chunk", rest)
        elif verb == "ask":
            self.update(session, "agent_message_chunk", json.dumps(self.permission(session)))
        elif verb == "read":
            answer = self.question("fs/read_text_file", {"sessionId": session, "path": "/x"})
            self.update(session, "agent_message_chunk", str(answer["error"]["code"]))
        elif verb == "stop":
            return {"result": {"stopReason": rest}}
        elif verb == "forget":
            return {"result": {}}
        elif verb == "fail":
            return {"error": {"code": int(rest), "message": "it went wrong"}}
        elif verb == "junk":
            print('no message\n[1]\n{"jsonrpc"\n\n{"id": 77, "result": 1}', flush=True)
        elif verb == "hang":
            return self.hang()
        elif verb == "die":
            sys.exit("dying, as I was told")
        return None

    def hang(self) -> dict[str, Any]:
        """Wait for the cancelling, and obey it unless deaf."""
        if "deaf" in self.words:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for message in self.messages():
            if message.get("method") == "session/cancel" and "deaf" not in self.words:
                return {"result": {"stopReason": "cancelled"}}
        signal.pause()
        return {}

    def permission(self, session: str) -> Any:
        kinds = ("allow_always", "allow_once", "reject_once")
        options = [{"optionId": f"o-{kind}", "name": kind, "kind": kind} for kind in kinds]
        call = {"toolCallId": "t1", "title": "Delete all", "kind": "execute", "rawInput": {"a": 1}}
        params = {"sessionId": session, "toolCall": call, "options": options}
        return self.question("session/request_permission", params)["result"]["outcome"]

    def question(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        number = f"q{next(self.numbers)}"
        self.send({"id": number, "method": method, "params": params})
        return next(one for one in self.messages() if one.get("id") == number)

    def update(self, session: str, kind: str, text: str) -> None:
        content = {"type": "text", "text": text}
        plan = {"sessionUpdate": "plan", "entries": []}
        for update in (plan, {"sessionUpdate": kind, "content": content}):
            params = {"sessionId": session, "update": update}
            self.send({"method": "session/update", "params": params})


if __name__ == "__main__":
    Agent(Path(sys.argv[1]), sys.argv[2:]).run()
