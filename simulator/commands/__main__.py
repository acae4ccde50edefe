"""`python -m simulator.commands`, which is `casesim` where nothing is installed."""

from simulator.commands.main import main

if __name__ == "__main__":
    main()
