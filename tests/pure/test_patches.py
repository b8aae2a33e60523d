"""Patches as models write them: what is meant beyond doubt is done, the rest is refused."""

import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.tools.files_hunks import applied
from bot.tools.files_patch import PatchError, parsed

TEXT = "def a():\n    return 1\n\n\ndef b():\n    return 1\n"


def patched(text: str, patch: str) -> str:
    [one] = parsed(patch)
    return applied(text, one)


def update(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", "*** Update File: a.py", *lines, "*** End Patch"])


ONE = ["-    return 1", "+    return 2"]
FIRST = TEXT.replace("1", "2", 1)
LAST = "2".join(TEXT.rsplit("1", 1))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["@@", " def a():", *ONE], FIRST),
        ([" def a():", *ONE], FIRST),
        (["@@ def b():", *ONE], LAST),
        (["@@ def b(): @@", *ONE], LAST),
        (["@@", *ONE, "*** End of File"], LAST),
        (["@@ -5,2 +5,2 @@", " def b():", *ONE], LAST),
        (["@@", *ONE, "@@", *ONE], TEXT.replace("1", "2")),
        (["@@", "+# end"], TEXT + "# end\n"),
        (["@@ def a():", "+    x = 1"], TEXT.replace("a():\n", "a():\n    x = 1\n")),
        (["@@", " def a():   ", *ONE], FIRST.replace("a():", "a():   ")),
        (["@@", "-def a():", "-    return 1", "-", "-"], "def b():\n    return 1\n"),
        (
            ["@@", " def a():", "     return 1", "", "", "-def b():", "+def c():"],
            TEXT.replace("b()", "c()"),
        ),
    ],
)
def test_places_are_found(lines: list[str], expected: str):
    assert patched(TEXT, update(*lines)) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ["@@", "-    return 5", "+    return 2"],
        ["@@ def c():", "-    return 1", "+    return 2"],
        ["@@", " def b():", "     return 1", "@@", " def a():"],
        ["@@", "-def a():", "+def c():", "*** End of File"],
    ],
)
def test_a_place_that_is_not_there_is_named(lines: list[str]):
    with pytest.raises(PatchError, match=r"place \d of `a.py` is not in the file"):
        patched(TEXT, update(*lines))


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ("", "no patch"),
        ("hello", "line 1 of the patch is no patch"),
        ("*** Begin Patch\n*** End Patch", "changes no file"),
        ("*** Begin Patch\n*** Update File: a\n@@\n-x\n+y", "does not end"),
        ("*** Begin Patch\n*** Update File: a\n*** End Patch", "changes nothing"),
        ("*** Begin Patch\n*** Update File:\n@@\n-x\n*** End Patch", "with a path"),
        ("*** Begin Patch\n*** Rename File: a\n*** End Patch", "line 2"),
        ("*** Begin Patch\n*** Add File: a\nx\n*** End Patch", "line 3"),
        ("*** Begin Patch\n*** Update File: a\n@@\nx\n*** End Patch", "line 4"),
        ("--- a/x\n", "should name the new file"),
        ("--- a/x\n+++ b/x\n", "should begin a place"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\nx\n", "begins with none of"),
    ],
)
def test_a_patch_that_cannot_be_understood_is_refused(patch: str, says: str):
    with pytest.raises(PatchError) as error:
        parsed(patch)
    if patch:
        assert says in str(error.value)


def test_fences_and_line_ends_do_no_harm():
    inner = update("@@", "-x", "+y")
    for patch in (
        f"```diff\n{inner}\n```",
        inner.replace("\n", "\r\n"),
        f"\n\n{inner}\n\n",
        f"<<'EOF'\n{inner}\nEOF",
    ):
        assert patched("x\n", patch) == "y\n"
    assert patched("a\r\nx\r\nb\r\n", inner) == "a\r\ny\r\nb\r\n"


def test_git_diffs_are_read():
    patch = """diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,2 +1,2 @@ anything
 def a():
-    return 1
+    return 2
diff --git a/new.txt b/new.txt
new file mode 100644
--- /dev/null
+++ b/new.txt
@@ -0,0 +1,2 @@
+one
+two
\\ No newline at end of file
diff --git a/old.txt b/old.txt
deleted file mode 100644
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
--- gone
diff --git a/from.txt b/to.txt
similarity index 90%
rename from from.txt
rename to to.txt
--- a/from.txt
+++ b/to.txt
@@ -1 +1 @@
-x
+y
"""
    first, new, old, moved = parsed(patch)
    assert applied(TEXT, first) == TEXT.replace("1", "2", 1)
    assert (new.kind, new.path, new.content) == ("add", "new.txt", "one\ntwo")
    assert (old.kind, old.path) == ("delete", "old.txt")
    assert (moved.kind, moved.path, moved.move_to) == ("update", "from.txt", "to.txt")
    assert applied("x\n", moved) == "y\n"


_texts = st.lists(
    st.sampled_from(["a", "b", "", "- x", "+ y", " z", "@@", "-- q", "@@ -1"]), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(_texts, _texts, st.integers(0, 4))
def test_what_difflib_writes_is_applied(old: list[str], new: list[str], context: int):
    before = "".join(f"{line}\n" for line in old)
    after = "".join(f"{line}\n" for line in new)
    diff = "\n".join(difflib.unified_diff(old, new, "a/x", "b/x", lineterm="", n=context))
    assert (patched(before, diff) if diff else before) == after


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb", "a\nc"),
        ("a\nb\n", "a\nb"),
        ("a\nb", "a\nb\n"),
        ("a", "a\nb\nc"),
        ("a\n\n\n", "a\n"),
    ],
)
def test_what_git_writes_is_applied(tmp_path: Path, old: str, new: str):
    (tmp_path / "old").write_text(old)
    (tmp_path / "new").write_text(new)
    words = ["git", "diff", "--no-index", "--no-color", "old", "new"]
    diff = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert patched(old, diff.replace("b/new", "b/old")) == new
