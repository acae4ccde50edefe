"""The row above a room: the clock by phase and in all, who is present, and whether the page is in step."""

from __future__ import annotations

from secrets import token_urlsafe
from time import time
from typing import Any

import streamlit as st

from simulator.app.news import FOLLOW_JS, Latest, offer
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_doors import role_words
from simulator.session.phase_clock import left_s, phase_times

_CSS = """
#row { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; font: 400 1rem/1.4 var(--st-font);
       color: var(--st-text-color); }
#left { font-size: 1.4rem; font-weight: 600; font-variant-numeric: tabular-nums; }
#state { color: var(--st-orange-text-color); font-weight: 600; }
"""

_HTML = """
<div id="row"><span><span id="left" role="timer"></span> left of <span id="all"></span></span><span id="phase"></span>
<span id="people"></span><span id="state" role="status"></span><span id="sync"></span></div>
"""

_JS = f"""{FOLLOW_JS}
export default function ({{ data, parentElement }}) {{
  const at = name => parentElement.querySelector(name);
  let now = data.now, since = performance.now(), broken = false;
  const spoken = seconds => {{
    const whole = Math.max(0, Math.floor(seconds));
    return `${{Math.floor(whole / 60)}}:${{String(whole % 60).padStart(2, "0")}}`;
  }};
  const put = (name, words) => {{ if (at(name).textContent !== words) at(name).textContent = words; }};
  const tick = () => {{
    const passed = now.paused || now.ended ? 0 : (performance.now() - since) / 1000;
    put("#left", spoken(now.left_s - passed));
    put("#all", `${{now.minutes}} min`);
    put("#phase", `${{now.title}}: ${{spoken(now.used_s + passed)}} of ${{spoken(now.planned_s)}} min`);
    put("#people", `Here: ${{now.people}}`);
    const over = now.used_s + passed > now.planned_s;
    const resting = now.started ? "The clock is paused." : "The clock has not started.";
    put("#state", now.ended ? "The interview has ended." : now.paused ? resting
      : now.locked ? "The board is locked." : over ? "This phase is over time." : "");
    put("#sync", broken ? "Not connected. Changes are sent once the connection is back." : "");
  }};
  tick();
  clearInterval(parentElement.timer);
  parentElement.timer = setInterval(tick, 1000);
  const heard = (_, content) => {{ now = content; since = performance.now(); broken = false; tick(); }};
  const opened = () => {{ broken = false; tick(); }};
  const more = {{ opened, closed: () => {{ broken = true; tick(); }} }};
  const end = follow(parentElement, data.token, data.seen, heard, more);
  return () => {{ clearInterval(parentElement.timer); end(); }};
}}
"""

_component = st.components.v2.component("room_status", html=_HTML, css=_CSS, js=_JS)

#: Time between two lines that say nothing but that the server is there (s).
_BEAT_S = 5


def status_row(room: RoomAtHand) -> None:
    """Show the clock and the people; the row paints itself from its own socket."""

    tab = str(st.session_state.setdefault("room:tab", token_urlsafe(12)))

    def look() -> Latest:
        room.live.keep_fresh()
        room.live.seen(tab, room.role)
        content = _content(room)
        steady = {name: value for name, value in content.items() if not name.endswith("_s")}
        return Latest(f"{steady} {room.state.phase} {int(time() / _BEAT_S)}", lambda: _content(room))

    now = look()
    _component(key="room:status", data={"token": offer("room status", look), "seen": now.revision, "now": _content(room)})


def _content(room: RoomAtHand) -> dict[str, Any]:
    state, now = room.state, time()
    phase = next((one for one in phase_times(room.scenario, state, now) if one.present), None)
    people = ", ".join(role_words(role) for role in room.live.present()) or role_words(room.role)
    return {
        "minutes": state.session.minutes,
        "left_s": left_s(state, now),
        "title": phase.title if phase else "",
        "used_s": phase.used_s if phase else 0.0,
        "planned_s": phase.planned_s if phase else 0.0,
        "people": people,
        "paused": state.paused,
        "started": state.started_at is not None,
        "locked": state.room.locked,
        "ended": state.ended_at is not None,
    }
