"""What a register says that a reader must know: what it lacks, and what was dropped."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import at_most
from engine.thesis.model import Thesis
from engine.thesis.registration import Registration


def register_caveats(
    thesis: Thesis, registration: Registration | None
) -> Iterator[str]:
    """Yield the sentences about a registered thesis; none for one that is not."""
    if registration is None:
        return
    ids = [claim.id for claim in thesis.claims]
    missing = [one for one in ids if registration.basis_of(one) == "not registered"]
    if missing:
        yield (
            f"Not registered as they now stand: {at_most(missing)}. The register does "
            "not hold these claims, or an earlier form of them: they are in-sample "
            "until `assay register` is run again."
        )
    several = [
        f"{one} in {registration.versions[one]} versions"
        for one in ids
        if one in registration.versions
    ]
    if several:
        yield (
            f"The register holds {at_most(several)}: each counts from the first "
            "registration of the version shown, and whoever writes many versions finds "
            "one that fits."
        )
    if registration.withdrawn:
        yield (f"Registered and no longer claimed: {at_most(registration.withdrawn)}.")
