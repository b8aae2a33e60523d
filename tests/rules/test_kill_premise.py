"""The ground under the kill tests: a killed process cleans nothing up, and frees its lock."""

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HOLDER = """
import atexit, fcntl, pathlib, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
atexit.register(pathlib.Path(sys.argv[2]).touch)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.kill
def test_a_killed_process_frees_its_lock_and_cleans_nothing_up(tmp_path: Path):
    lock, farewell = tmp_path / "lock", tmp_path / "farewell"
    command = [sys.executable, "-c", HOLDER, str(lock), str(farewell)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with lock.open() as own:
            with pytest.raises(BlockingIOError):
                fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder.kill()
            assert holder.wait(10) == -signal.SIGKILL
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not farewell.exists()
