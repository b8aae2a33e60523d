"""Calls that turn data into code, and comparisons that tell a secret by their timing."""

import ast
from collections.abc import Iterator

import pytest

from tests.rules.source import PACKAGES, Source, dotted, expect_none, sources

SECRET_WORDS = {"token", "secret", "signature", "password"}
BANNED_CALLS = {"eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load"}
BANNED_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill"}


def is_secret(node: ast.expr) -> bool:
    """Does the last part of a name say so: `token`, `self.bot_token`, not `max_tokens`."""
    name = dotted(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]
    return bool(SECRET_WORDS & set(name.lower().split("_")))


def is_plain(node: ast.expr) -> bool:
    """Asking whether a secret is empty or missing tells nobody anything."""
    return isinstance(node, ast.Constant) and not node.value


def timed_comparisons(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            by_value = any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
            if by_value and any(map(is_secret, sides)) and not any(map(is_plain, sides)):
                yield f"{source.at(node)}: compare secrets with hmac.compare_digest"


def banned_calls(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        words = {word.arg: word.value for word in call.keywords}
        shell = words.get("shell")
        if name in BANNED_CALLS and not safe_loader(source, name):
            yield f"{source.at(call)}: {name} turns data into code"
        if isinstance(shell, ast.Constant) and shell.value:
            yield f"{source.at(call)}: shell=True; pass the arguments as a list"
    for node, name in source.imports():
        if name.partition(".")[0] in BANNED_MODULES:
            yield f"{source.at(node)}: {name} turns data into code"


def safe_loader(source: Source, name: str) -> bool:
    """`yaml` as a local name of a ruamel.yaml object, which loads plain data."""
    return name == "yaml.load" and "yaml" not in {imported for _, imported in source.imports()}


def test_secrets_are_compared_in_constant_time():
    expect_none(problem for source in sources(*PACKAGES) for problem in timed_comparisons(source))


def test_data_is_never_run():
    expect_none(problem for source in sources(*PACKAGES) for problem in banned_calls(source))


@pytest.mark.parametrize(
    "text",
    ["token == given", "given != self.bot_token", "'x' == password", "sign(secret()) == signature"],
)
def test_a_timed_comparison_is_seen(text: str):
    assert "a.py:1" in next(timed_comparisons(Source("a.py", text)))


@pytest.mark.parametrize("text", ["token == ''", "max_tokens == 5", "token.type == 'a'", "a == b"])
def test_other_comparisons_are_free(text: str):
    assert list(timed_comparisons(Source("a.py", text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "eval(x)",
        "exec(x)",
        "os.system(x)",
        "run(x, shell=True)",
        "from pickle import loads",
        "import yaml\nyaml.load(x)",
    ],
)
def test_a_banned_call_is_seen(text: str):
    assert "a.py:" in next(banned_calls(Source("a.py", text)))


@pytest.mark.parametrize("text", ["tool.exec(x)", "run(x, shell=False)", "yaml.load(x)"])
def test_a_harmless_call_is_not(text: str):
    assert list(banned_calls(Source("a.py", text))) == []
