"""`config.*` over the socket: what is shown, what may be changed, and what is refused."""

from pathlib import Path

from tests.contracts.channels_kit import connected, file


async def test_config_never_shows_a_secret(tmp_path: Path):
    async with connected(tmp_path) as (desk, fake):
        whole = str(await desk.ok("config.get"))
        assert fake.token not in whole
        told = await desk.ok("config.get", key="channels.telegram.token")
        assert told["value"] == f"set (file, {len(fake.token)} chars)"
        assert (await desk.error("config.get", key="channels.nix"))["code"] == "NOT_FOUND"


async def test_config_set_changes_one_key_and_says_when_it_counts(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        told = await desk.ok("config.set", key="agents.other.name", value="Opal")
        assert told["restart"] is True
        assert "name: Opal" in file(desk)
        again = await desk.ok("config.get", key="agents.other.name")
        assert (again["value"], again["base"]) == ("Opal", told["base"])
        await desk.ok("config.set", key="agents.other.prompt")
        assert "Be brief" not in file(desk)
        error = await desk.error("config.set", key="agents.other.nmae", value="x")
        assert error["code"] == "INVALID_PARAMS"


async def test_keys_that_name_code_change_only_in_the_file(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        before = file(desk)
        for key, value in (
            ("providers", {"local": {"api": "command", "command": ["sh"]}}),
            ("plugins", ["evil"]),
            ("hooks.dirs", ["/tmp"]),
        ):
            error = await desk.error("config.set", key=key, value=value)
            assert error["code"] == "FORBIDDEN"
            assert "line" in error["message"]
        assert file(desk) == before


async def test_config_check_names_every_mistake(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        assert (await desk.ok("config.check"))["ok"] is True
        desk.core.file.path.write_text(file(desk) + "gatway: {}\n", encoding="utf-8")
        told = await desk.ok("config.check")
        assert told["ok"] is False
        assert (told["problems"][0]["key"], told["problems"][0]["column"]) == ("gatway", 1)
        error = await desk.error("channels.set", account="telegram", typing=False)
        assert (error["code"], "gatway" in error["message"]) == ("CONFLICT", True)


async def test_the_schema_knows_the_channels(tmp_path: Path):
    async with connected(tmp_path) as (desk, _):
        assert "telegram" in str((await desk.ok("config.schema"))["schema"])
