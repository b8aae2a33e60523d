"""The container image, compose.yaml and the Procfile: what they promise, and that they answer."""

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.app import GRACE
from tests.contracts.cli_support import ROOT, Trunkline
from tests.contracts.container_kit import Host, compose, free_port, image
from tests.contracts.gateway_kit import TOKEN
from tests.contracts.gateway_product import Talk, signed_in
from tests.contracts.postgres_kit import database

SECRETS = {"TRUNKLINE_TOKEN": TOKEN, "POSTGRES_PASSWORD": "hunter2-of-compose"}
OURS = ("gateway", "worker", "migrate")


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


def test_the_image_has_a_user_of_its_own_and_starts_the_program_itself():
    made = image()
    assert made.base == "python:3.11-slim"
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", made.user)
    assert (made.entrypoint, made.command) == (["trunkline"], ["up", "--no-browser"])
    assert made.volumes == [made.env["TRUNKLINE_HOME"]] == ["/data"]
    assert not any(word in name for name in made.env for word in ("TOKEN", "PASSWORD", "KEY"))
    # What is copied is there, is let through, and is all that the build of the package needs.
    let = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    assert sorted(let) == sorted(made.copies) and all((ROOT / name).exists() for name in let)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    [install] = [words for words in made.runs if "install" in words and words[0].endswith("pip")]
    extras = set(re.findall(r"\w+", install[-1]))
    known = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert "cluster" in extras <= set(known)


def test_compose_gives_no_more_rights_than_needed_and_time_to_drain():
    services = compose(SECRETS)["services"]
    assert set(services) == {"db", *OURS}
    for name in OURS:
        about = services[name]
        assert about["read_only"] and about["cap_drop"] == ["ALL"] and about["init"]
        assert about["security_opt"] == ["no-new-privileges:true"]
        assert int(about["stop_grace_period"].removesuffix("s")) >= GRACE + 20
        assert "user" not in about and "privileged" not in about
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["gateway"]["ports"] == ["127.0.0.1:7440:7440"]
    assert "ports" not in services["db"] and "ports" not in services["worker"]
    assert services["db"]["healthcheck"]["test"][1] == "pg_isready"
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for name in ("gateway", "worker"):
        after = {"migrate": {"condition": "service_completed_successfully"}}
        assert services[name]["depends_on"] == after
        assert services[name]["restart"] == services["db"]["restart"] == "unless-stopped"
    # No secret stands in a file that is committed, and a start without them is refused.
    for missing in SECRETS:
        with pytest.raises(AssertionError, match=r"set it in \.env"):
            compose({name: value for name, value in SECRETS.items() if name != missing})


async def test_what_compose_runs_answers_on_a_read_only_root(tmp_path: Path, empty: str):
    made = image()
    host = Host(tmp_path, made, compose(SECRETS)["services"])
    store = {"DATABASE_URL": empty}
    done = host.once("migrate", **store)
    assert done.returncode == 0 and "made a new store" in done.stdout, done.stderr
    tried = "import os; print(os.getuid(), os.getpid()); open('/data/x', 'w'); open('/tmp/x', 'w')"
    done = host.run("worker", ["python", "-c", f"{tried}; open('/x', 'w')"], **store)
    assert done.stdout == "10001 1\n" and "Read-only file system: '/x'" in done.stderr
    with ExitStack() as stack:
        ports = [free_port() for _ in range(3)]
        names = ["gateway", "worker", "worker"]
        running = [
            stack.enter_context(host.up(name, PORT=port, **store))
            for name, port in zip(names, ports, strict=True)
        ]
        gateway = running[0]
        for name, port in zip(names, ports, strict=True):
            checked = host.run(name, made.health, PORT=port, **store)
            assert checked.returncode == 0, checked.stderr
        wrong = host.run("worker", made.health, PORT=free_port(), **store)
        assert wrong.returncode != 0
        async with signed_in(f"http://127.0.0.1:{ports[0]}") as socket:
            talk = Talk(socket, gateway.url)
            assert (await talk.say("[[demo text contained]]"))["message"]["text"] == "contained"
            status = await talk.ok("status")
            roles = sorted(row["role"] for row in status["processes"] if row["alive"])
            assert roles == ["channels+worker", "channels+worker", "gateway"]
        # All of them are told at once, as `docker compose down` does.
        for one in reversed(running):
            code, out, err = one.stop()
            assert (code, out) == (0, ""), err
            assert SECRETS["POSTGRES_PASSWORD"] not in err and TOKEN not in err


def test_each_line_of_the_procfile_starts_its_part(tmp_path: Path):
    text = (ROOT / "Procfile").read_text()
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert set(lines) == {"web", "gateway", "channels", "worker"}
    program = Trunkline(tmp_path / "home")
    for name, line in lines.items():
        words = shlex.split(line)
        assert words[:2] == ["trunkline", "up"]
        if name in ("channels", "worker"):
            refused = program.run(*words[1:])
            assert refused.returncode == 2 and f"--only {name} needs a store" in refused.stderr
            continue
        # The platform says where to listen.
        port = free_port()
        where = {"PORT": port, "TRUNKLINE_HOST": "127.0.0.1"}
        process = program.start(*words[1:], **where)
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready http://127.0.0.1:{port}/chat\n"
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0
