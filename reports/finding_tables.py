"""The printed table of findings about the data: what the study uses, then the rest."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import at_most
from engine.market.market import Finding
from engine.study_result import StudyResult
from engine.thesis.naming import ROLE_KEYS
from reports import numbers, tables
from reports.document import Column, Table, plain

#: Factor -> the roles it reads; a factor that is not listed may read any.
ROLES_READ: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "capex_growth": ("capex",),
        "dollar_token_gap": ("dollar_share", "vendor_share"),
        "price_decay": ("price_per_mtok",),
        "price_momentum": (),
        "token_growth": ("tokens",),
        "token_share_momentum": ("token_share",),
        "usage_concentration": ("vendor_share",),
        "vendor_share": ("vendor_share",),
        "volatility": (),
    }
)
_SIGNALS = "signals"


def findings(result: StudyResult) -> Table | None:
    """Return what a reader must know about the data that the study uses.

    Findings about signals that the thesis does not use are counted in one row.
    """
    used = [one for one in tables.ordered_findings(result) if _matters(result, one)]
    left = len(result.market.findings) - len(used)
    where: dict[tuple[str, str, str, str], list[str]] = {}
    for one in used:  # lines of which the same was found share a row
        key = (one.severity, one.what, one.action, _days(one))
        where.setdefault(key, []).append(one.where)
    rows = [
        (
            plain(severity, "negative" if severity == "error" else ""),
            plain(at_most(names, 3), sub=days),
            plain(numbers.true_minus(what), sub=numbers.true_minus(action)),
        )
        for (severity, what, action, days), names in where.items()
    ]
    if left:
        noun = "finding" if left == 1 else "findings"
        told = f"{left} {noun} about signals that this thesis does not use"
        rows.append((plain("info"), plain(_SIGNALS), plain(told, sub=_WHERE)))
    if not rows:
        return None
    return Table(
        id="findings",
        caption="Findings about the data; nothing was repaired in silence.",
        columns=(
            Column(label="Severity", align="left"),
            Column(label="Where", align="left"),
            Column(label="What, and what was done", align="left", wide=True),
        ),
        rows=tuple(rows),
    )


def _days(one: Finding) -> str:
    """Return the first and last day of a finding, as far as it has any."""
    if one.first and one.last and one.first != one.last:
        return f"{one.first} to {one.last}"
    return one.first or one.last


_WHERE = "listed in the run's table of findings"


def _matters(result: StudyResult, one: Finding) -> bool:
    """Return whether a finding is about prices, or about a signal that is used."""
    source, _, role = one.where.partition(": ")
    if not source.endswith(_SIGNALS):
        return True
    roles = roles_used(result)
    return roles is None or bool(roles if not role else role in roles)


def roles_used(result: StudyResult) -> set[str] | None:
    """Return the roles that the factors and the claims read; None if any may be."""
    names = [one.name for one in result.thesis.factors]
    if any(name not in ROLES_READ for name in names):
        return None
    read = {role for name in names for role in ROLES_READ[name]}
    told = [one.params for one in result.thesis.claims]
    asked = {str(params.get(key, "")) for params in told for key in ROLE_KEYS}
    return (read | asked) - {""}
