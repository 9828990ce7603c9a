"""The short form of a study that a notebook shows."""

from __future__ import annotations

from html import escape

from engine.study_result import StudyResult
from reports import numbers, words
from reports.clean import clean
from reports.headline import tiles

_BOX = "font:14px/1.5 system-ui,sans-serif;max-width:60em"
_STAMP = "background:#a63d40;color:#fff;padding:2px 8px;letter-spacing:.06em"
_CELL = "padding:2px 18px 2px 0;text-align:left;vertical-align:top"


def notebook_html(result: StudyResult) -> str:
    """Return a heading, the verdict, the headline numbers and every claim's verdict."""
    about = result.thesis.about
    stamp = (
        f'<p><strong style="{_STAMP}">{words.STAMP}</strong></p>'
        if result.simulated
        else ""
    )
    heads = "".join(
        f'<th style="{_CELL}">{escape(tile.label)}</th>' for tile in tiles(result).tiles
    )
    values = "".join(
        f'<td style="{_CELL}"><strong>{escape(tile.value)}</strong><br>'
        f"{'<br>'.join(escape(note) for note in tile.notes)}</td>"
        for tile in tiles(result).tiles
    )
    claims = "".join(
        f'<tr><td style="{_CELL}">{escape(one.says)}</td>'
        f'<td style="{_CELL}">{escape(one.sample)}</td>'
        f'<td style="{_CELL}">{escape(words.stamped(one.verdict, result))}</td>'
        f'<td style="{_CELL}">{escape(numbers.p_value(one.q))}</td></tr>'
        for one in result.claims.results
    )
    return clean(
        f'<div style="{_BOX}">{stamp}<h3>{escape(about.title)}</h3>'
        f"<p>{escape(words.period(result))}. {escape(words.sample_line(result))}</p>"
        f"<p>{escape(words.verdict(result))}</p>"
        f"<table><thead><tr>{heads}</tr></thead>"
        f"<tbody><tr>{values}</tr></tbody></table>"
        f"<table><thead><tr><th>Claim</th><th>Sample</th><th>Verdict</th><th>q</th>"
        f"</tr></thead><tbody>{claims}</tbody></table></div>"
    )
