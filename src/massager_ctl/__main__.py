"""`python -m massager_ctl` is `massager-ctl`."""

from __future__ import annotations

import sys

from massager_ctl.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
