"""The configuration as the core asks for it: who may speak, who answers, with which model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import __version__
from bot.acceptance import OPERATOR
from bot.admission import call_pattern, is_owner
from bot.bindings import Agents, compile_rules, link_table
from bot.children import Children
from bot.config.agents import Agent
from bot.config.channels import ChannelSettings, Queue, QueueChange
from bot.config.settings import Config, Limits
from bot.context.gather import Scenes
from bot.context.gather import row as skill_row
from bot.context.report import report
from bot.context.scene import AgentPrompt, Asked
from bot.contract import Message
from bot.errors import RequestError, RunError
from bot.keys import SessionKey, parse_key
from bot.lanes import Stopped
from bot.providers import split_ref
from bot.providers.catalogue import Catalogue
from bot.providers.chosen import Chosen, least
from bot.providers.spending import Spending
from bot.routing import Facts
from bot.sessions import Sessions
from bot.store import sessions as session_scripts
from bot.store.inbox import Item
from bot.tools.approval import Approvals
from bot.tools.policy import NOTHING, ToolPolicy, boxed, policy_of
from bot.types import CommandTable, Session, Settings, ToolSpec, Turn

_NOBODY = ("",)
WEB_SETTINGS = ChannelSettings(dm_policy="open", allow_from=("*",))
# An account that was taken away: nobody is let in any more.
GONE = ChannelSettings(dm_policy="disabled", group_policy="disabled")


class World:
    """Answers from the configuration; the same object serves deciding, running and commands."""

    def __init__(
        self,
        config: Config,
        catalogue: Catalogue,
        commands: CommandTable,
        sessions: Sessions,
        web: str,
        children: Children,
    ) -> None:
        self.use(config)
        self._catalogue = catalogue
        self._commands = commands
        self._sessions = sessions
        self._web = web
        self._links = link_table(config.session.identity_links)
        limit = config.limits.per_sender
        self.group_history = config.messages.group_history
        self.per_sender = (limit.count, limit.per) if limit else None
        self.approvals: Approvals | None = None
        self.children = children
        self.stopper: Callable[[str], Awaitable[Stopped]] | None = None
        self.scenes: Scenes | None = None
        self.spending: Spending | None = None
        self.offered: Callable[[ToolPolicy], Sequence[ToolSpec]] | None = None
        # Accounts whose platform keeps `/name` for itself, so that `!name` is a command too.
        self.bangs: set[str] = set()
        # Accounts whose platform begins a thread below any message.
        self.roots: set[str] = set()
        # Accounts whose adapter reads commands itself: `/name@bot` left as text is another bot's.
        self.natives: set[str] = set()

    def channel(self, account: str) -> ChannelSettings:
        found = self.config.channels.get(account)
        return found.settings if found else GONE

    def threads(self, account: str) -> bool:
        """Is a mention in a room answered in a thread below it?"""
        return account in self.roots and self.channel(account).threads

    def queue(self, account: str, settings: Settings) -> Queue:
        """How messages of an account wait in a session: its own wish goes before the channel's."""
        queue = self.config.queue_of(account)
        if not settings.queue:
            return queue
        own = QueueChange.model_validate(dict(settings.queue))
        return queue.model_copy(update=own.model_dump(exclude_none=True))

    def settle(self, account: str) -> float:
        """Seconds in which a first message lets more come."""
        return self.config.debounce_of(account)

    def use(self, config: Config) -> None:
        """Go on with other accounts, routes and agents. What else differs needs a new start."""
        self.config = config
        self._rules = compile_rules(config.bindings)
        self._agents = Agents(
            config.default_agent.id, {agent.id for agent in config.agents if agent.enabled}
        )
        patterns = {one.id: call_pattern(one.identity.mention_patterns) for one in config.agents}
        self._called = {agent: found for agent, found in patterns.items() if found}

    def facts(self, message: Message, switched: str | None, named: SessionKey | None) -> Facts:
        address = message.address
        web = address.channel == self._web
        return Facts(
            channel=WEB_SETTINGS if web else self.channel(address.account),
            agents=self._agents,
            commands=self._commands,
            rules=self._rules,
            switched=switched,
            named=named,
            owner=web
            or is_owner(address.channel, address.account, message.author.id, self.config.owners),
            text_commands=self.config.commands.text or web,
            bang=address.account in self.bangs,
            bot_names=_NOBODY if address.account in self.natives else (),
            called=self._called,
            dm_scope=self.config.session.dm_scope,
            links=self._links,
        )

    def agent(self, name: str, *, off: bool = False) -> Agent:
        """An agent; `off`: also one that is switched off. Raises RequestError NOT_FOUND."""
        found = self.config.agent(name)
        if found is None or not (found.enabled or off):
            raise RequestError("NOT_FOUND", f"There is no agent {name}")
        return found

    def agents(self) -> list[dict[str, Any]]:
        return [
            {
                "id": agent.id,
                "name": agent.name or agent.id,
                "default": agent.id == self._agents.default,
                "enabled": agent.enabled,
                "model": {
                    "primary": agent.model.primary,
                    "fallbacks": list(agent.model.fallbacks),
                },
                "taskModels": {
                    "cheap": agent.task_models.cheap,
                    "strong": agent.task_models.strong,
                },
                "workspace": agent.workspace,
                "timezone": agent.timezone or self.config.tasks.timezone,
            }
            for agent in self.config.agents
        ]

    def models(self, agent: str) -> list[dict[str, Any]]:
        return self._catalogue.rows(self.agent(agent, off=True))

    def check_model(self, agent: str, ref: str) -> str:
        """A model that a session of this agent may use. Raises RequestError."""
        try:
            found = self._catalogue.resolve(ref)
        except RunError as error:
            raise RequestError("INVALID_PARAMS", str(error)) from None
        if not self._catalogue.permitted(self.agent(agent), found):
            raise RequestError("FORBIDDEN", f"The model {found} is not in the catalogue")
        if split_ref(found)[0] not in self.config.providers:
            raise RequestError("NOT_FOUND", f"There is no provider for {found}")
        return found

    def model_of(self, agent: Agent, settings: Settings) -> tuple[str, str]:
        """The model that a session would use now, and who chose it."""
        if settings.model is not None:
            return settings.model, "session"
        return self._catalogue.resolve(agent.model.primary), "agent"

    def choose(self, turn: Turn) -> Chosen:
        agent = self._running(turn.session.agent)
        ref, source = self._meant(turn, agent)
        if not self._catalogue.permitted(agent, ref):
            raise RunError("NO_MODEL", f"The model {ref} is not in the catalogue; pick one: /model")
        refs = dict.fromkeys([ref, *(() if turn.firm else self._next(agent, source))])
        fixed = turn.errand is not None and turn.errand.call is not None  # no model is asked
        unready = {one: None if fixed else self._catalogue.unready(one) for one in refs}
        ready = [self._chosen(turn, agent, one, source) for one in refs if not unready[one]]
        if not ready:
            code = "NO_CREDENTIALS" if "key" in (unready[ref] or "") else "NO_MODEL"
            raise RunError(code, f"The model {ref} is not ready: {unready[ref]}")
        return replace(ready[0], others=tuple(ready[1:]), because=unready[ref] or "")

    def wanted(self, turn: Turn) -> str:
        return self._meant(turn, self._running(turn.session.agent))[0]

    def _meant(self, turn: Turn, agent: Agent) -> tuple[str, str]:
        """The model that a run is meant for, and who chose it."""
        if turn.errand is None or turn.errand.model is None:
            return self.model_of(agent, turn.session.settings)
        ref = self._catalogue.resolve(turn.errand.model)
        own = ref == self._catalogue.resolve(agent.model.primary)
        return ref, "agent" if own else "task"

    async def _stands_in(self, agent: Agent, ref: str, source: str) -> tuple[str | None, str]:
        """The model that answers now in the place of one that cannot, and why; else None."""
        because = ""
        for one in dict.fromkeys([ref, *self._next(agent, source)]):
            reason = await self._catalogue.resting(agent, one)
            if reason is None:
                return (None, "") if one == ref else (one, because)
            because = because or reason
        return None, because

    def _next(self, agent: Agent, source: str) -> list[str]:
        """What may answer in the place of the first: the agent's list, or behind a choice for the
        session the agent's own model alone."""
        named = agent.model.fallbacks if source == "agent" else [agent.model.primary]
        refs = [self._catalogue.resolve(one) for one in named]
        return [one for one in refs if self._catalogue.permitted(agent, one)]

    def _chosen(self, turn: Turn, agent: Agent, ref: str, source: str) -> Chosen:
        provider, model = split_ref(ref)
        entry = self.config.models.get(ref)
        card = self._catalogue.card(ref)
        return Chosen(
            ref=ref,
            provider=self._catalogue.provider(agent, provider),
            model=model,
            params={**(entry.params if entry else {}), **agent.params},
            thinking=turn.thinking or turn.session.settings.thinking or agent.thinking,
            max_tokens=least(
                card.max_tokens if card else None, turn.errand.max_tokens if turn.errand else None
            ),
            window=self._catalogue.window(agent, ref),
            source=source,
            cost=lambda usage: self._catalogue.cost(ref, usage),
            images=card is None or "image" in card.input,
            reserve=agent.compaction.reserve,
            keep=agent.compaction.keep_recent,
        )

    def _running(self, name: str) -> Agent:
        agent = self.config.agent(name)
        if agent is None or not agent.enabled:
            raise RunError("NO_MODEL", f"The agent {name} is switched off or was removed")
        return agent

    def prompt(self, agent: str) -> AgentPrompt:
        found = self._running(agent)
        zone = found.timezone or self.config.tasks.timezone
        return AgentPrompt(found.name or found.id, found.prompt, zone)

    def tools(self, turn: Turn, ref: str) -> ToolPolicy:
        policy = self.policy(turn.session.agent, ref, turn.session.key)
        if turn.errand is None or turn.errand.tools is None:
            return policy
        return policy.narrowed(turn.errand.tools)

    def owner(self, turn: Turn) -> bool:
        address, owners = turn.message.address, self.config.owners
        if turn.requester == OPERATOR or address.channel == self._web:
            return True
        return is_owner(address.channel, address.account, turn.message.author.id, owners)

    def policy(self, agent: str, ref: str, key: str) -> ToolPolicy:
        """What an agent may call in a session when a model (`provider/model`) answers."""
        found = self.config.agent(agent)
        return policy_of(found, ref, key, self.config.tools.sandbox) if found else NOTHING

    def timeout(self, agent: str) -> float:
        found = self.config.agent(agent)
        return found.timeout if found else 0.0

    def status_of_run(self, turn: Turn, chosen: Chosen) -> Mapping[str, Any]:
        return {
            "version": __version__,
            "agent": turn.session.agent,
            "sessionKey": turn.session.key,
            "label": turn.session.label,
            "model": chosen.ref,
            "modelSource": chosen.source,
            "thinking": chosen.thinking,
            "contextLimit": chosen.window,
        }

    async def status(self, key: str) -> Mapping[str, Any]:
        """What `/status` shows of a session."""
        row = await self._sessions.get(key)
        session = session_scripts.session_from(row) if row is not None else None
        agent = self._running(parse_key(key).agent)
        settings = session.settings if session else Settings()
        ref, source = self.model_of(agent, settings)
        active = await self._sessions.active_runs(key)
        account = session.address.account if session and session.address else self._web
        queue = self.queue(account, settings)
        queued = sum(1 for run in active if run["state"] == "queued")
        stands_in, because = await self._stands_in(agent, ref, source)
        return {
            "version": __version__,
            "agent": agent.id,
            "sessionKey": key,
            "label": session.label if session else "Main",
            "model": ref,
            "modelSource": source,
            "standsIn": stands_in,
            "because": because,
            "thinking": settings.thinking or agent.thinking,
            "verbose": settings.verbose or "off",
            "reasoning": settings.reasoning or "off",
            "contextUsed": row["context_used"] if row is not None else 0,
            "contextLimit": self._catalogue.window(agent, ref),
            "queueMode": queue.mode,
            "queue": queue.model_dump(mode="json"),
            "queued": queued,
            "running": len(active) > queued,
            "inputTokens": row["input_tokens"] if row is not None else 0,
            "outputTokens": row["output_tokens"] if row is not None else 0,
            "cost": row["cost"] if row is not None else None,
            "compactions": row["compactions"] if row is not None else 0,
            "demo": ref.startswith("demo/"),
        }

    def limits(self) -> Limits:
        return self.config.limits

    async def usage(self, key: str | None, days: int = 30) -> Mapping[str, Any]:
        """What was used: by a session where one is named, and by all."""
        assert self.spending is not None
        return await self.spending.report(key, days)

    async def context(self, key: str) -> Mapping[str, Any]:
        """What `/context` shows of a session: everything that its next request begins with."""
        assert self.scenes is not None and self.offered is not None
        row = await self._sessions.get(key)
        agent = self._running(parse_key(key).agent)
        session = (
            session_scripts.session_from(row)
            if row is not None
            else Session(id="", key=key, agent=agent.id, label="Main")
        )
        settings = session.settings
        ref, _ = self.model_of(agent, settings)
        kind = row["chat_kind"] if row is not None else None
        specs = self.offered(self.policy(agent.id, ref, key))
        asked = Asked(
            ref,
            settings.thinking or agent.thinking,
            settings.reasoning or "off",
            tuple(spec.name for spec in specs),
        )
        return report(
            self.prompt(agent.id),
            await self.scenes.look(session, kind),
            asked,
            specs,
            used=row["context_used"] if row is not None else 0,
            limit=self._catalogue.window(agent, ref),
        )

    async def skills(self, agent: str) -> list[dict[str, Any]]:
        """Every skill that an agent could have. Raises RequestError NOT_FOUND."""
        assert self.scenes is not None
        return [skill_row(one) for one in await self.scenes.skills(self.agent(agent, off=True).id)]

    async def approvals_of(self, item: Item) -> list[dict[str, Any]]:
        """What waits for a decision: in the command's session, for an owner everywhere."""
        assert self.approvals is not None
        rows = await self.approvals.listed()
        return [row for row in rows if self._owns(item) or row["sessionKey"] == item.session_key]

    async def decide(self, item: Item, name: str, decision: str) -> dict[str, Any]:
        """Decide an approval as whoever wrote a command. Raises RequestError."""
        assert self.approvals is not None
        by = self.approvals.decider(item.message, item.requester, self._owns(item))
        return await self.approvals.resolve(name, decision, by)

    def boxed_in(self, item: Item) -> str | None:
        """Why an author's commands may not leave the sandbox in a session, None when they may."""
        tools = self.config.tools
        if not boxed(item.agent or "", item.session_key or "", tools.sandbox):
            return "This session is not in a sandbox."
        address, author = item.message.address, item.message.author.id
        allowed = is_owner(address.channel, address.account, author, tools.elevated.allow_from)
        if tools.elevated.enabled and allowed:
            return None
        return "Leaving the sandbox is off, or not for you (tools.elevated)."

    def _owns(self, item: Item) -> bool:
        return bool(item.options.get("owner"))

    async def stop(self, session_key: str) -> Stopped:
        assert self.stopper is not None
        return await self.stopper(session_key)

    def view(self, session: Session) -> tuple[str, str]:
        """What a session lets watchers see: verbose and reasoning."""
        return session.settings.verbose or "off", session.settings.reasoning or "off"
