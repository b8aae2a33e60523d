"""An agent on the official library of the Agent Client Protocol, which checks what it is sent.

It thinks, asks for a permission, and answers with the decision and the prompt.
"""

from __future__ import annotations

import asyncio
from typing import Any

import acp
from acp.schema import (
    AgentCapabilities,
    PermissionOption,
    PromptCapabilities,
    ToolCallUpdate,
)

OPTIONS = [
    PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
    PermissionOption(option_id="no", name="No", kind="reject_once"),
]


class Official(acp.Agent):
    def on_connect(self, conn: Any) -> None:
        self.client = conn

    async def initialize(self, protocol_version: int, **more: Any) -> acp.InitializeResponse:
        images = PromptCapabilities(image=True)
        capabilities = AgentCapabilities(load_session=True, prompt_capabilities=images)
        return acp.InitializeResponse(
            protocol_version=acp.PROTOCOL_VERSION, agent_capabilities=capabilities
        )

    async def new_session(self, cwd: str, **more: Any) -> acp.NewSessionResponse:
        return acp.NewSessionResponse(session_id="official-1")

    async def load_session(self, cwd: str, session_id: str, **more: Any) -> acp.LoadSessionResponse:
        await self.client.session_update(session_id, acp.update_agent_message_text("of old"))
        return acp.LoadSessionResponse()

    async def prompt(self, session_id: str, prompt: Any, **more: Any) -> acp.PromptResponse:
        await self.client.session_update(session_id, acp.update_agent_thought_text("hm"))
        call = ToolCallUpdate(tool_call_id="t1", title="Try it", kind="execute")
        asked = await self.client.request_permission(
            session_id=session_id, tool_call=call, options=OPTIONS
        )
        chosen = getattr(asked.outcome, "option_id", "cancelled")
        said = f"{chosen}: {' '.join(getattr(one, 'text', one.type) for one in prompt)}"
        await self.client.session_update(session_id, acp.update_agent_message_text(said))
        return acp.PromptResponse(stop_reason="end_turn")

    async def cancel(self, session_id: str, **more: Any) -> None:
        """Nothing takes long enough."""


if __name__ == "__main__":
    asyncio.run(acp.run_agent(Official()))
