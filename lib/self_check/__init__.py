"""What is unsafe about the way this program was started: facts in, findings out.

Nothing here looks at the machine; `lib/ui/safety.py` gathers the facts. A finding is one sentence that says what is
wrong and one that says how to mend it. `refuse` means that the program must not serve anybody like this.
"""

from __future__ import annotations

from lib.self_check.facts import Facts, Finding, HeldKey, Quality, Severity, is_here
from lib.self_check.options import OPTIONS
from lib.self_check.rules import findings
from lib.self_check.samples import database_facts, is_sample, quality

__all__ = [
    "OPTIONS",
    "Facts",
    "Finding",
    "HeldKey",
    "Quality",
    "Severity",
    "database_facts",
    "findings",
    "is_here",
    "is_sample",
    "quality",
]
