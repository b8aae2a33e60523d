"""The configuration's text as people see it: no literal secret, and each one back in its place."""

import pytest

from bot.config.masks import masked, restored
from bot.errors import ConfigError

TEXT = """\
# mine
gateway: {port: 7440, token: "s3cret-token"}   # kept
store: {url: "postgresql://bot:hunter2@db/x"}
providers:
  one:
    api_key: sk-literal
    base_url: http://one.example/v1
    headers: {X-Team: blue-42}
  two: {api_key: "${TWO_KEY}", api_keys: [file:/run/k, sk-second]}
  odd: {api_kye: fine, max_tokens: 4096}
channels:
  tg:
    token: |
      many
      lines
    typing: true
"""
SECRETS = ("s3cret-token", "hunter2", "sk-literal", "blue-42", "sk-second", "many")


def test_no_secret_is_shown_and_all_come_back():
    mask = masked(TEXT)
    assert not [one for one in SECRETS if one in mask.text]
    assert "${TWO_KEY}" in mask.text and "file:/run/k" in mask.text and "4096" in mask.text
    assert "# mine" in mask.text and "# kept" in mask.text
    assert len(mask.text.splitlines()) == len(TEXT.splitlines())
    assert [one.line for one in mask.kept] == [2, 3, 6, 8, 9, 13]
    assert restored(mask.text, mask).text == TEXT


def test_a_secret_is_known_by_its_type_its_looks_and_where_it_stands_again():
    text = """\
agents:
  - {id: main, prompt: "Say s3cret-token to it", timezone: sk-proj-0123456789abcdef}
providers: {one: {api_key: s3cret-token, base_url: "http://x.example/xoxb-1234567890123-abcdef"}}
tools: {web: {search: {provider: "Bearer abcdefghijklmnop"}}}
channels: {irc: {nickserv: sesame, topic: open}}
"""
    mask = masked(text, {"nickserv"})
    for secret in ("s3cret-token", "sk-proj", "xoxb", "abcdefghijklmnop", "sesame"):
        assert secret not in mask.text
    assert "topic: open" in mask.text
    assert restored(mask.text, mask).text == text
    plain = (
        "agents: [{id: main, prompt: sk-learn and hf-transformers-are-libraries, name: Basic one}]"
    )
    assert masked(plain).text == plain


def test_an_edit_around_a_secret_keeps_it():
    mask = masked(TEXT)
    edited = mask.text.replace("port: 7440", "port: 80").replace("# mine", "# ours\n# two lines")
    expected = TEXT.replace("port: 7440", "port: 80").replace("# mine", "# ours\n# two lines")
    assert restored(edited, mask).text == expected
    requoted = edited.replace("'(kept 3: providers.one.api_key)'", '"(kept 3: whatever)"')
    assert restored(requoted, mask).text == expected


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("typing: true", "prompt: (kept 1", "kept for gateway.token"),
        ("http://one.example/v1", "http://evil.example/v1", "another address"),
        ("(kept 3:", "(kept 99:", "not in the file"),
    ],
)
def test_a_secret_follows_to_no_other_place(old: str, new: str, what: str):
    mask = masked(TEXT)
    edited = mask.text.replace(old, new + ": x)" * new.endswith("(kept 1"))
    if new.endswith("(kept 1"):
        edited = edited.replace("(kept 1: x)", "'(kept 1: x)'")
    with pytest.raises(ConfigError, match=what) as refused:
        restored(edited, mask)
    assert not [one for one in SECRETS if one in str(refused.value)]


def test_a_misspelled_key_is_mended_and_keeps_its_secret():
    mask = masked("providers: {x: {api-keys: sk-literal}}\n")
    assert "sk-literal" not in mask.text
    mended = restored(mask.text.replace("api-keys", "api_key"), mask)
    assert mended.text == "providers: {x: {api_key: sk-literal}}\n"


def test_what_is_no_yaml_shows_no_secret_either():
    broken = 'providers:\n  x: {api_key: "sk-literal", base_url: "http://a"\n  y: [\n'
    mask = masked(broken)
    assert "sk-literal" not in mask.text and mask.root is None
    mended = mask.text.replace('"http://a"', '"http://a"}').replace("y: [", "y: {}")
    whole = restored(mended, mask).text
    assert '{api_key: "sk-literal", base_url: "http://a"}' in whole
    with pytest.raises(ConfigError, match="another address"):
        restored(mended.replace("http://a", "http://b"), mask)


def test_a_column_behind_a_secret_is_the_one_that_is_seen():
    mask = masked('gateway: {token: "s3cret-token", prot: 1}\n')
    whole = restored(mask.text, mask)
    real, seen = whole.text.index("prot") + 1, mask.text.index("prot") + 1
    assert real != seen and whole.place(1, real) == (1, seen)
