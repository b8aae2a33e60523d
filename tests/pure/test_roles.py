"""What processes do by the parts that they are given."""

from itertools import combinations

from bot.roles import EVERYTHING, TERMINAL, Part, Role, role_of, runs_lanes


def test_parts_together_do_what_each_does():
    assert role_of([]) == Role() == role_of(list(Part))
    for pair in combinations(Part, 2):
        both, alone = role_of(pair), [role_of([one]) for one in pair]
        assert set(both.name.split("+")) == set(pair)
        for what in ("serves", "receives", "sends"):
            assert getattr(both, what) == any(getattr(one, what) for one in alone)
        if any(one.kinds is None for one in alone):
            assert both.kinds is None
        else:
            assert both.kinds == frozenset().union(*(one.kinds or () for one in alone))
    assert role_of(["worker", "channels"]) == role_of(["channels", "worker"])


def test_agents_run_where_a_worker_is():
    running = {name for name in map(lambda one: role_of([one]).name, Part) if runs_lanes(name)}
    assert running == {"worker"}
    assert all(map(runs_lanes, (EVERYTHING, TERMINAL, "channels+worker", "gateway+worker")))
    assert not runs_lanes("gateway+channels")
