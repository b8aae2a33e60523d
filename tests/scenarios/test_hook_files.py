"""Hooks in files and folders: found, chosen for each agent, isolated, and heard in the chat."""

import shutil
from pathlib import Path

import pytest

from bot.cli.inside import core_of
from bot.config.load import load_text
from bot.errors import ConfigError
from bot.gateway.local import Local
from bot.gateway.methods import table
from bot.testing.clock import VirtualClock
from bot.testing.model import call
from bot.testing.running import CONFIG, Bench, running
from tests.scenarios.kit import ADA, Probe, scripted

EXAMPLES = Path(__file__).parents[2] / "examples" / "hooks"
NOTE = """
from pathlib import Path
async def handle(event):
    with Path(__file__).with_name("heard").open("a") as file:
        file.write(f"{event['type']}:{event['action']} {event['sessionKey']}\\n")
"""


def hook(folder: Path, name: str, head: str, code: str = NOTE) -> Path:
    made = folder / name
    made.mkdir(parents=True)
    (made / "HOOK.md").write_text(f"---\nname: {name}\n{head}\n---\n")
    (made / "handler.py").write_text(code)
    return made


def config(folder: Path, more: str = "") -> str:
    return f"{CONFIG}hooks: {{dirs: [{folder}]}}\n{more}"


def heard(folder: Path) -> list[str]:
    file = folder / "heard"
    return file.read_text().splitlines() if file.is_file() else []


async def done(bench: Bench) -> None:
    await bench.settle()
    await bench.app.engine.idle()
    await bench.app.hooks.idle()
    await bench.app.engine.idle()


def rows(bench: Bench) -> dict[str, dict[str, object]]:
    return {str(row["name"]): dict(row) for row in bench.app.hooks.rows}


async def test_the_examples_work(tmp_path: Path, clock: VirtualClock):
    shutil.copytree(EXAMPLES, tmp_path / "hooks")
    more = "agents: [{id: main, tools: {allow: [probe]}}]\n"
    settings = config(tmp_path / "hooks", more)
    probe = Probe()
    async with running(
        tmp_path / "s", settings, clock=clock, scripted=True, tools=[probe]
    ) as bench:
        assert rows(bench)["guard"]["ready"] and rows(bench)["greeter"]["ready"]
        scripted(bench).on(
            "look",
            [call("probe", path="a/.env")],
            [call("probe", "c2", what="sk-12345678")],
            ["ok"],
        )
        bench.platform().say("look")
        await done(bench)
        results = [one.text for one in scripted(bench).requests[-1].entries if one.role == "tool"]
        assert results == ["a/.env holds keys; ask the operator.", "saw [key]"]
        assert len(probe.calls) == 1
        bench.platform().say("/new")
        await done(bench)
        assert "Fresh page, ada. /help shows what I can do." in bench.platform().visible()


async def test_commands_are_heard_once_with_key_and_sender(tmp_path: Path, clock: VirtualClock):
    folder = hook(
        tmp_path / "hooks",
        "all",
        "events: [command]",
        "async def handle(event):\n"
        "    who = event['context']['senderId']\n"
        "    event['messages'].append(f\"{event['action']} {event['sessionKey']} {who}\")\n",
    )
    one = hook(tmp_path / "hooks", "one", "events: [command:new, command:reset, command:stop]")
    hook(tmp_path / "hooks", "bad", "events: command:new", "async def handle(event):\n    1 / 0\n")
    async with running(tmp_path / "s", config(folder.parent), clock=clock, scripted=True) as bench:
        for typed in ("/new", "/reset", "/stop", "/status"):
            bench.platform().say(typed)
            await done(bench)
        shown = bench.platform().visible()
    assert heard(one) == [f"command:{name} {ADA}" for name in ("new", "reset", "stop")]
    assert [text for text in shown if text.endswith(" ada")] == [
        f"{name} {ADA} ada" for name in ("new", "reset", "stop", "status")
    ]


async def test_what_a_hook_pushes_reaches_the_chat(tmp_path: Path, clock: VirtualClock):
    code = "async def handle(event):\n    event['messages'].append('heard ' + event['action'])\n"
    hook(tmp_path / "hooks", "echo", "events: [message:received, message:sent]", code)
    async with running(
        tmp_path / "s", config(tmp_path / "hooks"), clock=clock, scripted=True
    ) as bench:
        bench.platform().say("hello")
        await done(bench)
        assert sorted(bench.platform().visible()) == ["echo hello", "heard received", "heard sent"]


async def test_a_bootstrap_hook_adds_and_removes_files(tmp_path: Path, clock: VirtualClock):
    code = (
        "async def handle(event):\n"
        "    files = event['context']['bootstrapFiles']\n"
        "    files[:] = [one for one in files if one['name'] != 'SOUL.md']\n"
        "    files.append({'name': 'EXTRA.md', 'content': 'The moon is full.'})\n"
        "    files.append({'name': 'NOTES.md'})\n"
    )
    hook(tmp_path / "hooks", "moon", "events: [agent:bootstrap]", code)
    work = tmp_path / "work"
    work.mkdir()
    (work / "SOUL.md").write_text("A soul of brass.")
    (work / "NOTES.md").write_text("Notes from the folder.")
    more = f"agents: [{{id: main, workspace: {work}}}]\n"
    settings = config(tmp_path / "hooks", more)
    async with running(tmp_path / "s", settings, clock=clock, scripted=True) as bench:
        await bench.ask("hi", "r1")
        await done(bench)
        system = scripted(bench).requests[0].system
    assert "The moon is full." in system and "Notes from the folder." in system
    assert "A soul of brass." not in system


async def test_hooks_of_one_agent_are_silent_for_another(tmp_path: Path, clock: VirtualClock):
    folder = tmp_path / "hooks"
    folder.mkdir()
    (folder / "tag.py").write_text(
        "async def before_prompt_build(event, ctx):\n"
        "    return {'prependContext': 'tagged ' + ctx['agentId']}\n"
    )
    more = "agents: [{id: x, default: true, hooks: [tag]}, {id: y, hooks: []}, {id: z}]\n"
    async with running(tmp_path / "s", config(folder, more), clock=clock, scripted=True) as bench:
        for agent in "xyz":
            await bench.ask("hi", agent, f"agent:{agent}:main")
            await done(bench)
        said = [one.entries[-1].text for one in scripted(bench).requests]
    assert said == ["tagged x\n\nhi", "hi", "tagged z\n\nhi"]


async def test_high_priority_goes_first_and_words_are_joined(tmp_path: Path, clock: VirtualClock):
    folder = tmp_path / "hooks"
    folder.mkdir()
    for name, priority in (("a", 1), ("b", 2)):
        (folder / f"{name}.py").write_text(
            f"PRIORITY = {priority}\n"
            "async def before_prompt_build(event, ctx):\n"
            f"    return {{'prependContext': 'of {name}', 'systemPrompt': '{name}'}}\n"
            "async def before_model_resolve(event, ctx):\n"
            f"    return {{'modelOverride': 'demo/{name}'}}\n"
            "async def before_tool_call(event, ctx):\n"
            f"    return {{'block': {name == 'b'}, 'blockReason': '{name} says no'}}\n"
        )
    more = "agents: [{id: main, tools: {allow: [probe]}}]\n"
    async with running(
        tmp_path / "s", config(folder, more), clock=clock, scripted=True, tools=[Probe()]
    ) as bench:
        scripted(bench).on("of b\n\nof a\n\ngo", [call("probe")], ["done"])
        await bench.ask("go", "r1")
        await done(bench)
        first, second = scripted(bench).requests
    assert (first.system, first.model) == ("a", "b")
    assert second.entries[-1].text == "b says no", "a later false does not undo it"


async def test_what_is_switched_off_is_not_imported(tmp_path: Path, clock: VirtualClock):
    folder = tmp_path / "hooks"
    folder.mkdir()
    (folder / "boom.py").write_text("raise SystemExit('imported')\n")
    settings = f"{CONFIG}hooks: {{dirs: [{folder}], disabled: [boom]}}\n"
    async with running(tmp_path / "s", settings, clock=clock, scripted=True) as bench:
        assert rows(bench)["boom"]["enabled"] is False
        assert rows(bench)["boom"]["reason"] is None


async def test_a_broken_policy_file_lets_no_call_through(tmp_path: Path, clock: VirtualClock):
    folder = tmp_path / "hooks"
    folder.mkdir()
    (folder / "guard.py").write_text("async def before_tool_call(event, ctx)\n    return None\n")
    (folder / "idle.py").write_text("1 / 0\n")
    hook(folder, "headless", "nothing: here")
    hook(folder, "needy", "events: [command:new]\nrequires: {bins: [no-such-program]}")
    more = "agents: [{id: main, tools: {allow: [probe]}}]\n"
    async with running(
        tmp_path / "s", config(folder, more), clock=clock, scripted=True, tools=[Probe()]
    ) as bench:
        found = rows(bench)
        assert "SyntaxError" in str(found["guard"]["reason"])
        assert "ZeroDivisionError" in str(found["idle"]["reason"])
        assert "events" in str(found["headless"]["reason"])
        assert "no-such-program" in str(found["needy"]["reason"])
        scripted(bench).on("go", [call("probe")], ["done"])
        await bench.ask("go", "r1")
        await done(bench)
        assert "guard failed" in scripted(bench).requests[-1].entries[-1].text


async def test_folders_inside_a_workspace_are_never_loaded(tmp_path: Path, clock: VirtualClock):
    folder = tmp_path / "s" / "workspaces" / "main" / "hooks"
    folder.mkdir(parents=True)
    (folder / "evil.py").write_text("raise SystemExit('imported')\n")
    async with running(tmp_path / "s", config(folder), clock=clock, scripted=True) as bench:
        [row] = [one for one in bench.app.hooks.rows if one["source"] == "folder"]
        assert "workspace" in row["reason"]


async def test_a_plugin_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="no installed package or module is called 'nosuch'"):
        async with running(tmp_path, CONFIG + "plugins: [nosuch]\n"):
            pass
    assert load_text("plugins: [nosuch]\n", "c.yaml", {}, {}).plugins == ("nosuch",)


async def test_a_module_can_be_a_plugin(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "my_rules.py").write_text(
        "async def message_sending(event, ctx):\n    return {'content': 'ruled'}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = CONFIG + "plugins: [my_rules]\n"
    async with running(tmp_path / "s", settings, clock=clock, scripted=True) as bench:
        bench.platform().say("hello")
        await done(bench)
        assert bench.platform().visible() == ["ruled"]


async def test_session_memory_keeps_a_note_for_its_owner(tmp_path: Path, clock: VirtualClock):
    settings = CONFIG + "plugins: [session-memory]\n"
    async with running(tmp_path, settings, clock=clock, scripted=True) as bench:
        bench.platform().say("my cat is called Mog")
        await done(bench)
        bench.platform().say("/new")
        await done(bench)
        [note] = (tmp_path / "workspaces/main/memory/people/idempotent-ada").glob("*.md")
        assert "- user: my cat is called Mog" in note.read_text()
        await bench.ask("the operator's", "r1")
        await done(bench)
        await bench.app.sessions.reset("main")
        [own] = (tmp_path / "workspaces/main/memory").glob("20*-*-*-*.md")
        assert "the operator's" in own.read_text()


async def test_boot_md_is_the_first_message(tmp_path: Path, clock: VirtualClock):
    work = tmp_path / "work"
    work.mkdir()
    (work / "BOOT.md").write_text("Look at the calendar.")
    settings = f"{CONFIG}agents: [{{id: main, workspace: {work}}}]\nplugins: [boot-md]\n"
    async with running(tmp_path / "s", settings, clock=clock, scripted=True) as bench:
        await done(bench)
        assert (await bench.transcript("main"))[0] == ("user", "Look at the calendar.")


async def test_lists_are_the_same_over_the_socket(tmp_path: Path, clock: VirtualClock):
    async with running(tmp_path, CONFIG, clock=clock, scripted=True) as bench:
        core = core_of(bench.app)
        local = Local(table(core), bench.app.hub, core.view, frozenset())
        payload = await local.request("hooks.list", {})
        local.close()
    names = [one["name"] for one in payload["hooks"]]
    assert names == ["session-memory", "boot-md", "command-logger"]
    assert not any(one["enabled"] for one in payload["hooks"])
