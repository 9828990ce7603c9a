"""The page: no request, no foreign script, stamped, and deaf to markup in names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from engine.study_result import StudyResult
from reports.drawing import draw
from reports.html import render_html
from reports.sections import document
from tests.reports.fake_result import fake_result

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<b>bold</b> &amp; ' \\ </style></svg>",
    "datum.v'+alert(1)+'",
    "\u202e\x00\x07 controls",
    "x" * 400,
    "中芯国际 \U0001f600 삼성전자 " * 12,
)
PLACES = ("title", "statement", "event", "name", "claim", "document", "caveat")


class Tags(HTMLParser):
    """Collects every start tag with its attributes, and the text under each caption."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, name: str) -> Iterator[dict[str, str | None]]:
        return (attrs for tag, attrs in self.tags if tag == name)


def _scripts(page: str) -> list[str]:
    return re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)


def test_the_policy_allows_one_hashed_script_and_no_request(page: str) -> None:
    policy = next(
        attrs["content"]
        for attrs in Tags(page).of("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    scripts = _scripts(page)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    assert page.index("Content-Security-Policy") < page.index("<style")


def test_nothing_is_requested(page: str) -> None:
    for tag, attrs in Tags(page).tags:
        for name in ("src", "href", "xlink:href", "action", "data", "poster"):
            value = attrs.get(name)
            if value is not None:
                assert value.startswith("#"), (tag, name, value)
    loaded = re.findall(r"url\(([^)]{0,30})", page)
    assert loaded
    assert all(one.startswith(("data:font/woff2", "#")) for one in loaded)
    assert "@import" not in page


def test_every_table_figure_and_page_head_is_stamped(page: str) -> None:
    captions = re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", page, re.DOTALL)
    assert len(captions) > 20
    assert all('<strong class="stamp">SIMULATED</strong>' in one for one in captions)
    assert "<title>SIMULATED: " in page
    assert '<p class="ribbon"' in page
    verdicts = re.findall(r">([^<]*)<span class=\"sub\">the (?:expected|opp)", page)
    assert set(verdicts) == {"SIMULATED: supported", "SIMULATED: refuted"}
    untested = re.findall(r'"colgroup" colspan="2">([^<]*)', page)
    assert untested == [
        f"SIMULATED: untestable, {sample}" for sample in ("out-of-sample", "in-sample")
    ]


def test_nothing_is_stamped_where_nothing_is_simulated(real_page: str) -> None:
    assert "SIMULATED" not in real_page
    assert 'class="ribbon"' not in real_page
    assert "Thesis score, in-sample" in real_page


def test_no_thesis_score_where_simulated(page: str) -> None:
    assert "thesis score" not in page.lower()


def test_headings_language_scopes_and_labels(page: str) -> None:
    tags = Tags(page)
    assert next(tags.of("html"))["lang"] == "en"
    assert sum(1 for _ in tags.of("h1")) == 1
    assert all(attrs.get("scope") for attrs in tags.of("th"))
    ids = [attrs["id"] for _, attrs in tags.tags if attrs.get("id")]
    assert len(set(ids)) == len(ids)
    for attrs in tags.of("div"):
        if attrs.get("class") == "scroll":
            assert attrs.get("aria-label") or attrs.get("aria-labelledby") in ids
            assert attrs.get("tabindex") == "0"
    links = [attrs["href"] for attrs in tags.of("a")]
    assert links
    assert all(link and link[1:] in ids for link in links)


def test_dark_colours_are_for_screens_only(page: str) -> None:
    assert "@media screen and (prefers-color-scheme:dark)" in page
    assert "@media (prefers-color-scheme" not in page
    assert "@media print" in page


def test_the_page_is_light_enough(page: str) -> None:
    assert len(page) < 1_500_000


@pytest.mark.parametrize("words", HOSTILE)
def test_names_cannot_inject_markup(words: str, page: str) -> None:
    report = document(
        fake_result(words=dict.fromkeys(PLACES, words)),
        {"command": words, words[:40]: words},
    )
    hostile = render_html(report, draw(report.figures))
    before, after = Tags(page).tags, Tags(hostile).tags
    kinds = {tag for tag, _ in before}
    assert {tag for tag, _ in after} <= kinds
    assert len(_scripts(hostile)) == 1
    assert _scripts(hostile) == _scripts(page)
    assert hostile.count("<script") == page.count("<script")
    for _, attrs in after:
        assert not any(name.startswith("on") for name in attrs)
    assert "\x00" not in hostile
    assert "\u202e" not in hostile


def test_readouts_are_json_that_cannot_leave_its_element(result: StudyResult) -> None:
    leg = "</script><!-- alone"
    renamed = dict(result.baselines) | {leg: result.baselines["infrastructure alone"]}
    hostile = document(replace(result, baselines=renamed), {})
    shown = render_html(hostile, draw(hostile.figures))
    found = re.search(
        r'<script type="application/json" id="readouts">(.*?)</script>', shown
    )
    assert found is not None
    readouts = json.loads(found[1])
    assert set(readouts) == {"growth", "weights", "paths", "around-chart"}
    assert leg in {trace["name"] for trace in readouts["growth"]["traces"]}
    assert "<" not in found[1]
