"""Whether every name in a thesis is one that the catalogues and the universe know."""

from __future__ import annotations

from collections.abc import Iterator

from engine.thesis.complaint import Complaint, Raw, almost, shown, unknown
from engine.thesis.model import Claim
from engine.thesis.naming_execution import execution_names
from engine.thesis.naming_stress import entity_name, stress_names
from engine.thesis.raw import table, tables, text, texts
from engine.thesis.source_map import Path
from engine.thesis.structure import keys_of, unknown_key
from engine.thesis.vocabulary import Vocabulary, check_parameters

#: Parameters of claim tests that name layers or legs, and those that name paths.
SUBJECTS = ("layer", "layers", "long", "short", "other_layer")
PATHS = ("a", "b", "against", "controls")
#: Parameters of claim tests that name a signal by its role.
ROLE_KEYS = (
    *("role", "over", "follower", "price", "quantity", "total"),
    *("numerator", "denominator"),
)


def naming(raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Yield every name that nothing answers to, as far as the shape of `raw` allows."""
    if "about" in raw:  # the model's own name of [thesis]
        yield unknown_key(("about",), ["thesis"])
    yield from _study(raw, names)
    yield from _signals(raw, names)
    for path, factor in tables(raw, "factors"):
        yield from _factor(path, factor, names)
    yield from _legs(raw, names)
    yield from _readings(raw, names)
    yield from _baskets(raw, names)
    for path, event in tables(raw, "events"):
        yield from _event(path, event, raw, names)
    for path, claim in tables(raw, "claims"):
        yield from _claim(path, claim, raw, names)
    for path, kill in tables(raw, "kill"):
        yield from _kill(path, kill, raw, names)
    yield from stress_names(raw, names, (*names.layers, *baskets(raw)))
    yield from execution_names(raw, names)


def legs(raw: Raw) -> tuple[str, ...]:
    """Return the names of the barbell's legs."""
    return tuple(table(raw, "barbell"))


def baskets(raw: Raw) -> tuple[str, ...]:
    """Return the names of the thesis's own baskets."""
    return tuple(table(raw, "baskets"))


def _subjects(raw: Raw, names: Vocabulary) -> tuple[str, ...]:
    """Return what a claim or a contrast may speak of; () if the layers are unknown."""
    return (*names.layers, *legs(raw), *baskets(raw)) if names.layers else ()


def paths(raw: Raw) -> tuple[str, ...]:
    """Return what a study calls the accounts it compares."""
    return (*_own_paths(raw), *table(raw, "readings"))


def _own_paths(raw: Raw) -> tuple[str, ...]:
    """Return the names of the accounts that no reading may take."""
    benchmarks = table(raw, "thesis").get("benchmarks", ["SPY"])
    return (
        "barbell",
        "equal weight",
        "inverse volatility",
        "anti-thesis",
        *(f"{leg} alone" for leg in legs(raw)),
        *(word for _, word in texts((), benchmarks)),
    )


def _study(raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check [thesis] and [universe]."""
    about = table(raw, "thesis")
    for path, word in texts(("thesis", "currency"), about.get("currency")):
        yield from unknown(path, word, names.currencies, "currency")
    for path, word in texts(("thesis", "calendar"), about.get("calendar")):
        yield from unknown(path, word, names.calendars, "calendar")
    for path, word in texts(("thesis", "benchmarks"), about.get("benchmarks")):
        yield from _benchmark(path, word, names)
    for key in ("include", "exclude"):
        chosen = table(raw, "universe").get(key)
        for path, word in texts(("universe", key), chosen):
            known = names.tickers | names.entities
            yield from unknown(path, word, known, "ticker or entity")


def _benchmark(path: Path, word: str, names: Vocabulary) -> tuple[Complaint, ...]:
    known = names.benchmarks | names.tickers
    return unknown(path, word, known, "benchmark", offer=names.benchmarks)


def _signals(raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check [signals]: a role of one's own is allowed, a misspelt one is not."""
    for role in table(raw, "signals"):
        meant = "" if role in names.roles else almost(role, names.roles)
        if meant:
            yield Complaint(
                path=("signals", role),
                message=f"unknown role {shown(role)}",
                hint=f"did you mean {meant!r}?",
            )


def _factor(path: Path, factor: Raw, names: Vocabulary) -> Iterator[Complaint]:
    exposure = factor.get("exposure")
    if isinstance(exposure, dict):
        for layer in exposure:
            yield from unknown((*path, "exposure", layer), layer, names.layers, "layer")
    name = text(factor, "name")
    if name is None:
        return
    kind = names.asset_factors.get(name) or names.state_factors.get(name)
    if kind is None:
        known = [*names.asset_factors, *names.state_factors]
        yield from unknown((*path, "name"), name, known, "factor")
        return
    given = factor.get("params", {})
    if isinstance(given, dict):
        yield from check_parameters(
            (*path, "params"), given, kind, owner=f"the factor {name!r}"
        )
    if name in names.state_factors and exposure in (None, {}):
        yield Complaint(
            path=(*path, "exposure"),
            message=f"{name!r} is a state factor and has no exposure",
            hint="say which layers a rising value helps: exposure = { LAYER = 1.0 }",
        )
    if name in names.asset_factors and exposure is not None:
        yield Complaint(
            path=(*path, "exposure"),
            message=f"{name!r} is an asset factor: it ranks assets, not layers",
            hint="leave 'exposure' out",
        )


def _legs(raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check the layers of [barbell.*] and [portfolio] layers."""
    for leg, content in table(raw, "barbell").items():
        if isinstance(content, dict):
            path = ("barbell", leg, "layers")
            for place, layer in texts(path, content.get("layers")):
                yield from unknown(place, layer, names.layers, "layer")
            if leg in names.layers and content.get("layers") != [leg]:
                yield Complaint(
                    path=("barbell", leg),
                    message=f"the leg {shown(leg)} has the name of a layer",
                    hint="give it another name, so that claims can tell them apart",
                )
    for key, known, kind in (
        ("layers", names.layers, "layer"),
        ("currencies", names.line_currencies, "currency"),
        ("countries", names.countries, "country"),
    ):
        for word in table(table(raw, "portfolio"), key):
            yield from unknown(("portfolio", key, word), word, known, kind)


def _readings(raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check the legs and layers of [readings.*], and that no account is named twice."""
    told = table(raw, "readings")
    for reading in told:
        for leg, layers in table(told, reading).items():
            place = ("readings", reading, leg)
            yield from unknown(place, leg, legs(raw), "leg of the barbell")
            for inner, layer in texts(place, layers):
                yield from unknown(inner, layer, names.layers, "layer")
        if reading in _own_paths(raw):
            yield Complaint(
                path=("readings", reading),
                message=f"the reading {shown(reading)} has the name of another account",
                hint="give it a name of its own",
            )


def _baskets(raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check the tickers of [baskets], and that no name means two things.

    A universe that has none of them all is another one, such as a placebo: there the
    baskets stay empty, and claims about them are untestable.
    """
    baskets = table(raw, "baskets")
    every = [one for name in baskets for one in texts(("baskets", name), baskets[name])]
    meant = any(word in names.tickers for _, word in every)
    for place, word in every if meant else ():
        yield from unknown(place, word, names.tickers, "ticker")
    for name in baskets:
        if name in names.layers or name in legs(raw):
            yield Complaint(
                path=("baskets", name),
                message=f"the basket {shown(name)} has the name of a layer or a leg",
                hint="give it another name, so that claims can tell them apart",
            )


def _event(path: Path, event: Raw, raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    expected = table(event, "expected")
    for part in ("reaction", "drift"):
        for layer in table(expected, part):
            place = (*path, "expected", part, layer)
            yield from unknown(place, layer, names.layers, "layer")
    contrasts = event.get("contrasts")
    for position, pair in enumerate(contrasts if isinstance(contrasts, list) else ()):
        for place, side in texts((*path, "contrasts", position), pair):
            yield from unknown(place, side, _subjects(raw, names), "layer or leg")
    for key in ("benchmark", "regressors"):
        for place, word in texts((*path, key), event.get(key)):
            yield from _benchmark(place, word, names)


def _claim(path: Path, claim: Raw, raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    test = text(claim, "test")
    own = keys_of(Claim)
    if test is not None and test in names.claim_tests:
        yield from check_parameters(
            path,
            {key: value for key, value in claim.items() if key not in own},
            names.claim_tests[test],
            also=own,
            owner=f"the test {test!r}",
        )
    elif test is not None:
        yield from unknown((*path, "test"), test, names.claim_tests, "claim test")
    yield from _claim_names(path, claim, raw, names)


def _kill(path: Path, kill: Raw, raw: Raw, names: Vocabulary) -> Iterator[Complaint]:
    """Check the accounts, the signal and the claim that a criterion names."""
    claims = [text(other, "id") or "" for _, other in tables(raw, "claims")]
    roles = (*names.roles, *table(raw, "signals")) if names.roles else ()
    yield from entity_name((*path, "entity"), kill.get("entity"), names)
    for key, known, kind in (
        ("path", paths(raw), "path"),
        ("behind", paths(raw), "path"),
        ("role", roles, "role"),
        ("claim", claims, "claim"),
    ):
        for place, word in texts((*path, key), kill.get(key)):
            yield from unknown(place, word, known, kind)
            if kind == "claim" and not claims:
                yield Complaint(
                    path=place,
                    message=f"unknown claim {shown(word)}",
                    hint="the thesis has no [[claims]]",
                )


def _claim_names(
    path: Path, claim: Raw, raw: Raw, names: Vocabulary
) -> Iterator[Complaint]:
    """Check parameters that name a layer, a leg, an event, a path or a signal."""
    events = [text(event, "id") or "" for _, event in tables(raw, "events")]
    claims = [text(other, "id") or "" for _, other in tables(raw, "claims")]
    factors = [text(factor, "name") or "" for _, factor in tables(raw, "factors")]
    roles = (*names.roles, *table(raw, "signals"))
    kinds = {
        **dict.fromkeys(SUBJECTS, (_subjects(raw, names), "layer or leg")),
        **dict.fromkeys(("event", "events", "others"), (events, "event")),
        **dict.fromkeys(PATHS, (paths(raw), "path")),
        **dict.fromkeys(ROLE_KEYS, (roles if names.roles else (), "role")),
        "factor": ((*factors, "score"), "factor of this thesis"),
        "mirrors": (claims, "claim"),
    }
    for key, (known, kind) in kinds.items():
        for place, word in texts((*path, key), claim.get(key)):
            yield from unknown(place, word, known, kind)
            if kind == "event" and not events:
                yield Complaint(
                    path=place,
                    message=f"unknown event {shown(word)}",
                    hint="the thesis has no [[events]]",
                )
    for key in ("entity", "follower_entity"):
        yield from entity_name((*path, key), claim.get(key), names)
