"""A database for tests of what a store's functions do by themselves."""

from typing import Any

from slackapp.store.engine.database import Parameters
from slackapp.store.engine.sqlite import SqliteDatabase


class StepwiseDatabase(SqliteDatabase):
    """A database that gives each write a transaction, where a flow would have opened one around several."""

    def _run(self, name: str, cardinality: str, parameters: Parameters) -> tuple[list[Any], int]:
        statement = self._statements[name]
        if self._writing.held is not None or not statement.is_write or statement.alone is not None:
            return super()._run(name, cardinality, parameters)
        with self.transaction():
            return super()._run(name, cardinality, parameters)
