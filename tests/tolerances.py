"""How close is equal, and why: the one table that tests take tolerances from."""

from __future__ import annotations

#: Accounting and exact re-derivation: sums of a few thousand doubles.
IDENTITY = 1e-9
#: Numbers another program computed and printed with 10 digits or more.
ORACLE = 1e-9
#: A convex solver's optimum and its constraints.
SOLVER = 1e-6
#: Effects and the active return they sum to: what the design promises.
ATTRIBUTION = 1e-10
#: Compiled code against its readable twin: the same steps, sums in another order.
TWIN = 1e-12
