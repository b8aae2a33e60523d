"""`up --repair`: the mistakes on stderr, a page to mend them, then the usual start."""

import re
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.contracts.cli_support import Trunkline


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "home")


def test_a_mended_file_starts_everything(trunkline: Trunkline):
    path = trunkline.config("# mine\ngateway: {prot: 1}\n")
    process = trunkline.start("up", "--repair", "--port", "0", "--no-browser")
    assert process.stdout is not None and process.stderr is not None
    try:
        said = [process.stderr.readline()]
        while "mend it at" not in said[-1] and said[-1]:
            said.append(process.stderr.readline())
        assert f"{path}:2:11: gateway.prot: unknown key" in "".join(said)
        found = re.search(r"mend it at (http://\S+)/repair", said[-1])
        assert found is not None
        url, token = found[1], (trunkline.home / "token").read_text().strip()
        assert token not in "".join(said)
        request = urllib.request.Request(f"{url}/repair")
        request.add_header("Authorization", f"Bearer {token}")
        page = urllib.request.urlopen(request, timeout=30).read().decode()
        base = re.search(r'name="base" value="(\w+)"', page)
        assert base is not None and "gateway.prot" in page
        form = {"text": "# mine\r\ngateway: {}\r\n", "base": base[1], "do": "save"}
        request.data = urlencode(form).encode()
        assert "Trunkline starts now" in urllib.request.urlopen(request, timeout=30).read().decode()
        ready = process.stdout.readline()
        assert ready.startswith("ready http://127.0.0.1:")
        assert path.read_text() == "# mine\ngateway: {}\n"
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def test_stopped_without_mending_it_is_a_failure(trunkline: Trunkline):
    trunkline.config("gateway: {prot: 1}\n")
    process = trunkline.start("up", "--repair", "--port", "0", "--no-browser")
    assert process.stderr is not None
    try:
        while "mend it at" not in (line := process.stderr.readline()):
            assert line
        process.terminate()
        _, told = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "still has mistakes" in told and "Traceback" not in told
    finally:
        process.kill()
