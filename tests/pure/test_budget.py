"""The send budget: answers go at once until the platform says wait, previews leave them room."""

from bot.budget import STRICT_FOR, Budget
from bot.contract import Address, Rate

ADA, BOB = Address("x", "home", "ada"), Address("x", "home", "bob")
RATES = (Rate("conversation", 1, 1.0), Rate("account", 10, 1.0))


def test_answers_go_at_once_however_many():
    budget = Budget(RATES)
    for _ in range(100):
        assert budget.due(ADA, 5.0) == 5.0
        budget.spend(ADA, 5.0)


def test_previews_stop_when_less_than_a_third_is_left():
    budget = Budget((Rate("account", 10, 1.0),))
    for number in range(10):
        assert budget.room(ADA, "direct", 5.0) == (number < 7)
        budget.spend(BOB, 5.0)
    assert budget.room(ADA, "direct", 6.1)


def test_a_groups_limit_holds_in_groups_only():
    budget = Budget((Rate("group", 2, 60.0),))
    for _ in range(2):
        budget.spend(ADA, 5.0)
    assert budget.room(ADA, "direct", 6.0) and not budget.room(ADA, "group", 6.0)


def test_a_conversation_that_was_told_to_wait_holds_up_no_other():
    budget = Budget(RATES)
    assert budget.close(ADA, 10.0, 3.0) == 13.0
    assert (budget.due(ADA, 11.0), budget.due(BOB, 11.0)) == (13.0, 11.0)
    assert not budget.room(ADA, "direct", 11.0) and budget.room(BOB, "direct", 11.0)


def test_then_it_keeps_its_own_rate_for_a_minute():
    budget = Budget(RATES)
    until = budget.close(ADA, 10.0, 3.0)
    budget.spend(ADA, 13.0)
    assert budget.due(ADA, 13.0) == 14.0
    budget.spend(ADA, until + STRICT_FOR)
    assert budget.due(ADA, until + STRICT_FOR) == until + STRICT_FOR


def test_it_does_not_starve_while_the_others_are_busy():
    """They send far more than the account's rate, and nobody told them not to."""
    budget = Budget(RATES)
    budget.close(ADA, 10.0, 3.0)
    for number in range(100):
        budget.spend(BOB, 13.0 + number / 100)
    assert budget.due(ADA, 14.0) == 14.0


def test_an_account_that_was_told_to_wait_waits_everywhere_and_keeps_its_rate():
    budget = Budget(RATES)
    until = budget.close(ADA, 10.0, 3.0, everywhere=True)
    assert (budget.due(BOB, 11.0), budget.room(BOB, "direct", 11.0)) == (until, False)
    for number in range(10):
        assert budget.due(BOB, until) == until
        budget.spend(Address("x", "home", f"c{number}"), until)
    assert budget.due(BOB, until) == until + 1.0
    assert budget.due(BOB, until + 1.0) == until + 1.0


def test_ten_thousand_conversations_are_forgotten_in_time():
    budget = Budget(RATES)
    for number in range(10_100):
        to = Address("x", "home", f"c{number}")
        budget.close(to, float(number), 1.0)
        budget.spend(to, float(number))
    assert len(budget._sent) < 200 and len(budget._closed) < 200
