"""The patience of tests with a page, a process or a thread. It says nothing of speed: it expires where something hangs.

A machine that is slower, or busier, than four busy processes on two processors sets CASESIM_PATIENCE, as in CASESIM_PATIENCE=3.
"""

import os

#: Time for one step, in s; and the same in ms, as Playwright takes it.
PATIENCE_S = 240.0 * float(os.environ.get("CASESIM_PATIENCE", "1"))
PATIENCE_MS = 1000 * PATIENCE_S
