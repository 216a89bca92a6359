"""Who was over a limit."""

from typing import Any, Dict, List

TOLD = 100  # Services


def by_service(counted: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """What was dropped of each Service, the most first, whoever counted it."""
    totals: Dict[str, Dict[str, Any]] = {}
    for one in counted:
        total = totals.setdefault(one["service"], {"service": one["service"], "packets": 0, "bytes": 0})
        total["packets"] += one["packets"]
        total["bytes"] += one["bytes"]
    return sorted(totals.values(), key=lambda one: (-one["packets"], one["service"]))[:TOLD]
