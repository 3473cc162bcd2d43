"""Which office covers which place, from a spreadsheet: a county's or the city's."""

from flask_babel import lazy_gettext as _l

from services.console.pages.imports import Kind, import_pages
from shared.web.principal import Role

KIND = Kind(
    "coverage_imports",
    "community_handover",
    "/coverage-imports",
    (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR),
    _l("导入责任区设置"),
    _l("已填现有设置"),
    "settings_pages.coverage",
    _l("责任区设置"),
    only_changes=True,
)
bp = import_pages(KIND, "/imports/coverage")
