"""A process that draws: one specification a line in, one SVG a line out, as JSON.

It is started by path, without the site packages and without this package, so that it
holds nothing but Vega; `reports.draftsmen` starts it. It ends when its standard input
does: no matter how its parent ends, it is not left behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys

NOTHING = '{"data": {"values": []}, "mark": "bar"}'


def main(packages: str, fonts: str, version: str) -> None:
    """Draw what is asked for until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing else is said among them
    sys.path.append(packages)
    import vl_convert

    vl_convert.register_font_directory(fonts)
    # the first drawing starts the JavaScript engine: before anybody waits for one
    vl_convert.vegalite_to_svg(NOTHING, vl_version=version)
    for line in sys.stdin.buffer:
        try:
            drawing = vl_convert.vegalite_to_svg(line.decode(), vl_version=version)
        except ValueError:  # the parent draws it itself, and says what is wrong
            drawing = None
        answers.write(json.dumps(drawing).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
