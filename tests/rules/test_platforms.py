"""The core knows no platform: what is special about one lives in its adapter."""

import re
from collections.abc import Iterator

import pytest

from tests.rules.source import ROOT, expect_none

# Also in identifiers: `slack_ts` and `SlackError` are found, `slacken` is not.
PLATFORM = re.compile(r"(?<![A-Za-z])(?i:telegram|discord|slack|mattermost)(?![a-z])")
TEXT = {".py", ".sql", ".j2", ".html", ".js", ".css", ".txt", ".json", ".yaml", ".md"}
# Pages show icons and offer presets of the platforms they can set up.
PAGES = ("bot/gateway/pages/", "bot/gateway/static/")


def platforms(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := PLATFORM.search(line):
            yield f"{path}:{number}: names {found[0]}; move it to adapters/"


def test_the_core_names_no_platform():
    files = (file for file in (ROOT / "bot").rglob("*") if file.suffix in TEXT)
    named = ((file.relative_to(ROOT).as_posix(), file) for file in files)
    texts = ((path, file.read_text("utf-8")) for path, file in named if not path.startswith(PAGES))
    expect_none(problem for path, text in texts for problem in platforms(path, text))


@pytest.mark.parametrize("text", ["# as Telegram does", "slack_ts", "SlackError", "x = 'DISCORD'"])
def test_a_platform_is_seen(text: str):
    assert "a.py:2" in next(platforms("a.py", "\n" + text))


def test_other_words_are_not():
    assert list(platforms("a.py", "slacken the rope, discordant telegrams")) == []
