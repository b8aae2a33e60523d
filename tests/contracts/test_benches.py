"""The benchmarks of many processes run; how fast they are, `make bench-cluster` says."""

from contextlib import closing
from pathlib import Path

from bench.cluster import House, handed, workers
from bench.crowd import Crowd
from bench.million import Store, rare, timed, told
from tests.contracts.postgres_kit import database, needed

SESSIONS, WORKERS = 200, 4


def test_a_crowd_answers_on_a_filled_store_and_rare_questions_are_timed():
    with database(empty=True) as url:
        store = Store(url, SESSIONS, lines=2)
        store.fill(WORKERS)
        with closing(Crowd(url, SESSIONS, range(1, WORKERS + 1), seed=1)) as crowd:
            spent = crowd.play(0.2, group=2)
        assert spent.counts["messages"] >= 2
        assert spent.counts["turns"] >= 1
        ended = "SELECT count(*) FROM runs WHERE state = 'ok' AND reply LIKE 'An answer%'"
        assert store.ask(ended)[0][0] >= spent.counts["turns"]
        assert any("held the write lock" in line for line in timed([spent]))
        assert any("the minute's sweep" in line for line in rare(store))
        assert "listening" in told(store, 1, 0.05)


def test_the_product_and_engines_run_as_the_benchmark_wants(tmp_path: Path):
    with closing(House(needed(), tmp_path)) as house:
        with workers(house, "postgres") as (telegram, _, _):
            done = telegram.run(chats=2, messages=4, window=2)
        assert (done["answered"], done["missing"], done["twice"]) == (4, 0, 0)
        assert any("job to job" in line for line in handed(house, 15))
