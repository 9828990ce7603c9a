"""What an entry of a register changed against the thesis's entry before, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.runs.register import Entry
from engine.runs.register_hashes import OF_SETTINGS

#: Keys of [thesis] that are settings; the others of that table are not.
_OF_THESIS = ("currency", "calendar", "benchmarks", "risk_free")
#: A setting of the section `execution` that is none: how large the account is.
_NO_SETTING = ("execution.capital",)


def changes(before: Entry | None, entry: Entry) -> tuple[str, ...]:
    """Return what an entry changed, one line of each kind; nothing for a first one.

    Claims that are new, edited, withdrawn or renamed; settings; and the other parts of
    the file whose text changed. It is never empty where there was an entry before.
    """
    if before is None:
        return ()
    if before.form != entry.form:
        return tuple(_in_a_new_form(before, entry))
    said = [*_of_claims(before, entry)]
    parts = _changed_parts(before, entry)
    of_settings = [one for one in parts if _is_setting(one)]
    if before.settings != entry.settings:
        what = of_settings or (["the universe"] if _universe(before, entry) else [])
        named = f" ({', '.join(what)})" if what else ""
        said.append(f"settings of the portfolio{named}, count from {entry.counts_from}")
        parts = [one for one in parts if one not in of_settings]
    told = {f"claims.{one}" for one in _ids_told(before, entry)}
    rest = [one for one in parts if one not in told]
    if rest:
        said.append(f"in the file: {', '.join(rest)}")
    if not said and _universe(before, entry):
        said.append("the universe, no claim of the thesis with it")
    return tuple(said or ["the file's layout or comments, nothing that it says"])


def _of_claims(before: Entry, entry: Entry) -> Iterator[str]:
    """Yield the claims that are new, edited, withdrawn or renamed."""
    held, now = before.claims, entry.claims
    was = {sha: one for one, sha in held.items()}
    differs = [one for one, sha in now.items() if held.get(one) != sha]
    same = [(was[now[one]], one) for one in differs if now[one] in was]
    other = [one for one in differs if now[one] not in was]
    kinds = {
        "new": [one for one in other if one not in held],
        f"edited, counts from {entry.counts_from}": [
            one for one in other if one in held
        ],
        "withdrawn": [
            one
            for one, sha in held.items()
            if one not in now and sha not in now.values()
        ],
        "renamed": [f"{old} to {new}" for old, new in same if now.get(old) != now[new]],
        "said twice": [
            f"{old} as {new}" for old, new in same if now.get(old) == now[new]
        ],
    }
    for word, claims in kinds.items():
        if claims:
            yield f"{word}: {', '.join(sorted(claims))}"


def _in_a_new_form(before: Entry, entry: Entry) -> Iterator[str]:
    """Yield what changed since an entry whose hashes are of an older form."""
    yield from (
        one for one in _of_claims(before, entry) if one.startswith(("new", "withdrawn"))
    )
    if before.settings != entry.settings:
        yield f"settings of the portfolio, count from {entry.counts_from}"
    kept = {
        one
        for one, sha in before.claims.items()
        if before.text_sha256 == entry.text_sha256
        and before.settings == entry.settings
        and entry.form1.get(one) == sha
    }
    anew = sorted(
        one for one in entry.claims if one in before.claims and one not in kept
    )
    if anew:
        yield (
            f"hashed in form {entry.form}, and the file changed too: counts from "
            f"{entry.counts_from}: {', '.join(anew)}"
        )
    if kept:
        yield f"hashed in form {entry.form}, and the same as before: {len(kept)} claims"


def _changed_parts(before: Entry, entry: Entry) -> list[str]:
    names = {*before.parts, *entry.parts}
    return sorted(one for one in names if before.parts.get(one) != entry.parts.get(one))


def _ids_told(before: Entry, entry: Entry) -> Iterable[str]:
    """Return the ids of claims that are told of by name."""
    held, now = before.claims, entry.claims
    return (one for one in {*held, *now} if held.get(one) != now.get(one))


def _is_setting(part: str) -> bool:
    section, _, key = part.partition(".")
    if section == "thesis":
        return key in _OF_THESIS
    return section in OF_SETTINGS and part not in _NO_SETTING


def _universe(before: Entry, entry: Entry) -> bool:
    return dict(before.universe) != dict(entry.universe)
