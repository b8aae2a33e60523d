"""Loading: defaults, precedence, references, secrets, channels, and where the file is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

import pytest

from adapters import adapter_class, option_types
from bot.config.channels import required_options
from bot.config.environment import ENVIRONMENT, config_path, state_dir
from bot.config.kinds import Allowance, format_duration, revealed
from bot.config.load import load, load_text
from bot.config.problems import ConfigMissing
from bot.config.settings import Config
from bot.config.show import default_config_text, get, redacted
from bot.errors import ChannelRefused, ConfigError

ADAPTERS = option_types()


def read(text: str, **env: str) -> Config:
    return load_text(text, "c.yaml", env, ADAPTERS)


def test_no_file_gives_the_defaults() -> None:
    config = load(None, {}, ADAPTERS)
    assert (config.gateway.host, config.gateway.port) == ("127.0.0.1", 7440)
    assert config.default_agent.id == "main"
    assert config.default_agent.model.primary == "demo/demo"
    assert config.providers["demo"].api == "demo"
    assert config.limits.per_sender == Allowance(20, 60.0)
    assert config.session.reset.at == time(4)
    assert config.messages.queue.debounce == 1.0
    assert not config.channels
    assert not config.warnings


def test_the_starting_file_is_the_defaults() -> None:
    # Where it was read from is no part of what it says.
    started = read(default_config_text(ADAPTERS))
    assert started.model_dump() == load(None, {}, ADAPTERS).model_dump()


def test_a_missing_file_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissing, match="trunkline init"):
        load(tmp_path / "none.yaml", {}, ADAPTERS)
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"gateway: {}\nname: \xff\n")
    with pytest.raises(ConfigError, match=r"broken.yaml:2:7: is not UTF-8 text") as caught:
        load(broken, {}, ADAPTERS)
    assert not isinstance(caught.value, ConfigMissing)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbfgateway:\r\n  port: 80\r\n")
    assert load(path, {}, ADAPTERS).gateway.port == 80


def test_flags_win_over_the_environment_and_that_over_the_file() -> None:
    text = "gateway: {host: 127.0.0.2, port: 1, token: a}"
    env = {"TRUNKLINE_HOST": "127.0.0.3", "PORT": "2", "TRUNKLINE_TOKEN": "b"}
    config = load_text(text, "c", env, ADAPTERS, flags={"gateway.port": 3})
    assert (config.gateway.host, config.gateway.port) == ("127.0.0.3", 3)
    assert config.gateway.token.reveal() == "b"
    assert repr(config.gateway.token) == "set (env TRUNKLINE_TOKEN, 1 chars)"


def test_references_are_filled_and_escaped() -> None:
    text = 'agents: [{id: a, name: "${A}-${B:-x y}-${C:-}-$${A}-$A", prompt: "${A}"}]'
    agent = read(text, A="one").agents[0]
    assert agent.name == "one-x y--${A}-$A"
    assert agent.prompt == "one"


def test_an_empty_variable_counts_as_unset() -> None:
    assert read('agents: [{id: a, name: "${A:-x}"}]', A="").agents[0].name == "x"


def test_a_variable_may_stand_for_a_number_a_flag_a_duration_a_choice_and_a_list() -> None:
    text = (
        "gateway: {port: '${P}', openai_api: '${F}', allowed_hosts: '${L}'}\n"
        "tasks: {min_interval: '${D}', missed: '${C}'}\n"
        'owners: ["${L}"]\n'
    )
    config = read(text, P="80", F="yes", L="a:1, b:2,", D="2m", C="skip")
    assert (config.gateway.port, config.gateway.openai_api) == (80, True)
    assert config.gateway.allowed_hosts == config.owners == ("a:1", "b:2")
    assert (config.tasks.min_interval, config.tasks.missed) == (120.0, "skip")


def test_words_and_times_of_yaml_1_1_are_text() -> None:
    config = read("agents: [{id: no, name: 0o7, thinking: off}]\nsession: {reset: {at: 04:30}}")
    assert (config.agents[0].id, config.agents[0].thinking) == ("no", "off")
    assert config.session.reset.at == time(4, 30)


def test_ids_of_people_may_be_written_as_numbers() -> None:
    text = "channels: {telegram: {token: x, allow_from: [123, 007], groups: {-100: {}}}}"
    settings = read(text).channels["telegram"].settings
    assert settings.allow_from == ("123", "007")
    assert list(settings.groups) == ["-100"]


def test_a_section_or_list_left_empty_is_its_default() -> None:
    text = "gateway:\nchannels:\n  # nothing yet\nagents:\nowners:\nlimits: {per_sender: null}"
    config = read(text)
    assert config.gateway.port == 7440
    assert config.limits.per_sender is None


def test_short_forms() -> None:
    text = "agents: [{id: a, model: demo/x}]\nmessages: {queue: steer}\nsession: {reset: idle}"
    config = read(text)
    assert config.agents[0].model.primary == "demo/x"
    assert (config.messages.queue.mode, config.messages.queue.cap) == ("steer", 20)
    assert config.session.reset.mode == "idle"


def test_a_channel_changes_parts_of_the_queue() -> None:
    text = (
        "messages: {queue: {cap: 5}, debounce: 2s}\n"
        "channels:\n  telegram: {token: x, queue: interrupt, debounce: 0s}\n"
        "  two: {adapter: telegram, token: y}\n"
    )
    config = read(text)
    assert (config.queue_of("telegram").mode, config.queue_of("telegram").cap) == ("interrupt", 5)
    assert config.queue_of("two") == config.queue_of("unknown") == config.messages.queue
    assert (config.debounce_of("telegram"), config.debounce_of("two")) == (0.0, 2.0)


def test_the_first_agent_is_the_default_unless_one_says_so() -> None:
    assert read("agents: [{id: a}, {id: B}]").default_agent.id == "a"
    config = read("agents: [{id: a}, {id: B, default: true}]")
    assert config.default_agent is config.agent("b")
    assert read("agents: [{id: a, enabled: false}, {id: b}]").default_agent.id == "b"
    assert config.agent("zed") is None


def test_two_defaults_are_a_warning_and_the_first_wins() -> None:
    config = read("agents:\n- {id: a}\n- {id: b, default: true}\n- {id: c, default: true}")
    assert config.default_agent.id == "b"
    assert [str(w) for w in config.warnings] == [
        "c.yaml:4:20: agents.2.default: agents.1 is the default already; "
        "remove it: the first one counts"
    ]


def test_a_route_to_no_channel_is_a_warning() -> None:
    config = read("bindings: [{agent: main, match: {channel: telegrm}}]")
    assert 'did you mean "telegram"?' in str(config.warnings[0])


def test_an_unknown_variable_of_ours_is_a_warning_unless_the_file_uses_it() -> None:
    text = 'agents: [{id: a, name: "${TRUNKLINE_MINE}"}]'
    config = read(text, TRUNKLINE_MINE="x", TRUNKLINE_HOTS="y", TRUNKLINE_HOME="/z")
    assert [w.file for w in config.warnings] == ["$TRUNKLINE_HOTS"]
    assert 'did you mean "TRUNKLINE_HOST"?' in str(config.warnings[0])


def test_a_disabled_channel_may_lack_its_variables() -> None:
    text = 'channels: {telegram: {enabled: false, token: "${NOPE}", webhook: {url: "${ALSO}"}}}'
    channel = read(text).channels["telegram"]
    assert not channel.settings.enabled
    assert channel.options is None
    with pytest.raises(ConfigError, match="NOPE is not set"):
        read(text.replace("false", "true"))


def test_what_a_variable_disables_is_disabled() -> None:
    text = 'channels: {telegram: {enabled: "${ON:-false}", token: "${NOPE}"}}'
    assert not read(text).channels["telegram"].settings.enabled
    with pytest.raises(ConfigError):
        read(text, ON="true")


def test_a_channel_has_its_adapters_options_and_the_common_settings() -> None:
    text = "channels: {home: {adapter: telegram, token: t, webhook: {secret: s}, typing: false}}"
    channel = read(text).channels["home"]
    assert (channel.name, channel.adapter) == ("home", "telegram")
    assert not channel.settings.typing
    assert channel.options == ADAPTERS["telegram"](token="t", webhook=channel.options.webhook)
    assert channel.options.webhook.secret == "s"


@dataclass(frozen=True, slots=True)
class Options:
    """An adapter from elsewhere."""

    key: str = field(repr=False, metadata={"help": "the key", "secret": True})
    wait: float = field(default=1.0, metadata={"help": "how long", "duration": True})
    rooms: tuple[str, ...] = field(default=(), metadata={"help": "which"})


def test_an_adapter_from_elsewhere_is_checked_by_its_own_dataclass() -> None:
    config = load_text(
        "channels: {own: {key: k, wait: 90s, rooms: [1]}}", "c", {}, {"own": Options}
    )
    assert config.channels["own"].options == Options("k", 90.0, ("1",))
    assert config.channels["own"].shown["wait"] == "1m30s"
    with pytest.raises(ConfigError, match="a duration needs a unit"):
        load_text("channels: {own: {key: k, wait: 90}}", "c", {}, {"own": Options})


SECRETS = """
gateway: {token: "${CANARY1}"}
store: {url: "postgresql://me:canary9@host/db"}
providers:
  openai: {api_key: canary2, api_keys: ["${CANARY1}"], headers: {X: canary3}}
agents: [{id: main, providers: {openai: {api_key: canary4}}, params: {k: "${CANARY1}"}}]
channels:
  telegram: {token: "file:FILE", webhook: {secret: canary5}}
  slack: {bot_token: "${CANARY1}", app_token: canary6}
skills: {entries: {a: {env: {B: canary7}, config: {c: ["${CANARY1}"]}}}}
mcp: {servers: {a: {command: [x], env: {B: canary8}}}}
"""


def test_no_secret_shows_in_any_form(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("canary10:x\n", encoding="utf-8")
    config = read(SECRETS.replace("FILE", str(path)), CANARY1="canary1")
    shown = [repr(config), str(config), json.dumps(redacted(config)), repr(config.channels)]
    assert not [text for text in shown if "canary" in text.replace("CANARY", "")]
    assert config.channels["telegram"].options.token == "canary10:x"
    assert config.gateway.token.reveal() == "canary1"
    assert revealed(config.skills.entries["a"].config) == {"c": ["canary1"]}
    assert get(config, "gateway.token") == "set (env CANARY1, 7 chars)"
    assert get(config, "channels.telegram.token") == f"set (file {path}, 10 chars)"
    assert get(config, "channels.slack.app_token") == "set (file, 7 chars)"
    assert get(config, "channels.slack.signing_secret") == "not set"
    assert get(config, "store.url") == "postgresql://me:***@host/db"


def test_one_value_is_read_by_its_key() -> None:
    config = read('agents: [{id: a, timeout: 90s}]\nmodels: {"demo/m.1": {alias: x}}')
    assert get(config, "agents.a.timeout") == get(config, "agents.0.timeout") == "1m30s"
    assert get(config, 'models."demo/m.1".alias') == "x"
    with pytest.raises(KeyError):
        get(config, "agents.b")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30.0),
        ("1h30m", 5400.0),
        ("2d", 172800.0),
        ("0", 0.0),
        ("1.5h", 5400.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    config = read(f"tasks: {{min_interval: {text}}}")
    assert config.tasks.min_interval == seconds
    again = read(f"tasks: {{min_interval: {format_duration(seconds)}}}")
    assert again.tasks.min_interval == seconds


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read("").gateway.port = 1


def test_the_file_is_looked_for_in_the_documented_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = {"TRUNKLINE_HOME": str(tmp_path / "state")}
    assert config_path(None, env) == tmp_path / "state" / "config.yaml"
    (tmp_path / "config.yaml").touch()
    assert config_path(None, env) == tmp_path / "config.yaml"
    assert config_path(None, env | {"TRUNKLINE_CONFIG": "/a"}) == Path("/a")
    assert config_path("/b", env | {"TRUNKLINE_CONFIG": "/a"}) == Path("/b")
    assert state_dir({"HOME": "/home/ada"}) == Path("/home/ada/.trunkline")


def test_every_variable_has_help() -> None:
    assert all(name.isupper() and text for name, text in ENVIRONMENT)


def test_an_adapter_whose_library_is_absent_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = {"telegram": ("", "no_such_library.sub:Thing")}
    monkeypatch.setattr("adapters.BUILT_IN", missing)
    with pytest.raises(
        ChannelRefused, match=r"no_such_library.*pip install 'trunkline\[telegram\]'"
    ):
        adapter_class("telegram")
    with pytest.raises(ChannelRefused, match="there is no adapter called zed"):
        adapter_class("zed")


def test_the_options_can_be_made_without_any_secret() -> None:
    for options in ADAPTERS.values():
        options(**dict.fromkeys(required_options(options), ""))
