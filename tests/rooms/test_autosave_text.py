"""A text that saves itself: a tab that has not seen the latest text cannot overwrite it."""

import pytest

from simulator.errors import InputError
from simulator.rooms import room_view


class Keeper:
    """A text, with what the field offers to browsers."""

    def __init__(self, monkeypatch):
        self.text, self.saves, self.refuses = "", [], ""
        monkeypatch.setattr(room_view, "offer", self.offered)
        monkeypatch.setattr(room_view, "_text_field", lambda **_: None)
        room_view.autosave_text("notes", "Notes", lambda: self.text, self.save, most=20)

    def offered(self, name, look, hear):
        self.look, self.hear = look, hear
        return "token"

    def save(self, text):
        if self.refuses:
            raise InputError(self.refuses)
        self.text = text
        self.saves.append(text)

    def say(self, text, base):
        return self.hear({"text": text, "base": base})


@pytest.fixture
def keeper(monkeypatch):
    return Keeper(monkeypatch)


def test_of_two_tabs_the_one_that_has_not_seen_the_latest_text_is_refused_and_gets_it(keeper):
    begin = keeper.look().revision
    first = keeper.say("first", begin)
    refused = keeper.say("second", begin)
    assert (first["saved"], refused["newer"], keeper.text) == ("first", "first", "first")
    assert keeper.say("first and second", refused["base"])["saved"] == "first and second"


def test_a_text_that_is_kept_already_is_saved_from_any_state_and_makes_no_event(keeper):
    keeper.say("text", keeper.look().revision)
    assert keeper.say("text", "of a lost reply")["saved"] == "text"
    assert keeper.saves == ["text"]


def test_each_tab_gets_the_text_once_it_changes(keeper):
    before = keeper.look()
    reply = keeper.say("text", before.revision)
    after = keeper.look()
    assert (after.paint(), after.revision) == ("text", reply["base"])
    assert after.revision != before.revision


@pytest.mark.parametrize("said", [None, [], {}, {"text": 3}, {"text": "x" * 21, "base": ""}])
def test_what_is_no_text_or_too_long_is_refused_with_a_sentence(keeper, said):
    assert keeper.hear(said) == {"fault": "At most 20 characters are kept."}
    assert keeper.saves == []


def test_a_text_that_cannot_be_kept_is_refused_in_the_words_of_its_keeper(keeper):
    keeper.refuses = "This link is not open any more."
    assert keeper.say("text", keeper.look().revision) == {"fault": keeper.refuses}


def test_half_a_letter_pair_has_a_reply(keeper):
    assert "saved" in keeper.say("\ud800", keeper.look().revision)
