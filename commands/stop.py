"""`/stop`: end what runs now and forget what waits behind it."""

from bot.types import CommandContext
from commands.registry import command
from commands.words import count


@command("stop")
async def stop(ctx: CommandContext) -> str:
    """Stop the active run and withdraw what is queued."""
    aborted, withdrawn = await ctx.runs.stop()
    said = []
    if aborted:
        said.append("Stopped." if aborted == 1 else f"Stopped {aborted} runs.")
    if withdrawn:
        said.append(f"Withdrew {count(withdrawn, 'waiting message', 'waiting messages')}.")
    return " ".join(said) or "Nothing is running."
