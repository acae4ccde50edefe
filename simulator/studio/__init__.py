"""The author's page: an editor of a case with its faults, the page of a candidate beside it, and the results of its tests."""
