"""What people upload lies apart, goes after a day without a visit, with the server, and after servers that were killed."""

import subprocess
import sys

from simulator.app.uploads import Uploads


def test_each_has_a_folder_that_nobody_else_may_read(tmp_path):
    kept = Uploads(tmp_path)
    assert kept.folder("one") != kept.folder("two")
    assert kept.root.stat().st_mode & 0o077 == 0


def test_what_nobody_visited_for_a_day_goes(tmp_path):
    kept = Uploads(tmp_path)
    for owner in ("one", "two"):
        kept.folder(owner, now_s=0).mkdir()
    kept.folder("two", now_s=80_000)
    kept.folder("three", now_s=90_000)
    assert not (kept.root / "one").exists()
    assert (kept.root / "two").exists()


def test_what_a_killed_server_left_is_swept_by_the_next_and_what_a_living_one_has_is_not(tmp_path):
    program = (
        "import os, sys, pathlib; from simulator.app.uploads import Uploads;"
        "Uploads(pathlib.Path(sys.argv[1])).folder('one').mkdir(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)])
    assert len(list(tmp_path.iterdir())) == 1
    living = Uploads(tmp_path)
    later = Uploads(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([living.root, later.root])
    living.close()
    assert list(tmp_path.iterdir()) == [later.root]
