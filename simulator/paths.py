"""Paths of cases, pages and evidence, which travel with the package, and of the user's own measurements."""

import os
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

#: The folder of the package's code.
PACKAGE = Path(__file__).resolve().parent
_SHIPPED = PACKAGE / "shipped"


def _packaged(folder: Path, package: str) -> Path:
    """Return a folder of a checkout or, where a distribution of its own has installed it, the folder of that package."""
    spec = None if folder.is_dir() else find_spec(package)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else folder


#: The folder that holds scenarios/, pages/ and assets/: inside the package when it was installed from a wheel,
#: the root of the checkout otherwise.
ROOT = _SHIPPED if _SHIPPED.is_dir() else PACKAGE.parent

#: The entry script of the app.
APP = PACKAGE / "serving" / "entry.py"

SCENARIOS = ROOT / "scenarios"
PAGES = ROOT / "pages"
ASSETS = ROOT / "assets"
PROFILES = ASSETS / "profiles"
SCORES = ASSETS / "scores"
CATALOGUE = ASSETS / "catalogue"
FIDELITY = ASSETS / "fidelity"
DETECTIONS = ASSETS / "detections"
DRIVES = _packaged(ASSETS / "drives", "casesim_drives")
DATALAB = ASSETS / "datalab"
FEATURES = ASSETS / "features"
INCIDENTS = ASSETS / "incidents"
ILLUSTRATIONS = ASSETS / "illustrations"
SCENES = ASSETS / "scenes"
BEST_KNOWN = SCENARIOS / "best_known"
TESTED = SCENARIOS / "tested"

#: Profiles of the user's own models.
OWN_PROFILES = user_data_path("casesim") / "profiles"

#: The app's record of a user's runs.
DATABASE = user_data_path("casesim") / "casesim.db"

#: Results of the tests of the user's own cases.
OWN_TESTED = user_data_path("casesim") / "tested"

#: Scores that the user imported.
OWN_SCORES = user_data_path("casesim") / "scores"

#: Cases that the user installed from packs, each with its own evidence: cases/, scores/ and profiles/, below one manifest.
INSTALLED = user_data_path("casesim") / "installed"

#: Earlier versions of the cases that the author edits in Studio.
CASE_VERSIONS = user_data_path("casesim") / "versions"

#: Cached results of sweeps. Deleting the folder costs time, and nothing else.
SWEEPS = user_cache_path("casesim") / "sweeps"

#: Kept runs of designs. Deleting the folder costs time, and nothing else.
RUNS = Path(os.environ.get("CASESIM_RUNS") or user_cache_path("casesim") / "runs")

#: Notes of the studies that visitors have begun. Without them a study does not come back after a restart of the server.
STUDIES = user_cache_path("casesim") / "studies"
