"""Slash commands on the server: `/<bot>-<name>` in each team, kept in step, never in others' way.

Making them takes the permission to manage slash commands, and calling us a `callback_url`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from adapters.mattermost.rest import Answered, Rest
from bot.contract import CommandSpec

_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_HELP = 128


class SlashCommands:
    """One bot's commands on its server. Every method raises CallFailed."""

    def __init__(self, rest: Rest, url: str, me: str, username: str) -> None:
        self._rest = rest
        self._url = url
        self._me = me
        self._prefix = f"{username.lower()}-"

    async def publish(self, commands: Sequence[CommandSpec]) -> set[str]:
        """Bring every team's commands up to date; the tokens by which they call us."""
        wanted = {
            f"{self._prefix}{spec.name}": spec.help[:_HELP]
            for spec in commands
            if not spec.owner and _NAME.fullmatch(spec.name)
        }
        tokens: set[str] = set()
        teams = await self._rest.objects(lambda driver: driver.teams.get_user_teams(self._me))
        for team in teams:
            if isinstance(team.get("id"), str):
                tokens |= await self._publish(team["id"], wanted)
        return tokens

    async def _publish(self, team: str, wanted: dict[str, str]) -> set[str]:
        params = {"team_id": team, "custom_only": "true"}
        there = await self._rest.objects(
            lambda driver: driver.commands.list_commands_for_team(params)
        )
        # Whatever somebody else made stays, also under a name that we would take.
        mine = {str(one.get("trigger")): one for one in there if one.get("url") == self._url}
        taken = {str(one.get("trigger")) for one in there}
        for trigger in mine.keys() - wanted.keys():
            await self._remove(mine.pop(trigger))
        for trigger, says in wanted.items():
            if trigger in mine and mine[trigger].get("auto_complete_desc") != says:
                await self._remove(mine.pop(trigger))
                taken.discard(trigger)
            if trigger not in taken:
                mine[trigger] = await self._create(team, trigger, says)
        return {one["token"] for one in mine.values() if isinstance(one.get("token"), str)}

    async def _create(self, team: str, trigger: str, says: str) -> dict[str, Any]:
        command = {
            "team_id": team,
            "method": "P",
            "trigger": trigger,
            "url": self._url,
            "auto_complete": True,
            "auto_complete_desc": says,
            "display_name": trigger,
        }
        made: dict[str, Any] = await self._rest.object(
            lambda driver: driver.commands.create_command(command)
        )
        return made

    async def _remove(self, command: dict[str, Any]) -> None:
        """Take a command away; one that is gone is a success."""
        try:
            path = f"/commands/{command.get('id')}"
            await self._rest.call(lambda driver: driver.client.delete(path))
        except Answered as error:
            if error.status != 404:
                raise
