"""The list of checks, and running them: each on a new platform, in a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bot.testing.conformance.descriptor import TRAITS, Descriptor
from bot.testing.conformance.loop import JumpingLoop, Stuck
from bot.testing.conformance.stage import Stage

# Real seconds that one check may take.
LIMIT = 60.0

Run = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """A promise of every adapter: `says` is its sentence, `needs` the traits without which it is
    not asked."""

    name: str
    says: str
    needs: tuple[str, ...]
    run: Run


@dataclass(frozen=True, slots=True)
class Result:
    """How a check went; `detail` is why it failed or is not asked."""

    adapter: str
    check: str
    outcome: Literal["pass", "fail", "absent"]
    detail: str = ""


class NotClaimed(Exception):
    """The check is about a capability that the adapter does not claim."""


CHECKS: dict[str, Check] = {}


def check(name: str, *needs: str) -> Callable[[Run], Run]:
    """Register a function as a check; its docstring is the sentence."""

    def register(run: Run) -> Run:
        says = " ".join((run.__doc__ or "").split())
        if name in CHECKS or not says or not TRAITS.keys() >= {*needs}:
            raise ValueError(f"check {name!r}: taken, without a sentence, or of unknown needs")
        CHECKS[name] = Check(name, says, needs, run)
        return run

    return register


def wrong(descriptor: Descriptor) -> list[str]:
    """What is wrong with what a descriptor declares."""
    found = [
        f"{descriptor.name}: no trait is called {trait!r}; there are: {', '.join(TRAITS)}"
        for trait in descriptor.absent
        if trait not in TRAITS
    ]
    found += [
        f"{descriptor.name}: say why {trait!r} is absent"
        for trait, reason in descriptor.absent.items()
        if not reason.strip()
    ]
    return found


def run_check(descriptor: Descriptor, wanted: Check) -> Result:
    """Run one check; never raises for what the adapter or its descriptor does."""

    def result(outcome: Literal["pass", "fail", "absent"], detail: str = "") -> Result:
        return Result(descriptor.name, wanted.name, outcome, detail)

    for trait in wanted.needs:
        if trait in descriptor.absent:
            return result("absent", descriptor.absent[trait])
    try:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(_run(descriptor, wanted))
    except NotClaimed as error:
        return result("absent", f"not claimed: {error}")
    except AssertionError as error:
        return result("fail", str(error) or "it does not hold")
    except Stuck as error:
        return result("fail", str(error))
    except Exception as error:
        return result("fail", f"{type(error).__name__}: {error}")
    return result("pass")


async def _run(descriptor: Descriptor, wanted: Check) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpingLoop)
    loop.limit(LIMIT)
    async with descriptor.world() as world:
        stage = Stage(descriptor, world)
        try:
            await wanted.run(stage)
        finally:
            world.heal()
            await stage.close()
    if loop.unheard:
        context = loop.unheard[0]
        raise AssertionError(f"unheard: {context.get('message')} {context.get('exception')!r}")


def run_all(
    descriptors: Iterable[Descriptor], names: Iterable[str] | None = None
) -> Iterator[Result]:
    """Every check, or those named, on every adapter, as they end."""
    chosen = [CHECKS[name] for name in names] if names is not None else list(CHECKS.values())
    for descriptor in descriptors:
        for one in chosen:
            yield run_check(descriptor, one)
