"""Seeded mistakes: each is named with its place, its key and what to do.

`^^` in a text marks the place that must be named, just before the character.
"""

from __future__ import annotations

import pytest

from adapters import option_types
from bot.config.load import load_text
from bot.errors import ConfigError

ADAPTERS = option_types()
T = "channels:\n  telegram:\n    token: x\n    "
A = "agents:\n  - id: main\n    "

MISTAKES = [
    # keys
    ("^^gatewy: {}", "gatewy", 'did you mean "gateway"?'),
    ("gateway: {^^prot: 1}", "gateway.prot", 'did you mean "port"?'),
    ("gateway:\n  ^^hostname: x", "gateway.hostname", 'did you mean "host"?'),
    ("^^port: 80", "port", 'did you mean "gateway.port"?'),
    ("^^timezone: UTC", "timezone", "timezone"),
    (T + "^^allowFrom: [1]", "channels.telegram.allowFrom", 'did you mean "allow_from"?'),
    (T + "^^dm-policy: open", "channels.telegram.dm-policy", 'did you mean "dm_policy"?'),
    (T + "^^tokn: x", "channels.telegram.tokn", 'did you mean "token"?'),
    (T + "webhook: {^^uri: x}", "channels.telegram.webhook.uri", 'did you mean "url"?'),
    (A + "^^modle: x", "agents.0.modle", 'did you mean "model"?'),
    (A + "model: {primry: x, ^^primery: y}", "agents.0.model.primery", 'did you mean "primary"?'),
    (A + "tools: {exec: {^^sercurity: deny}}", "agents.0.tools.exec.sercurity", "security"),
    ("messages: {queue: {^^mod: collect}}", "messages.queue.mod", 'did you mean "mode"?'),
    ("providers: {x: {api: openai, ^^apikey: k}}", "providers.x.apikey", 'did you mean "api_key"?'),
    ("gateway: {port: 1, ^^port: 2}", "port", "keep one of the two"),
    ("a: &a {}\ngateway:\n  ^^<<: *a", "gateway.<<", "repeat the keys"),
    ("agents:\n  - ^^name: x", "agents.0.id", "add id here"),
    ("bindings:\n  - ^^match: {channel: slack}", "bindings.0.agent", "add agent here"),
    ("channels:\n  ^^mattermost: {token: x}", "channels.mattermost.url", "add url here"),
    # kinds
    ('gateway: {port: ^^"80"}', "gateway.port", "remove the quotes"),
    ("gateway: {port: ^^70000}", "gateway.port", "write at most 65535"),
    ("gateway: {port: ^^-1}", "gateway.port", "write at least 0"),
    ("gateway: {port: ^^7.5}", "gateway.port", "write a number such as 10"),
    ("gateway: {openai_api: ^^yes}", "gateway.openai_api", "write true without quotes"),
    ("gateway: {openai_api: ^^off}", "gateway.openai_api", "write false without quotes"),
    ("gateway: {openai_api: ^^1}", "gateway.openai_api", "write true"),
    ("gateway: ^^7440", "gateway", "indented by two spaces"),
    ("gateway: ^^[a]", "gateway", "indented by two spaces"),
    ("gateway:\n  ^^port:80", "gateway", "put a space after the colon"),
    ("owners: ^^telegram:1", "owners", "put it in brackets"),
    ("agents: ^^{id: main}", "agents", "begin each item with a dash"),
    ("agents: [^^main]", "agents.0", "indented by two spaces"),
    ("channels: ^^[telegram]", "channels", "write one account name below it"),
    ("channels: {telegram: ^^x}", "channels.telegram", "indented"),
    (A + "timeout: ^^10", "agents.0.timeout", "write 10s"),
    (A + "timeout: ^^ten minutes", "agents.0.timeout", "write 500ms, 30s"),
    ("tasks: {min_interval: ^^5 m}", "tasks.min_interval", "write 500ms, 30s"),
    ("tasks: {max_concurrent: ^^0}", "tasks.max_concurrent", "write at least 1"),
    ("messages: {max_concurrent: ^^0}", "messages.max_concurrent", "write at least 1"),
    ("limits: {per_sender: ^^20}", "limits.per_sender", "write 20/min"),
    ("limits: {per_sender: ^^20/fortnight}", "limits.per_sender", "write 20/min"),
    ("limits: {daily_cost: ^^much}", "limits.daily_cost", "write a number such as 2.5"),
    ('session: {reset: {at: ^^"25:00"}}', "session.reset.at", "write hours and minutes"),
    (A + "prompt: ^^[x]", "agents.0.prompt", "put the text in quotes"),
    (A + "^^id: x", "id", "keep one of the two"),
    ("mcp: {servers: {x: {command: ^^run it}}}", "mcp.servers.x.command", "[program, argument]"),
    # choices
    (T + "dm_policy: ^^opne", "channels.telegram.dm_policy", 'did you mean "open"?'),
    (T + "streaming: ^^false", "channels.telegram.streaming", 'did you mean "off"?'),
    (T + "reply_to: ^^last", "channels.telegram.reply_to", "use one of: off, first, all"),
    (A + "thinking: ^^hihg", "agents.0.thinking", 'did you mean "high"?'),
    ("session: {dm_scope: ^^per-peer}", "session.dm_scope", 'did you mean "peer"?'),
    ("messages: {queue: ^^colect}", "messages.queue.mode", 'did you mean "collect"?'),
    ("logging: {level: ^^warn}", "logging.level", 'did you mean "warning"?'),
    ("tasks: {timezone: ^^Europe/Berln}", "tasks.timezone", 'did you mean "Europe/Berlin"?'),
    (A + "timezone: ^^europe/berlin", "agents.0.timezone", 'did you mean "Europe/Berlin"?'),
    # names that lead nowhere
    (T + "agent: ^^mian", "channels.telegram.agent", 'did you mean "main"?'),
    (T + "groups: {-5: {agent: ^^mian}}", "channels.telegram.groups.-5.agent", "main"),
    ("bindings:\n - {agent: ^^mian, match: {channel: x}}", "bindings.0.agent", "main"),
    (A + "subagents: {allow_agents: [main, ^^bob]}", "agents.0.subagents.allow_agents.1", "main"),
    (A + "model: ^^opnai/x", "agents.0.model", "demo"),
    (A + "model: ^^gpt", "agents.0.model", "write provider/model"),
    (A + "model: {primary: demo/demo, fallbacks: [^^dmo/x]}", "agents.0.model.fallbacks.0", "demo"),
    (A + "task_models: {cheap: ^^dem/x}", "agents.0.task_models.cheap", 'did you mean "demo"?'),
    (A + "providers: {^^opena: {}}", "agents.0.providers.opena", "demo"),
    ("memory: {embeddings: ^^openai/e}", "memory.embeddings", "demo"),
    ("models: {^^opnai/x: {}}", "models.opnai/x", "demo"),
    ("models: {demo/a: {alias: b}, demo/c: {alias: ^^b}}", "models.demo/c.alias", "choose another"),
    ("providers: {x: {api: ^^opnai}}", "providers.x.api", 'did you mean "openai"?'),
    ("providers: {^^x: {base_url: http://x}}", "providers.x.api", "add api"),
    ("providers: {^^x: {api: command}}", "providers.x.command", "add command"),
    ("channels: {^^telegrm: {token: x}}", "channels.telegrm", 'did you mean "telegram"?'),
    ("channels: {x: {adapter: ^^slak, bot_token: x}}", "channels.x.adapter", 'mean "slack"?'),
    # unsafe or incomplete mixtures
    (T + "dm_policy: ^^open", "channels.telegram.dm_policy", 'add allow_from: ["*"]'),
    ("gateway: {host: ^^0.0.0.0}", "gateway.host", "gateway.allowed_hosts"),
    ('gateway: {host: ^^"::"}', "gateway.host", "gateway.allowed_hosts"),
    ("gateway: {^^tls: {cert: /c}}", "gateway.tls", "add gateway.tls.key"),
    ("agents: [{id: a}, {id: ^^A}]", "agents.1.id", "give it another id"),
    ("agents: [{id: ^^a b}]", "agents.0.id", "use a-z, 0-9, _ and -"),
    ("^^agents: [{id: a, enabled: false}]", "agents", "enable one"),
    ("channels: {^^webchat: {adapter: telegram, token: x}}", "channels.webchat", "another"),
    ("channels: {^^My Bot: {adapter: telegram, token: x}}", 'channels."My Bot"', "use a-z"),
    ("channels: {^^slack: {bot_token: x}}", "channels.slack", "add app_token"),
    ("bindings: [{agent: main, match: ^^{}}]", "bindings.0.match", "name a channel"),
    ('owners: [^^"12345"]', "owners.0", "a colon and the author's id"),
    ("mcp: {servers: {^^x: {}}}", "mcp.servers.x", "give one of the two"),
    ("store: {url: ^^mysql://x}", "store.url", "write sqlite"),
    # references and secrets
    ('gateway: {token: ^^"${NOPE}"}', "gateway.token", "set NOPE, or write ${NOPE:-default}"),
    ('gateway: {token: ^^"${EMPTY}"}', "gateway.token", "set EMPTY"),
    ("gateway:\n  token: ^^${NOPE", "gateway.token", "write ${NAME}"),
    ("gateway:\n  token: ^^file:/no/such/file", "gateway.token", "check its path and rights"),
    ("gateway:\n  token: ^^file:here", "gateway.token", "the whole path"),
    ("gateway:\n  token: ^^set (file, 46 chars)", "gateway.token", "give the secret itself"),
    ("gateway:\n  port: ^^${WORD}", "gateway.port", "write a number"),
    ('channels: {telegram: {token: ^^"${EMPTY:-}"}}', "channels.telegram.token", "disable this"),
    # not YAML
    ("gateway: {token: $^^{NOPE}}", "", 'put "${NAME}" in quotes'),
    ("gateway:\n^^\tport: 1", "", "spaces, not tabs"),
    ("gateway: {host: ^^'x}\n", "", "close it"),
    ("gateway: ^^@x", "", "put text that begins with @ in quotes"),
    ("gateway: x^^: y", "", "text that contains a colon"),
    ("gateway: {port: ^^!!int 3}", "", "remove the tag"),
    ("gateway: ^^*x", "", "define &x first"),
    ("gateway: {}\n^^---\nagents: []", "", "keep only one"),
    ("gateway: {host: a^^\x00b}", "", "remove it"),
    ("^^- a", "", "write key: value"),
]
ENV = {"EMPTY": "", "WORD": "secret-word"}


@pytest.mark.parametrize(("marked", "key", "fix"), MISTAKES, ids=[repr(m[0]) for m in MISTAKES])
def test_a_mistake_is_named_with_its_place(marked: str, key: str, fix: str) -> None:
    before, _, after = marked.partition("^^")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    with pytest.raises(ConfigError) as caught:
        load_text(before + after, "c.yaml", ENV, ADAPTERS)
    found = [p for p in caught.value.problems if (p.line, p.column, p.key) == (line, column, key)]
    assert found, f"wanted {line}:{column}: {key}, got {caught.value}"
    assert fix in found[0].fix
    assert str(found[0]).startswith(f"c.yaml:{line}:{column}: {key}")
    assert "secret-word" not in str(caught.value)
    assert "\n" not in str(found[0])


def test_all_mistakes_are_told_at_once_in_file_order() -> None:
    text = (
        "gateway: {prot: 1, port: x, host: 0.0.0.0}\n"
        "agents: [{id: a, model: nope/x}, {id: a}]\n"
        'channels: {telegram: {token: "${NOPE}", agent: zed}}\n'
        "port: 1\nport: 2\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_text(text, "c", {}, ADAPTERS)
    found = [(p.line, p.key) for p in caught.value.problems]
    assert found == [
        (1, "gateway.prot"),
        (1, "gateway.port"),
        (1, "gateway.host"),
        (2, "agents.0.model"),
        (2, "agents.1.id"),
        (3, "channels.telegram.token"),
        (3, "channels.telegram.agent"),
        (4, "port"),
        (5, "port"),
    ]


def test_the_environment_is_named_as_the_place() -> None:
    env = {"PORT": "http", "TRUNKLINE_HOST": "0.0.0.0"}
    with pytest.raises(ConfigError) as caught:
        load_text("", "c", env, ADAPTERS)
    host, port = sorted(str(problem) for problem in caught.value.problems)
    assert host.startswith("$PORT: gateway.port: must be a whole number")
    assert port.startswith('$TRUNKLINE_HOST: gateway.host: "0.0.0.0" can be reached')


@pytest.mark.parametrize(
    "text",
    ["[" * 200, "a: " + "{a: " * 60, "x: " + "y" * 1_100_000, "- " * 100],
)
def test_hostile_texts_end_in_one_plain_error(text: str) -> None:
    with pytest.raises(ConfigError):
        load_text(text, "c", {}, ADAPTERS)


def test_aliases_may_not_multiply() -> None:
    text = "a: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]\n"
    for level in range(1, 9):
        items = ", ".join([f"*a{level - 1}"] * 10)
        text += f"b{level}: &a{level} [{items}]\n"
    with pytest.raises(ConfigError, match="aliases make it too large"):
        load_text(text, "c", {}, ADAPTERS)
