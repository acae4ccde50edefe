"""What a page says when something goes wrong: a sentence for what was given, a code for a fault of CaseSim's own."""

import logging
import re

import pytest
from streamlit.testing.v1 import AppTest

from simulator.errors import InputError
from simulator.serving import server
from tests.patience import PATIENCE_S


def page(error):
    """A page that meets an error, as the app shows it."""

    def script(error):
        from simulator.serving.server import show_error

        assert show_error(error)

    return AppTest.from_function(script, default_timeout=PATIENCE_S, kwargs={"error": error}).run()


def test_what_is_wrong_with_input_is_told_as_it_is_written():
    shown = page(InputError("cat.csv:2: label: expected 0 or 1, got <b>maybe</b>"))
    assert [alert.value.replace("\\", "") for alert in shown.error] == ["cat.csv:2: label: expected 0 or 1, got <b>maybe</b>"]
    assert "<b>" not in shown.error[0].value
    assert not shown.exception


def test_a_fault_of_casesims_own_has_a_code_that_the_log_explains(caplog):
    with caplog.at_level(logging.ERROR, server.__name__):
        shown = page(ZeroDivisionError("division by zero in /home/me/secret.py"))
    assert not shown.exception
    code = re.search(r"The server's log has details at ([0-9a-f]{8})\.", shown.error[0].value)[1]
    assert "secret" not in shown.error[0].value
    assert [record.getMessage() for record in caplog.records if record.name == server.__name__] == [
        f"page error {code}: ZeroDivisionError: division by zero in /home/me/secret.py"
    ]


@pytest.mark.parametrize("error", [InputError("wrong"), KeyError("x")])
def test_streamlits_own_traceback_is_never_shown(error):
    assert not page(error).exception
