from importlib.util import find_spec

#: Only what needs no extra is tested without the extra `zoo`.
_NEEDS_ZOO = ["test_prediction.py", "test_lateness.py", "test_tracking.py", "test_write.py"]
collect_ignore_glob = [] if find_spec("filterpy") and find_spec("trackeval") else _NEEDS_ZOO
