"""The HTTP chassis: application factory, problem documents, operations, idempotency, pagination, tokens."""

from shared.web.access import Jurisdiction, Outside
from shared.web.body import Blueprint
from shared.web.operation import current_principal, current_work, operation
from shared.web.pagination import CursorQuery, page_of, page_of_rows, page_schema
from shared.web.principal import SUPERVISORS, Principal, Role
from shared.web.refusals import field_error

__all__ = [
    "SUPERVISORS",
    "Blueprint",
    "CursorQuery",
    "Jurisdiction",
    "Outside",
    "Principal",
    "Role",
    "current_principal",
    "current_work",
    "field_error",
    "operation",
    "page_of",
    "page_of_rows",
    "page_schema",
]
