"""What `python -m benchmarks.browser` reads off a page: when something was painted, and what is in view."""

import pytest

from benchmarks.browser import SEEN, WATCH, Workbench
from tests.browser.screen import patient

pytestmark = pytest.mark.browser

PAGE = """
<p id="told">run hash 0123456789ab</p>
<button style="position: fixed; top: 72px; height: 20px">Change</button>
<div class="choice" style="position: fixed; top: 0; height: 20px">in view</div>
<div class="choice" style="position: fixed; top: 40px; height: 20px">behind something</div>
<div style="position: fixed; top: 50px; height: 20px; width: 100%">something</div>
<div class="choice" style="position: fixed; top: 95px; height: 20px">half out of view</div>
<script>
  const say = words => { document.querySelector('#told').textContent = words; (window.said ||= []).push(performance.now()); };
  document.querySelector('button').onclick = () => {
    setTimeout(say, 50, ['preliminary', '4 of 30'].join(', '));
    setTimeout(say, 150, ['run hash', 'ba9876543210'].join(' '));
  };
</script>
"""


@pytest.fixture
def page(browser):
    visitor = patient(browser.new_context(viewport={"width": 300, "height": 110}))
    visitor.add_init_script(WATCH)
    page = visitor.new_page()
    page.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto("http://127.0.0.1/")
    yield page
    visitor.close()


def test_a_verdict_is_timed_from_the_act_to_the_frame_that_shows_it(page):
    person = Workbench(page)
    known = person.wait()
    person.click(page.get_by_role("button"))
    assert person.wait(known) == "ba9876543210"
    acted, said = page.evaluate("[kept.acts[0] / 1000, said.map(at => at / 1000)]")
    first, full = person.times(known)
    assert 0.05 <= said[0] - acted <= first < full
    assert said[1] - acted <= full
    assert person.steps == 1


def test_only_what_is_seen_whole_is_in_view(page):
    assert page.evaluate(SEEN, ".choice") == 1
