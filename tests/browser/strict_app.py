"""The app, which forgets no wrong token for an hour: a test may take longer than the half minute that it usually waits."""

from simulator.app import admission
from simulator.cli.main import main

admission._PAUSE_S = 3600.0

if __name__ == "__main__":
    main()
