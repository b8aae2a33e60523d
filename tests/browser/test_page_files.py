"""The page's files: libraries as published, small, and nothing that its content policy forbids."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.gateway.pages_shell import HERE, PAGES, STATIC, Page, Templates
from tests.contracts.gateway_kit import running
from tests.rules.source import ROOT, expect_none

VENDOR = STATIC / "vendor"
OURS = sorted(file for file in STATIC.rglob("*.js") if VENDOR not in file.parents)
STYLES = sorted(STATIC.rglob("*.css"))
NAMES = [page.name for page in PAGES]
LOCK = json.loads((VENDOR / "HASHES.json").read_text("utf-8"))["packages"]

LINES = 400
FUNCTION = 60
FIRST_LOAD = 150_000
EVAL = re.compile(r"\beval\s*\(|\bnew Function\b|\bFunction\s*\(|\bdocument\.write|\.outerHTML\s*=")
IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\s]+)["']""")
AT_ONCE = re.compile(r"""(?:\bfrom|\bimport)\s*["']([^"'\s]+)["']""")
FUNCTION_HEAD = re.compile(r"^( *)(?:export )?(?:async )?(?:function\b|\w+\(.*\) \{$)")


def shell(page: Page) -> str:
    return Templates().page(page)


def named(page: Page) -> set[Path]:
    """What the HTML of a page asks for by itself."""
    return {
        STATIC / name for name in re.findall(r"""(?:src|href)="/static/([^"]+)\"""", shell(page))
    }


def first_load(page: Page) -> set[Path]:
    """The styles and scripts of a page, and all that these import."""
    found = named(page)
    waiting = [path for path in found if path.suffix == ".js"]
    while waiting:
        path = waiting.pop()
        for name in AT_ONCE.findall(path.read_text("utf-8")):
            target = (path.parent / name).resolve()
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def test_vendored_files_are_the_ones_that_were_checked():
    listed = {
        name: digest for package in LOCK.values() for name, digest in package["files"].items()
    }
    there = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "HASHES.json"
    }
    assert there == listed


@pytest.mark.parametrize("name", LOCK)
def test_a_vendored_package_is_credited(name: str):
    package = LOCK[name]
    about = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    [licence] = [file for file in package["files"] if file.startswith("licenses/")]
    assert f"vendor/{licence}" in about
    assert re.search(
        rf"{re.escape(name)}\].*\| {re.escape(package['version'])} \| {package['license']}",
        about,
        re.IGNORECASE,
    )
    assert package["integrity"].startswith("sha512-")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_first_load_is_small(page: Page):
    files = [path.read_bytes() for path in first_load(page)]
    html = shell(page).encode()
    assert sum(len(gzip.compress(one, 9)) for one in (html, *files)) <= FIRST_LOAD
    assert len(files) > 20  # a shell that no longer names its scripts would be small too


async def test_files_travel_compressed_and_only_when_they_changed():
    async with running() as rig:
        path = "/static/vendor/purify.js"
        answer = await rig.get(path, Accept_Encoding="gzip, deflate")
        assert answer.headers["Content-Encoding"] in ("gzip", "deflate")
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert await answer.read() == (STATIC / "vendor" / "purify.js").read_bytes()
        again = await rig.get(path, if_none_match=answer.headers["ETag"])
        assert (again.status, await again.read()) == (304, b"")
        head = await rig.http.head(rig.url + path)
        assert (head.status, await head.read()) == (200, b"")
        part = await rig.get(path, Range="bytes=0-9")
        assert (part.status, len(await part.read())) == (206, 10)
        plain = await rig.get(path, Accept_Encoding="identity")
        assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_asks_for_every_module_at_once(page: Page):
    assert {path for path in first_load(page) if path not in named(page)} == set()


def test_nothing_is_left_over():
    later = {
        (path.parent / name).resolve()
        for path in OURS
        for name in IMPORT.findall(path.read_text("utf-8"))
    }
    known = later.union(*map(first_load, PAGES), {STATIC / "login.css"})
    expect_none(f"{path.name}: nothing loads it" for path in (*OURS, *STYLES) if path not in known)


def forbidden() -> Iterator[str]:
    for path in (*OURS, *VENDOR.glob("*.js")):
        text = path.read_text("utf-8")
        for found in EVAL.findall(text):
            yield f"{path.name}: {found}"
        for name in IMPORT.findall(text):
            if not (path.parent / name).is_file() or not name.startswith("."):
                yield f"{path.name}: imports {name}"
    for path in OURS:
        if found := re.search(r"innerHTML|style=|https?://", path.read_text("utf-8")):
            yield f"{path.name}: {found[0]}"
    for path in STYLES:
        if found := re.search(r"url\(|@import", path.read_text("utf-8")):
            yield f"{path.name}: {found[0]}"
    for path in (HERE / "pages").glob("*.html"):
        inline = r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?://"
        if found := re.search(inline, path.read_text("utf-8")):
            yield f"{path.name}: {found[0]}"


def test_nothing_needs_what_the_content_policy_forbids():
    expect_none(forbidden())


def test_files_are_short():
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in OURS}
    expect_none(f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LINES)


def long_functions(name: str, text: str) -> Iterator[str]:
    """Functions by their first and last line, which have the same indent."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if head := FUNCTION_HEAD.match(line):
            end = next((n for n in range(start, len(lines)) if lines[n] == f"{head[1]}}}"), start)
            if end - start + 1 > FUNCTION:
                yield f"{name}:{start + 1}: {end - start + 1} lines"


def test_functions_are_short():
    expect_none(one for path in OURS for one in long_functions(path.name, path.read_text("utf-8")))


def test_a_long_function_is_seen():
    text = "export function f() {\n" + "  x();\n" * FUNCTION + "}\n"
    assert list(long_functions("f.js", text)) == [f"f.js:1: {FUNCTION + 2} lines"]
    assert list(long_functions("f.js", "function f() {\n  x();\n}\n" + "y();\n" * 99)) == []


def test_words_for_people_are_in_the_catalogue():
    """No element has text of its own; the catalogue's sentences are calm."""
    for path in OURS:
        for found in re.findall(r">\s*([A-Z][a-z]+[^<>${}`=]*)<", path.read_text("utf-8")):
            pytest.fail(f"{path.name}: {found!r} belongs to strings/")
    for path in (STATIC / "strings").glob("*.js"):
        assert "!" not in re.sub(r"//.*", "", path.read_text("utf-8")), path.name


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_know_no_left_and_right(path: Path):
    """What has a side is named by the direction of writing, so that a mirrored page is right."""
    sided = r"(?:margin|padding|border)-(?:left|right)\b|text-align:\s*(?:left|right)\b"
    placed = r"[;{\s](?:left|right):"
    assert re.findall(f"{sided}|{placed}", path.read_text("utf-8")) == []
