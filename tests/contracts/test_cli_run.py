"""Starting, stopping and talking: the real program, real signals, a real second process."""

import json
import signal
import socket
import stat
import threading
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.contracts.cli_support import Trunkline


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "home")


def test_chat_answers_without_a_gateway(trunkline: Trunkline):
    answer = json.loads(trunkline.ok("chat", "-m", "hello", "--json"))
    assert answer["sessionKey"] == "agent:main:main"
    assert answer["status"] == "ok"
    assert "hello" in answer["reply"]
    assert answer["usage"]["outputTokens"] > 0
    assert set(answer) == {"runId", "sessionKey", "status", "reply", "usage"}
    # the terminal wrote the same store that every other way of talking uses
    shown = trunkline.json("sessions", "show", "main")
    assert [one["role"] for one in shown["messages"]] == ["user", "assistant"]


def test_one_gateway_serves_every_verb(trunkline: Trunkline):
    with trunkline.up() as running:
        about = json.loads((trunkline.home / "gateway.json").read_text())
        assert about["url"] == running.url
        assert about["pid"] == running.process.pid
        assert set(about) == {"url", "pid", "host", "version", "startedAt"}

        answer = json.loads(trunkline.ok("chat", "-m", "hello", "--json"))
        assert (answer["status"], answer["sessionKey"]) == ("ok", "agent:main:main")
        run = trunkline.json("agent", "--message", "[[demo text done]]")
        assert run["reply"] == "done"
        assert trunkline.ok("chat", "-m", "/status").count("demo/demo") == 1

        beside = trunkline.run("agent", "--message", "x", "--local")
        assert beside.returncode == 2
        assert running.url in beside.stderr

        link = trunkline.ok("open", "--print").strip()
        assert link.startswith(f"{running.url}/login?code=")
        status = trunkline.json("status", "--deep")
        assert status["gateway"]["running"] and status["deep"]["ready"]
        assert trunkline.json("why", run["runId"])["run"]["status"] == "ok"

        second = trunkline.run("up", "--port", "0", "--no-browser")
        assert second.returncode == 1
        assert str(running.process.pid) in second.stderr and second.stderr.count("\n") == 1

        code, out, _ = running.stop()
        assert (code, out) == (0, "")
    assert not (trunkline.home / "gateway.json").exists()


def test_a_run_that_fails_exits_with_one(trunkline: Trunkline):
    failed = trunkline.run("agent", "--message", "[[demo error 500]]", "--json")
    assert failed.returncode == 1
    answer = json.loads(failed.stdout)
    assert answer["status"] == "error" and answer["error"]["code"].startswith("MODEL_")
    assert answer["error"]["code"] in failed.stderr


def test_local_runs_in_this_process(trunkline: Trunkline):
    answer = trunkline.json("agent", "--message", "[[demo text here]]", "--local")
    assert (answer["status"], answer["reply"]) == ("ok", "here")


def test_a_timeout_of_one_run_is_kept(trunkline: Trunkline):
    slow = trunkline.run(
        "agent", "--message", "[[demo stream 600 100]]", "--timeout", "0.3", "--json"
    )
    assert slow.returncode == 1
    assert json.loads(slow.stdout)["error"]["code"] == "RUN_TIMEOUT"


def test_chat_reads_lines_and_leaves_at_the_end(trunkline: Trunkline):
    lines = "[[demo text one]]\n\n[[demo text NO_REPLY]]\n[[demo text two]]\n/quit\nnever\n"
    assert trunkline.ok("chat", input=lines) == "one\ntwo\n"


def test_an_interrupt_stops_the_run(trunkline: Trunkline):
    with trunkline.up():
        talking = trunkline.start("chat", "-m", "[[demo stream 600 100]]", "--json")
        until_running(trunkline)
        talking.send_signal(signal.SIGINT)
        out, _ = talking.communicate(timeout=60)
        assert talking.returncode == 1
        assert json.loads(out)["status"] == "aborted"


def test_stopping_lets_a_run_end(trunkline: Trunkline):
    with trunkline.up() as running:
        # A running gateway uses an agent that is added, at once.
        assert trunkline.json("agents", "add", "support")["agent"]["id"] == "support"
        assert trunkline.json("chat", "-m", "x", "--agent", "support")["status"] == "ok"
        trunkline.ok("agents", "remove", "support")
        talking = trunkline.start("chat", "-m", "[[demo stream 30 50]]", "--json")
        until_running(trunkline)
        running.process.terminate()
        # It wants no more work, and lives until it is done with what it has.
        while (ready := status_of(f"{running.url}/readyz")) == 200:
            pass
        assert (ready, status_of(f"{running.url}/healthz")) == (503, 200)
        _, err = running.process.communicate(timeout=60)
        assert running.process.returncode == 0 and "stopping" in err
        out, _ = talking.communicate(timeout=60)
        answer = json.loads(out)
        assert answer["status"] == "ok" and len(answer["reply"].split()) == 30


def test_a_killed_gateway_frees_the_store(trunkline: Trunkline):
    with trunkline.up() as running:
        running.stop(signal.SIGKILL)
    # its announcement is still there, and must not be believed
    assert (trunkline.home / "gateway.json").exists()
    assert trunkline.json("agent", "--message", "hello")["status"] == "ok"
    with socket.create_server(("127.0.0.1", int(running.url.rpartition(":")[2]))) as other:
        # nor must the next owner of its port be taken for it
        closing = threading.Thread(target=lambda: other.accept()[0].close())
        closing.start()
        assert trunkline.json("agent", "--message", "hello")["status"] == "ok"
        closing.join()
    with trunkline.up() as running:
        assert trunkline.json("agent", "--message", "hello")["status"] == "ok"


def test_a_taken_port_names_the_next_one(trunkline: Trunkline):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = trunkline.run("up", "--port", str(port), "--no-browser")
    assert refused.returncode == 1
    assert f"port {port} " in refused.stderr and "--port" in refused.stderr
    assert "Traceback" not in refused.stderr and refused.stdout == ""


def test_the_flag_wins_over_the_environment_and_that_over_the_file(trunkline: Trunkline):
    trunkline.config("gateway: {host: 192.0.2.1, port: 1}\n")
    # neither the file's address nor the environment's port could be had
    with trunkline.up(TRUNKLINE_HOST="127.0.0.1", PORT="1") as running:
        assert running.url.startswith("http://127.0.0.1:")


def test_the_state_is_for_its_owner_alone(trunkline: Trunkline):
    trunkline.home.mkdir(mode=0o755)
    with trunkline.up() as running:
        modes = {path: path.stat().st_mode for path in trunkline.home.rglob("*")}
        assert stat.S_IMODE(trunkline.home.stat().st_mode) == 0o700
        wrong = [str(path) for path, mode in modes.items() if stat.S_IMODE(mode) & 0o077]
        assert wrong == []
        _, _, err = running.stop()
        assert "was open to others" in err


def test_parts_alone_need_another_store(trunkline: Trunkline):
    refused = trunkline.run("up", "--only", "worker")
    assert refused.returncode == 2
    assert "--only gateway" in refused.stderr


def status_of(url: str) -> int:
    try:
        with urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def until_running(trunkline: Trunkline) -> None:
    """Look at the store from outside until a run is on; each look is a process of its own."""
    for _ in range(100):
        rows = trunkline.json("sessions", "list")["sessions"]
        if rows and rows[0]["running"]:
            return
    raise AssertionError("the run did not start")
