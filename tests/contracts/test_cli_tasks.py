"""`trunkline task`: without a gateway and through a running one, for people and for programs."""

from pathlib import Path

from tests.contracts.cli_support import Trunkline

WATCH = "every 1h Service watch: check the status page"


def test_tasks_by_the_command_line_alone(tmp_path: Path):
    here = Trunkline(tmp_path / "home")
    made = here.json("task", "add", WATCH)
    assert (made["name"], made["sessionKey"]) == ("Service watch", "agent:main:main")
    told = here.ok("task", "show", made["id"])
    for part in (made["id"], "every hour", "cheap check on demo/demo", "enabled"):
        assert part in told
    ran = here.json("task", "run", made["id"])
    assert (ran["status"], ran["cause"]) == ("ok", "manual")
    [row] = here.json("task", "runs", made["id"])["runs"]
    assert row["runId"] == ran["runId"]
    assert "changed" in here.ok("task", "edit", made["id"], "every", "30m")
    assert not here.json("task", "pause", made["id"])["enabled"]
    assert "Nothing is scheduled." in here.ok("task", "list")
    assert made["id"] in here.ok("task", "list", "--all")
    assert here.json("task", "resume", made["id"])["enabled"]
    assert "will not run again" in here.ok("task", "cancel", made["id"])
    gone = here.run("task", "cancel", made["id"])
    assert gone.returncode == 1 and "There is no task" in gone.stderr


def test_what_is_no_time_is_a_wrong_use(tmp_path: Path):
    here = Trunkline(tmp_path / "home")
    refused = here.run("task", "add", "whenever you like")
    assert refused.returncode == 2 and len(refused.stderr.strip().splitlines()) == 1
    assert here.json("task", "list", "--all")["tasks"] == []


def test_tasks_through_a_running_gateway(tmp_path: Path):
    here = Trunkline(tmp_path / "home")
    with here.up():
        made = here.json("task", "add", "every", "1h", "Watch:", "[[demo text all is well]]")
        assert here.json("task", "run", made["id"])["summary"] == "all is well"
        [ran] = here.json("task", "runs", made["id"])["runs"]
        again = here.json("task", "retry-run", ran["runId"])
        assert again["cause"] == "retry"
        over = here.run("task", "cancel-run", ran["runId"])
        assert over.returncode == 1 and "is over" in over.stderr
