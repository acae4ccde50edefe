"""A name that is not there is answered with the nearest, or with a few that are."""

from simulator.errors import suggest


def test_a_near_miss_is_answered_with_the_name_that_was_meant():
    assert suggest("resnet5", ["resnet50", "vit"]) == "did you mean 'resnet50'?"


def test_as_many_names_as_a_sentence_holds_are_listed_and_the_others_counted():
    assert suggest("zzz", "abcdefgh") == "expected one of: a, b, c, d, e, f, g, h"
    assert suggest("zzz", "abcdefghij") == "expected one of: a, b, c, d, e, f, g, h and 2 more"
    assert suggest("zzz", "abcdefghij", "`casesim cases`").endswith("g, h and 2 more; `casesim cases` lists them")
    assert suggest("zzz", []) == "expected one of: (nothing)"
