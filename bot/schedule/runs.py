"""How a claimed run begins: as a turn of its own session, of the task's, or as a text at once.

A run is an ordinary turn in a lane, so a kill, a restart and a stop treat it as any other. What it
is given beside its prompt travels with it as an `Errand`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.config.settings import Config
from bot.contract import Address, Ref
from bot.engine.port import Script, Wake
from bot.errand import Errand, errand_json
from bot.keys import parse_key
from bot.schedule import evaluator, planner
from bot.schedule.checks import pending_of
from bot.schedule.terms import Policy, policy_of
from bot.store import children, inbox, runs, sessions, task_results
from bot.types import Task

ALONE = (
    "This is a scheduled run in a session of its own. Nobody reads along and nobody can answer a "
    "question. Your last answer is what people get; when there is nothing to say, answer with "
    "exactly NO_REPLY."
)
_MEMORY = ("memory_search", "memory_get")


def run_key(task: Task, run: str) -> str:
    """The key of the session of one run."""
    return parse_key(f"agent:{task.agent}:task:{task.id}:run:{run}").text


def isolated(policy: Policy, strong: bool) -> bool:
    """Does a run get a session of its own? A cheap check always: what it signals is not for people
    to see."""
    return policy.target != "main" or (policy.mode == "cheap" and not strong)


@dataclass(frozen=True, slots=True)
class TaskRuns:
    """Begins runs. `config` gives the present configuration."""

    config: Callable[[], Config]

    def fire(self, task: Task, run: str, cause: str, strong: bool, now: float) -> Script[None]:
        """Begin a run whose due time is claimed. `strong`: a check has asked for it."""
        policy = policy_of(task.policy)
        if policy.mode == "text":
            yield from task_results.given(run, task.prompt)
            yield Wake("sched", f"task:{task.id}")
            return
        own = isolated(policy, strong)
        key = run_key(task, run) if own else task.session
        if own:
            label = f"{task.name} {run.partition('@')[2]}"
            yield from sessions.ensure(parse_key(key), label, None, None, now)
        yield from task_results.placed(run, key)
        yield from self._put(task, policy, run, key, own, strong, now)

    def _put(
        self, task: Task, policy: Policy, run: str, key: str, own: bool, strong: bool, now: float
    ) -> Script[None]:
        message, place = children.bare(task.asked, task.prompt), delivery_address(task)
        options = {
            "deliverTo": place.key if place and not own else None,
            "timeout": self.config().tasks.run_timeout,
            "extraPrompt": _instruction(policy, own, strong),
            inbox.ERRAND: errand_json(self._errand(task, policy, strong)),
        }
        yield from inbox.put(
            replace(message, ref=Ref(message.address, run)),
            kind=inbox.INTERNAL,
            state="open",
            lane=key,
            requester=task.requester,
            rule="task",
            matched=task.id,
            agent=task.agent,
            session_key=key,
            run=run,
            options=options,
            now=now,
            dedupe=f"task:{run}",
        )
        yield from runs.queue(run, key, key, task.agent, now)
        yield Wake("lane", key)

    def _errand(self, task: Task, policy: Policy, strong: bool) -> Errand:
        pending, place = pending_of(task) if strong else None, delivery_address(task)
        errand = Errand(
            task=task.id,
            name=task.name,
            place=place.key if place else None,
            author=task.author,
            foreign=task.foreign or (pending.foreign if pending else None),
            signal=pending.reason if pending else None,
            model=self._model(task, policy, strong),
            max_tokens=policy.max_tokens,
            max_cost=policy.max_cost,
        )
        if policy.mode == "skill":
            return replace(errand, call=policy.tool, given=dict(policy.tool_input or {}))
        if policy.mode == "cheap" and not strong:
            tools = (*policy.skills, *(("read",) if policy.skills else ()))
            memory = _MEMORY if policy.memory != "none" else ()
            return replace(errand, tools=(*tools, *memory), skills=policy.skills)
        return replace(errand, skills=policy.skills or None)

    def _model(self, task: Task, policy: Policy, strong: bool) -> str | None:
        """The model of a run; None is the session's, or for its own session the agent's."""
        agent = self.config().agent(task.agent)
        if agent is None:
            return None
        roles = planner.Roles(
            agent.model.primary, agent.task_models.cheap, agent.task_models.strong
        )
        first, second, _ = planner.models_for(policy, roles)
        if policy.target == "main" and policy.mode == "agent" and policy.model is None:
            return None
        return second or first if strong else first


def _instruction(policy: Policy, own: bool, strong: bool) -> str | None:
    if policy.mode == "cheap" and not strong:
        return evaluator.INSTRUCTION
    told = [ALONE] if own else []
    if strong:
        # What the check said is words of a model about words of others: it stands in the turn.
        told.append(evaluator.preamble(""))
    return "\n\n".join(told) or None


def delivery_address(task: Task) -> Address | None:
    """Where the results of a task are announced, None where they are not."""
    text = task.delivery.get("address") if task.delivery.get("mode") == "announce" else None
    return Address.parse(text) if text else None
