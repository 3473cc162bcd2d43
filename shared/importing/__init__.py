"""Imports from spreadsheets: read, checked row by row by the rules of the API, shown, confirmed, and then applied.

A service says what the columns are and what a row does (`Importer`); everything else is here. An import is a row in
that service's database, so it survives a reload, a restart and a crash.

Invariants: nothing is changed before somebody confirmed; a row is applied by the same commands as a request, in the
name of who confirmed; each row is applied at most once, and what is there already is left alone and said so.
"""

from shared.importing.columns import Column, Kind
from shared.importing.importer import Change, Importer, Row
from shared.importing.tables import ImportTables, Notice, add_import_tables

__all__ = ["Change", "Column", "ImportTables", "Importer", "Kind", "Notice", "Row", "add_import_tables"]
