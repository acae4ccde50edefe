"""Visitors of the app: each has a browser's state of its own, and a process that has read the code of the pages already.

To open a page takes two seconds of a processor, and the reading of Streamlit's code takes two thirds of them. So the context of
a visitor who has left is cleared and given to the next one, with an empty page of the site that keeps its process.
"""

from collections import defaultdict
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from playwright.sync_api import Error

from tests.patience import PATIENCE_MS

#: What a page can be given after its context was made.
_OF_A_PAGE = "color_scheme", "reduced_motion"
WINDOW = {"width": 1280, "height": 900}


class Visitors:
    """The visitors of one browser, which runs one process for a site in each context (`--process-per-site`)."""

    def __init__(self, browser):
        self._browser, self._left = browser, defaultdict(list)

    @contextmanager
    def group(self):
        """Give a function that opens an empty page for a new visitor; all of them leave at the end."""
        here = []

        def come(viewport=WINDOW, **options):
            look = {name: options.pop(name) for name in _OF_A_PAGE if name in options}
            left = self._left[repr(sorted(options.items()))]
            context = left.pop() if left else self._browser.new_context(**options)
            context.set_default_timeout(PATIENCE_MS)
            here.append((left, context))
            page = context.new_page()
            page.set_viewport_size(viewport)
            page.emulate_media(**look)
            return page

        try:
            yield come
        finally:
            for left, context in here:
                if _cleared(context):
                    left.append(context)
                else:
                    context.close()


def _cleared(context):
    """Close all pages but an empty one, and clear what the site keeps in the browser; return whether the server was there."""
    addresses = {f"{parts.scheme}://{parts.netloc}" for parts in (urlsplit(page.url) for page in context.pages) if parts.netloc}
    pages = context.pages
    with suppress(Error):
        for address in addresses:
            empty = context.new_page()
            empty.goto(f"{address}/_stcore/health", timeout=5_000)
            for page in pages:
                page.close()
            pages = [empty]
            empty.evaluate("localStorage.clear()")
        context.clear_cookies()
        return True
    return False
