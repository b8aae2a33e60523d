"""`/whoami`: what the bot knows of the one who asks."""

from bot.types import CommandContext
from commands.registry import command
from commands.words import code


@command("whoami", aliases=("id",), group="About")
async def whoami(ctx: CommandContext) -> str:
    """Show your id, the channel and the account."""
    author, address = ctx.message.author, ctx.message.address
    rows = {
        "Id": code(author.id),
        "Name": code(author.name or author.username or author.id),
        "Channel": code(address.channel),
        "Account": code(address.account),
        "Conversation": code(address.conversation),
        "Owner": "yes" if ctx.owner else "no",
    }
    return "\n".join(f"- {label}: {value}" for label, value in rows.items())
