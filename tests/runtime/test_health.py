"""What is wrong just now: it appears with its part, and goes with it."""

import threading

from slackapp.runtime.health import Health


def test_what_is_wrong_is_shown_until_that_part_works_again() -> None:
    health = Health()
    assert health.problems() == {}
    health.set_problem("slack", "unreachable")
    health.set_problem("database", "locked")
    assert health.problems() == {"slack": "unreachable", "database": "locked"}
    health.set_problem("slack", "server_error")
    assert health.problems() == {"slack": "server_error", "database": "locked"}
    health.set_problem("slack", None)
    health.set_problem("clock", None)
    assert health.problems() == {"database": "locked"}


def test_changing_the_returned_problems_does_not_change_the_stored_ones() -> None:
    health = Health()
    health.set_problem("slack", "unreachable")
    health.problems().clear()
    assert health.problems() == {"slack": "unreachable"}


def test_problems_can_be_set_by_many_threads() -> None:
    health = Health()

    def note(part: str) -> None:
        for _ in range(500):
            health.set_problem(part, "wrong")
            health.problems()
            health.set_problem(part, None)

    threads = [threading.Thread(target=note, args=(f"part {number % 2}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert health.problems() == {}
