"""A process that froze while it posted a preview comes back when another has ended the answer."""

from pathlib import Path

from bot.contract import Address
from bot.engine.port import Script, q
from bot.store import outbox
from bot.testing.running import running


def _ended() -> Script[None]:
    yield q("UPDATE outbox SET op = 'settle', state = 'pending' WHERE run = 'r'")


async def test_what_it_knows_of_the_preview_does_not_hold_the_answer_back(tmp_path: Path):
    to = Address("elsewhere", "elsewhere", "ada")
    async with running(tmp_path) as bench:
        engine = bench.app.engine
        assert await engine.tx(outbox.posting("r", to, 2e9))
        await engine.tx(_ended())
        await engine.tx(outbox.posted("r", "b2"))
        [row] = await bench.rows("SELECT state, op FROM outbox WHERE run = 'r'")
        assert (row["state"], row["op"]) == ("pending", "settle")
