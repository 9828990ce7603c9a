"""The composition root: names become objects here, and nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import factors
import universes.loader
from engine.costs.fees import schedule
from engine.errors import UniverseError, UsageError, nearest
from engine.evidence.claims import CLAIM_TESTS
from engine.evidence.mechanisms import MECHANISMS
from engine.market.calendar import known_mics
from engine.market.listing import NO_LAYER, Line, Universe
from engine.period import declared_by, within_prices
from engine.placebo import load_placebo
from engine.portfolio.rules import COUNTRY_OF
from engine.portfolio.scoring import WeightedFactor
from engine.runs.register_dates import register_path, registration_of
from engine.runs.register_hashes import hashes_of
from engine.supply import SAMPLE, Choice, load_market
from engine.thesis.model import Thesis
from engine.thesis.reader import Document, Vocabulary, override, read
from engine.thesis.registration import counted

if TYPE_CHECKING:
    from engine.evidence.beside import Placebo
    from engine.market.market import Market
    from engine.study import Progress
    from engine.study_inputs import StudyInputs
    from engine.study_result import StudyResult

#: Options of a run that replace the thesis's own settings, and those that say which
#: data it reads.
THESIS_OPTIONS = ("start", "end", "capital", "seed", "relax")
SOURCE_OPTIONS = (
    "prices",
    "signals",
    "as_of",
    "mix",
    "offline",
    "vintage",
    "register",
)
#: Calendars that a study can run on, and currencies it can be kept in.
CALENDARS = ("XNYS", "XHKG", "XSHG", "XKRX")
CURRENCIES = ("USD", "HKD", "CNY", "KRW", "EUR", "GBP")
#: Roles that factors and claim tests read.
ROLES = (
    "token_share",
    "vendor_share",
    "tokens",
    "dollar_share",
    "price_per_mtok",
    "capex",
    # of claims alone: nothing in the catalogues reads them, few sources have them
    "downloads_hugging_face",
    "cloud_revenue_quarter",
    "cloud_profit_quarter",
    "cloud_gross_profit_quarter",
    "cloud_ai_revenue_quarter",
    "cloud_ai_run_rate",
    "model_service_revenue",
    "server_revenue_quarter",
    "ai_service_revenue_quarter",
    "router_revenue",
    "gross_margin",
    "take_rate",
    "edge_attach_rate",
    "unit_margin",
    "benchmark_score",
    "releases",
    "small_model_token_share",
    "bank_lending",
    "hbm_stacks_per_year",
    "offshore_accelerators",
    "frontier_gap",
    "us_open_models_in_top_tier",
    "open_market_share",
    # of scenarios alone
    "restricting_countries",
    "regional_token_share_gap",
    "enforced_controls",
    "models_per_application",
)


def run(
    path: str | Path,
    *,
    prices: str | Path = SAMPLE,
    signals: str | Path | None = None,
    start: dt.date | str | None = None,
    end: dt.date | str | None = None,
    as_of: dt.date | str | None = None,
    capital: float | None = None,
    seed: int | None = None,
    relax: bool | None = None,
    mix: bool = False,
    offline: bool = False,
    vintage: dt.date | str | None = None,
    register: str | Path | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Return the whole study of a thesis file.

    Parameters
    ----------
    path : path of the thesis file.
    prices : ``"sample"`` (simulated), ``"yahoo"`` (fetched into the store, then read
        from it), ``"store:NAME"`` (imported under that name) or a folder of price
        files in Yahoo's columns.
    signals : ``"sample"``, ``"reference"`` (the documents' facts), ``"store"`` or a
        folder of CSV files in the long format; by default sample with sample prices,
        else reference.
    start, end, capital, seed : replace the thesis's own settings; the result says so.
    relax : widen limits of the portfolio that collide by the least that helps.
    as_of : only what was known and declared by this day.
    mix : allow simulated signals with real prices, which stamps everything SIMULATED.
    offline : never touch the network: ``"yahoo"`` is then what the store holds of it.
    vintage : only what the store held at this day's end or moment (UTC); implies
        `offline`.
    register : the register that dates claims (`docs/register.md`), ``"none"`` for no
        register; by default ``register.jsonl`` beside the thesis file, if it is there.
    progress : called with one word of each step.

    Raises
    ------
    AssayError
        `ThesisError`, `DataError`, `InfeasibleError` or `UsageError`, with one message.
    """
    from engine.study import run_study  # only where a study is made

    document = read_thesis(
        path, start=start, end=end, capital=capital, seed=seed, relax=relax
    )
    tell = progress or (lambda step: None)
    inputs = study_inputs(
        document,
        prices=prices,
        signals=signals,
        as_of=as_of,
        mix=mix,
        offline=offline,
        vintage=vintage,
        register=register,
        progress=tell,
    )
    return run_study(inputs, progress=tell)


def read_thesis(
    path: str | Path,
    *,
    start: dt.date | str | None = None,
    end: dt.date | str | None = None,
    capital: float | None = None,
    seed: int | None = None,
    relax: bool | None = None,
    base: Path | None = None,
) -> Document:
    """Return a checked thesis file; the keywords replace its own settings.

    `base` is the folder that the path of an own universe starts from; by default the
    thesis file's.
    """
    file = Path(path)
    vocabulary = vocabulary_for(base or file.parent)
    document = read(file, vocabulary)
    return override(
        document,
        start=_date(start, "start"),
        end=_date(end, "end"),
        capital=capital,
        seed=seed,
        relax=relax,
    )


def inputs_of(
    path: str | Path, *, progress: Progress = lambda step: None, **options: Any
) -> StudyInputs:
    """Return a thesis file with all that a study of it needs; options as in `run`."""
    document = read_thesis(path, **given(options, THESIS_OPTIONS))
    return study_inputs(document, progress=progress, **given(options, SOURCE_OPTIONS))


def given(options: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the options of these names that were given."""
    return {name: options[name] for name in names if options.get(name) is not None}


def vocabulary_for(folder: Path) -> Callable[[str], Vocabulary]:
    """Return what a thesis file in `folder` may name, given its universe."""

    def vocabulary(universe_name: str) -> Vocabulary:
        universe = universes.loader.load(universe_name, base=folder)
        return Vocabulary(
            layers=universe.layers,
            tickers=frozenset(universe.lines)
            | frozenset(universe.benchmarks)
            | frozenset(universe.aliases),
            benchmarks=frozenset(universe.lines) | frozenset(universe.benchmarks),
            entities=frozenset(universe.entities),
            asset_factors=factors.ASSET_FACTORS,
            state_factors=factors.STATE_FACTORS,
            claim_tests={name: test.params for name, test in CLAIM_TESTS.items()},
            calendars=CALENDARS,
            currencies=CURRENCIES,
            roles=ROLES,
            mechanisms={name: kind.inputs for name, kind in MECHANISMS.items()},
            mics=known_mics(),
            countries=tuple(COUNTRY_OF.values()),
            line_currencies=(
                *CURRENCIES,
                *(line.currency for line in universe.lines.values()),
            ),
            aliases=universe.aliases,
            fee_items=tuple(row.item for row in schedule("exchange").rows),
        )

    return vocabulary


def load_universe(name: str, *, base: Path | None = None) -> Universe:
    """Return a packaged universe or one of your own, by name or path."""
    return universes.loader.load(name, base=base)


def study_inputs(
    document: Document,
    *,
    prices: str | Path = SAMPLE,
    signals: str | Path | None = None,
    as_of: dt.date | str | None = None,
    mix: bool = False,
    offline: bool = False,
    vintage: dt.date | str | None = None,
    register: str | Path | None = None,
    base: Path | None = None,
    progress: Progress = lambda step: None,
) -> StudyInputs:
    """Return a thesis with its universe, market and factors: all that a study needs.

    `base` is the folder that the path of an own universe starts from; by default the
    thesis file's.
    """
    from engine.study_inputs import StudyInputs  # only where a study is made

    overrides = dict(document.overrides)
    thesis = document.thesis
    as_of = _date(as_of, "as_of")
    if as_of is not None:
        thesis = declared_by(thesis, as_of)
        events = len(document.thesis.events) - len(thesis.events)
        claims = len(document.thesis.claims) - len(thesis.claims)
        overrides["as_of"] = (
            f"{as_of} ({events} later events and {claims} later claims left out)"
        )
    folder = base or Path(document.path).parent
    universe = load_universe(thesis.universe.name, base=folder)
    assets = held_lines(thesis, universe)
    registration = registration_of(
        register_path(Path(document.path), register),
        document.thesis,
        Path(document.path),
        lambda: hashes_of(document.thesis, universe, assets),
        text=document.digest,
        as_of=as_of,
    )
    thesis = counted(thesis, registration)
    choice = Choice(
        prices=prices,
        signals=signals,
        as_of=as_of,
        mix=mix,
        offline=offline,
        vintage=vintage,
    )
    market = load_market(thesis, universe, assets, choice, tell=progress)
    about, cut = within_prices(thesis.about, market.home.sessions.days)
    thesis = thesis.model_copy(update={"about": about})
    return StudyInputs(
        thesis=thesis,
        universe=universe,
        market=market,
        assets=tuple(line for line in assets if line.symbol in market.lines),
        factors=tuple(
            WeightedFactor(
                name=one.name,
                weight=one.weight,
                factor=factors.create(one.name, one.params),
                exposure=one.exposure,
            )
            for one in thesis.factors
        ),
        overrides=overrides | cut,
        notebook=_notebook,
        registration=registration,
        placebo=_placebo(thesis, universe, assets, market, choice, folder),
    )


def _placebo(
    thesis: Thesis,
    universe: Universe,
    assets: tuple[Line, ...],
    market: Market,
    choice: Choice,
    folder: Path,
) -> Callable[[], Placebo] | None:
    """Return what loads the universe's placebo; its own file is read at once."""
    if not universe.placebo:
        return None
    other = load_universe(universe.placebo, base=folder)
    return lambda: load_placebo(thesis, universe, assets, other, market, choice)


def _notebook(result: StudyResult) -> str:
    """Return a result's short form; the reports load at first use."""
    from reports.notebook import notebook_html

    return notebook_html(result)


def held_lines(thesis: Thesis, universe: Universe) -> tuple[Line, ...]:
    """Return the lines a study may hold: one per listed entity that has a layer.

    `include` names lines that stand in for their entity's usual one, or entities.
    Raises `UniverseError` for a name that has no line to hold.
    """
    choice = thesis.universe
    usual = universe.assets(choice.lines, exclude=choice.exclude)
    named: dict[str, Line] = {}
    for name in choice.include:
        line = _included(name, universe)
        first = named.setdefault(line.entity, line)
        if first != line:
            raise UniverseError(
                f"[universe] include: {first.symbol} and {line.symbol} are both lines "
                f"of {line.entity}; a study holds one line of a company: keep one"
            )
    others = tuple(line for line in usual if line.entity not in named)
    return tuple(
        line
        for line in (*named.values(), *others)
        if universe.entities[line.entity].layer != NO_LAYER
    )


def _included(name: str, universe: Universe) -> Line:
    """Return the line that ``universe.include`` names, or an entity's primary line."""
    line = universe.lines.get(universe.aliases.get(name, name))
    if line is None or not line.entity:
        usual = (one for one in universe.assets("primary") if one.entity == name)
        line = next(usual, None)
    if line is not None and universe.entities[line.entity].layer == NO_LAYER:
        raise UniverseError(
            f"[universe] include: {name!r} has no layer in {universe.name}, and no leg "
            "can hold it; leave it out, or give it a layer in a universe of your own"
        )
    if line is not None:
        return line
    raise UniverseError(
        f"[universe] include: {name!r} is no line or listed entity of "
        f"{universe.name} that can be held. {nearest(name, universe.lines)}".strip()
    )


def _date(value: dt.date | str | None, name: str) -> dt.date | None:
    """Return a date from a date or ISO text; `UsageError` names what was given."""
    if isinstance(value, dt.datetime):
        return value.date()
    if value is None or isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{name}: {value!r} is not a date; write it as 2025-01-31"
        ) from error
