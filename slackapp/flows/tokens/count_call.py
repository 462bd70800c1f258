"""Count of a run's calls, whoever makes them: what may have had its effect is not repeated by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from slackapp.checks.slack_errors import NO_EFFECT_ERRORS
from slackapp.errors import Refused, SlackCallError, SlackErrorKind, StoreError
from slackapp.store import queue
from slackapp.store.engine.database import Database
from slackapp.store.queue import Run


@contextmanager
def count_call(db: Database, run: Run | None) -> Iterator[None]:
    """Counts a call that may have had its effect, and whose intent is on the disk before.

    Nothing is counted where there is no run.
    """
    if run is None:
        yield
        return
    run.has_intent = False
    try:
        yield
    except (Refused, StoreError):
        raise  # before Slack was asked, or after it had said no
    except SlackCallError as error:
        if error.kind is SlackErrorKind.TRANSIENT and error.code not in NO_EFFECT_ERRORS:
            run.calls_made += 1  # nobody knows whether Slack did it
        else:
            queue.mark_not_called(db, run)
        raise
    except BaseException:
        run.calls_made += run.has_intent  # whatever it was: nobody knows whether Slack did it
        raise
    # claim: C-125
    run.calls_made += 1
