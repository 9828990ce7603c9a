"""``python -m engine.cli`` is ``assay``."""

from __future__ import annotations

from engine.cli.main import main

if __name__ == "__main__":
    main()
