"""Reports: small pandas frames made of the ledger's sums and rows.

Amounts stay whole nano-units (1 = 0.000000001 of the currency) until they are shown; `Int64` columns hold `<NA>` where
something is unknown, which is never 0. Every report is about one currency: amounts in different currencies are never
added. Sums of counts and of known costs equal those of the tallies, however they are grouped.
"""

from __future__ import annotations

from lib.reports.anatomy import anatomy, caching
from lib.reports.courses import course, labels_of, span_of, sparkline, summed
from lib.reports.figures import Totals, change, currencies, qualities, totals, untold
from lib.reports.heat import HEAT_HOURS, hour_heat, outcomes, week_heat
from lib.reports.models import models
from lib.reports.reasons import forecast_days, options, steps
from lib.reports.requests import (
    csv_text,
    latest,
    requests_csv,
    requests_json,
    requests_parquet,
)
from lib.reports.spenders import chats, parts, projects

__all__ = [
    "HEAT_HOURS",
    "Totals",
    "anatomy",
    "caching",
    "change",
    "chats",
    "course",
    "csv_text",
    "currencies",
    "forecast_days",
    "hour_heat",
    "labels_of",
    "latest",
    "models",
    "options",
    "outcomes",
    "parts",
    "projects",
    "qualities",
    "requests_csv",
    "requests_json",
    "requests_parquet",
    "span_of",
    "sparkline",
    "steps",
    "summed",
    "totals",
    "untold",
    "week_heat",
]
