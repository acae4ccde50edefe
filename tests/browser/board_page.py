"""The script of the page with a whiteboard."""

from tests.browser.board_app import page

page()
