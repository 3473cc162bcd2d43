"""psycopg2 with one round trip less: a transaction begins together with its first statement.

psycopg2 sends ``BEGIN`` by itself and waits for the answer. Here the server's own autocommit is on, and a transaction
is begun by the text of its first statement. For SQLAlchemy it is a connection like any other: it begins by itself, and
`commit` and `rollback` end it. Only `execute` and `executemany` begin one; COPY and named cursors are not used.
"""

from typing import Any

from psycopg2 import extensions

_BEGIN = "begin; "


class Connection(extensions.connection):
    """Begins a transaction with its first statement, unless it was told that each is one.

    Whether one has begun is what libpq says, so that nothing here can differ from the server.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.set_session(autocommit=True)
        self._each_by_itself = False

    @property
    def autocommit(self) -> bool:
        """Whether each statement is a transaction."""
        return self._each_by_itself

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        self._each_by_itself = value

    def set_isolation_level(self, level: int | str | None) -> None:
        """Each statement by itself, or the server's default."""
        self._each_by_itself = level == extensions.ISOLATION_LEVEL_AUTOCOMMIT

    @property
    def beginning(self) -> str:
        """What the next statement has to begin with."""
        return "" if self._each_by_itself or self._has_begun else _BEGIN

    def commit(self) -> None:
        """End the transaction, if one has begun."""
        self._end("commit")

    def rollback(self) -> None:
        """Give the transaction up, if one has begun."""
        self._end("rollback")

    @property
    def _has_begun(self) -> bool:
        return self.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE

    def _end(self, how: str) -> None:
        if self._has_begun:
            with self.cursor() as cursor:
                cursor.execute(how)


class Cursor(extensions.cursor):
    """A cursor of such a connection."""

    connection: Connection

    def execute(self, query: Any, vars: Any = None) -> None:
        """See psycopg2."""
        if beginning := self.connection.beginning:
            query = beginning.encode() + query if isinstance(query, bytes) else beginning + query
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        """See psycopg2."""
        if beginning := self.connection.beginning:
            super().execute(beginning)
        super().executemany(query, vars_list)
