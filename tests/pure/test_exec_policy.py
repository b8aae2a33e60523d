"""The decision table of exec, and what counts as on the list."""

from itertools import product

import pytest

from bot.tools.exec_env import environment, refused
from bot.tools.exec_policy import (
    Files,
    Policy,
    Rule,
    covered,
    decide,
    matches,
    plan,
    strictest,
)
from bot.tools.exec_words import NeedsShell, Segment, segments

BIN = ("ls", "cat", "echo", "env", "nice", "nohup", "timeout", "setsid", "stdbuf", "xargs", "find")
BIN += ("git", "sed", "awk", "tar", "sort", "python3", "sh", "bash", "perl", "make", "busybox")
BIN += ("jq", "cut", "uniq", "head", "tail", "tr", "wc", "touch")
SCRIPTS = {
    "/shims/python3": ("/shims/python3", "cc"),
    "tool.py": ("/ws/tool.py", "aa"),
    "run.sh": ("/ws/run.sh", "bb"),
}
FILES = Files(
    program=lambda word: (
        f"/usr/bin/{word}"
        if word in BIN
        else {"./run.sh": "/ws/run.sh", "./python3": "/shims/python3"}.get(word)
    ),
    script=lambda word: SCRIPTS.get(word.removeprefix("./").removeprefix("/ws/")),
)


def hit(command: str, *patterns: str, rules: tuple[Rule, ...] = ()) -> bool:
    return covered(plan(command, FILES), patterns, rules)[0]


TABLE = {
    ("deny", "off"): ("refuse", "refuse"),
    ("deny", "on-miss"): ("refuse", "refuse"),
    ("deny", "always"): ("refuse", "refuse"),
    ("allowlist", "off"): ("run", "refuse"),
    ("allowlist", "on-miss"): ("run", "ask"),
    ("allowlist", "always"): ("ask", "ask"),
    ("full", "off"): ("run", "run"),
    ("full", "on-miss"): ("run", "run"),
    ("full", "always"): ("ask", "ask"),
}


@pytest.mark.parametrize(("security", "ask"), TABLE)
def test_the_decision_table(security: str, ask: str):
    policy = Policy(security, ask)
    assert (decide(policy, True), decide(policy, False)) == TABLE[security, ask]


def test_no_policy_loosens_another():
    ranks = ("refuse", "ask", "run")
    for one, two in product(TABLE, TABLE):
        for on_list in (True, False):
            outcome = strictest([Policy(*one), Policy(*two)], on_list)
            for each in (one, two):
                assert ranks.index(outcome) <= ranks.index(decide(Policy(*each), on_list))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ls -l", [("ls", "-l")]),
        ("ls 'a b' \"c d\" e\\ f", [("ls", "a b", "c d", "e f")]),
        ("echo 'it'\\''s'", [("echo", "it's")]),
        ("echo ''", [("echo", "")]),
        ("echo 'a$b`c`*?<>|&;'", [("echo", "a$b`c`*?<>|&;")]),
        ('echo "a\\"b\\\\c"', [("echo", 'a"b\\c')]),
        ("echo a#b", [("echo", "a#b")]),
        ("a && b || c ; d | e", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("a&&b", [("a",), ("b",)]),
    ],
)
def test_plain_commands_come_apart(command: str, words: list[tuple[str, ...]]):
    assert [one.words for one in segments(command)] == words


def test_operators_are_kept():
    assert segments("a && b | c") == (
        Segment(("a",)),
        Segment(("b",), "&&"),
        Segment(("c",), "|"),
    )


@pytest.mark.parametrize(
    "command",
    [
        *("", "   ", "ls >x", "ls 2>&1", "ls <x", "ls << E", "echo $HOME", "echo `id`", "ls *"),
        *("ls ?", "ls [a]", "echo {a,b}", "(ls)", "{ ls; }", "ls &", "ls & id", "ls |& id", "ls;;"),
        *(
            "ls\nid",
            "ls\rid",
            "# ls",
            "ls # x",
            "~/x",
            "ls ~",
            "! ls",
            "A=1 ls",
            "A+=1 ls",
            "ls &&",
        ),
        *("&& ls", "| ls", "; ls", "ls ||| id", "ls &&& id", "'ls", '"ls', "ls \\", "ls \\\nid"),
        *('echo "$A"', 'echo "`id`"', 'echo "!!"', "ls\0", "ls \x1b[0m", "ls\u200b", "ls\u00a0x"),
        *("echo '\u202ex'", "a[0]=1 ls", "ls \x0b id", "echo 'a\0'", "ls ;\tid;"),
    ],
)
def test_what_needs_a_shell_is_not_plain(command: str):
    with pytest.raises(NeedsShell):
        segments(command)


@pytest.mark.parametrize(
    ("pattern", "path", "covers"),
    [
        ("/usr/bin/ls", "/usr/bin/ls", True),
        ("/USR/bin/LS", "/usr/bin/ls", True),
        ("ls", "/usr/bin/ls", False),
        ("*", "/usr/bin/ls", False),
        ("*/ls", "/usr/bin/ls", False),
        ("/usr/bin/*", "/usr/bin/ls", True),
        ("/usr/*", "/usr/bin/ls", False),
        ("/usr/**", "/usr/bin/ls", True),
        ("/usr/bin/l?", "/usr/bin/ls", True),
        ("/usr/bin/ls", "/usr/bin/lsx", False),
        ("/usr/bin/*", "/usr/bin/python3.11", False),
        ("/usr/bin/*", "/usr/bin/find", False),
        ("/usr/bin/**", "/usr/bin/bash", False),
        ("/usr/bin/python3.11", "/usr/bin/python3.11", True),
    ],
)
def test_patterns_cover_whole_paths(pattern: str, path: str, covers: bool):
    assert matches(pattern, path) is covers


@pytest.mark.parametrize(
    "command",
    [
        *("ls -l", "ls && cat x", "cat x | wc -l", "cat x | jq '.a' | head -n 3 | tr a-z A-Z"),
        *("env ls", "nice -n 5 ls", "nohup ls", "timeout 5 ls -l", "timeout -k 1 5 nice ls"),
        *("setsid ls", "stdbuf -oL ls", "sh -c 'ls -l'", "bash -c 'nice ls'"),
        *("find . -name x", "sed --sandbox s/a/b/", "git status", "sort -u"),
    ],
)
def test_on_the_list(command: str):
    names = ("ls", "cat", "find", "sed", "git", "sort")
    assert hit(command, *(f"/usr/bin/{name}" for name in names))


@pytest.mark.parametrize(
    "command",
    [
        *("touch x", "ls && touch x", "ls | touch x", "env touch x", "env A=b ls", "env -S 'ls' x"),
        *("timeout 5 touch x", "sh -c 'touch x'", "sh -c 'ls; touch x'", "sh -c 'ls > x'"),
        *(
            "sh -lc ls",
            "sh -c ls x",
            "sh",
            "sh x",
            "bash --rcfile x -c ls",
            "xargs ls",
            "ls | xargs",
        ),
        *(
            "find . -exec touch x ;",
            "find . -delete",
            "find . -fprintf x y",
            "sed s/a/b/ew",
            "sed -n 1e",
        ),
        *(
            "sed -i s/a/b/ x",
            "git -c core.pager=x log",
            "git --exec-path=. x",
            "tar --to-command=x",
        ),
        *(
            "awk 'BEGIN{system(1)}'",
            "busybox ls",
            "python3 -c 1",
            "python3",
            "python3 -",
            "perl -e 1",
        ),
        *("jq . x", "jq -f x", "head x", "tail -f x", "wc --files0-from=x", "cut -f1 x", "jq env"),
        *("jq 'import \"x\" as x; .'", "uniq a b", "tr a b c", "sort --compress-program=x"),
        *("sort -o x", "env", "nice", "timeout 5", "time -o x ls", "nohup", "./nothing", "cd /"),
    ],
)
def test_not_on_the_list(command: str):
    names = ("ls", "cat", "find", "sed", "git", "sort", "tar", "awk", "busybox", "xargs", "sh")
    assert not hit(command, *(f"/usr/bin/{name}" for name in (*names, "python3", "perl")))


def test_an_interpreter_runs_a_script_and_nothing_else():
    assert hit("python3 tool.py --all", "/usr/bin/python3", "/ws/*.py")
    assert not hit("python3 tool.py --all", "/usr/bin/python3")
    assert not hit("python3 -m tool", "/usr/bin/python3", "/ws/*.py")
    assert not hit("python3 -i tool.py", "/usr/bin/python3", "/ws/*.py")
    assert not hit("python3 missing.py", "/usr/bin/python3", "/ws/*.py")


def test_allow_always_stores_what_a_wrapper_starts():
    stored = plan("nice timeout 5 touch x && ls", FILES).remembered()
    assert stored == (Rule("/usr/bin/touch"), Rule("/usr/bin/ls"))
    assert hit("touch y", rules=stored)
    assert not hit("cat y", rules=stored)


def test_allow_always_binds_a_script_to_its_content():
    stored = plan("python3 tool.py", FILES).remembered()
    assert stored == (Rule("/usr/bin/python3", "/ws/tool.py", "aa"),)
    assert hit("python3 tool.py", rules=stored)
    assert not hit("python3 run.sh", rules=stored)
    changed = (Rule("/usr/bin/python3", "/ws/tool.py", "other"),)
    assert not hit("python3 tool.py", rules=changed)
    own = plan("./run.sh", FILES).remembered()
    assert own == (Rule("/ws/run.sh", "/ws/run.sh", "bb"),)


@pytest.mark.parametrize(
    "command",
    [
        "python3 -c 1",
        "./python3 -c 1",
        "./python3",
        "sh -c 'ls > x'",
        "ls > x",
        "xargs ls",
        "make",
        "git pull",
        "ls; make",
        "awk 1",
    ],
)
def test_allow_always_stores_nothing_that_could_be_anything(command: str):
    assert plan(command, FILES).remembered() == ()


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "path", "LD_PRELOAD", "ld_library_path", "DYLD_INSERT_LIBRARIES", "PYTHONPATH"),
        *("PYTHONSTARTUP", "NODE_OPTIONS", "BASH_ENV", "ENV", "IFS", "GIT_SSH_COMMAND", "PERL5OPT"),
        *("RUBYOPT", "JAVA_TOOL_OPTIONS", "HOME", "PAGER", "EDITOR", "GCONV_PATH", "LESSOPEN"),
        *("GLIBC_TUNABLES", "http_proxy", "TRUNKLINE_TOKEN", "A=B", "A B", "", "BASH_FUNC_ls%%"),
    ],
)
def test_variables_that_change_what_runs_are_refused(name: str):
    assert refused({name: "x"})


def test_harmless_variables_pass():
    assert refused({"NAME": "Ada", "LANG": "C", "DEBUG": "1"}) is None
    assert refused({"NAME": "a\0b"})


def test_nothing_of_ours_is_inherited_but_what_is_listed():
    ours = {"PATH": "/usr/bin:.:/bin", "OPENAI_API_KEY": "k", "TRUNKLINE_TOKEN": "t", "LANG": "C"}
    env = environment(ours, {"SKILL": "1"}, {"NAME": "Ada"})
    assert env == {
        "PATH": "/usr/bin:/bin",
        "LANG": "C",
        "SKILL": "1",
        "NAME": "Ada",
        "TERM": "dumb",
    }
