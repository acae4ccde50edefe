"""`python -m simulator.commands`: `casesim` without an installation."""

from simulator.commands.main import main

if __name__ == "__main__":
    main()
