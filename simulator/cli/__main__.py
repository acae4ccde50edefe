"""`python -m simulator.cli`: `casesim` without an installation."""

from simulator.cli.main import main

if __name__ == "__main__":
    main()
