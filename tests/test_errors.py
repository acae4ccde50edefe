"""A name that is not there is answered with the nearest, or with a few that are."""

from simulator.errors import MOST_COMPARED, shortened, suggest


def test_a_near_miss_is_answered_with_the_name_that_was_meant():
    assert suggest("resnet5", ["resnet50", "vit"]) == "did you mean 'resnet50'?"


def test_as_many_names_as_a_sentence_holds_are_listed_and_the_others_counted():
    assert suggest("zzz", "abcdefgh") == "expected one of: a, b, c, d, e, f, g, h"
    assert suggest("zzz", "abcdefghij") == "expected one of: a, b, c, d, e, f, g, h and 2 more"
    assert suggest("zzz", "abcdefghij", "`casesim cases`").endswith("g, h and 2 more; `casesim cases` lists them")
    assert suggest("zzz", []) == "there is none to choose"


def test_among_very_many_names_none_is_looked_for_for_long():
    names = [f"name{number}" for number in range(MOST_COMPARED + 1)]
    assert suggest("name1x", names) == "did you mean 'name1'?"
    assert suggest("last one", [*names, "last_one"]).startswith("expected one of: name0")
    assert suggest("n" * 5000, names).startswith("expected one of: name0")


def test_a_long_text_is_told_by_its_beginning_and_its_end():
    assert shortened("a" * 120) == "a" * 120
    told = shortened("begin" + "a" * 5000 + "end")
    assert len(told) < 130
    assert told.startswith("begin")
    assert told.endswith("end")
