export default function ({ data, parentElement }) {
  const at = name => parentElement.querySelector(name);
  let now = data.now, since = performance.now(), broken = false;
  const spoken = seconds => {
    const whole = Math.max(0, Math.floor(seconds));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };
  const put = (name, words) => { if (at(name).textContent !== words) at(name).textContent = words; };
  const tick = () => {
    const passed = now.paused || now.ended ? 0 : (performance.now() - since) / 1000;
    put("#left", spoken(now.left_s - passed));
    put("#all", `${now.minutes} min`);
    put("#phase", `${now.title}: ${spoken(now.used_s + passed)} of ${spoken(now.planned_s)} min`);
    put("#people", `Here: ${now.people}`);
    const over = now.used_s + passed > now.planned_s;
    const resting = now.started ? "The clock is paused." : "The clock has not started.";
    put("#state", now.ended ? "The interview has ended." : now.paused ? resting
      : now.locked ? "The board is locked." : over ? "This phase is over time." : "");
    put("#sync", broken ? "Not connected. Changes are sent once the connection is back." : "");
  };
  tick();
  clearInterval(parentElement.timer);
  parentElement.timer = setInterval(tick, 1000);
  const heard = (_, content) => { now = content; since = performance.now(); broken = false; tick(); };
  const opened = () => { broken = false; tick(); };
  const more = { opened, closed: () => { broken = true; tick(); } };
  const end = follow(parentElement, data.token, data.seen, heard, more);
  return () => { clearInterval(parentElement.timer); end(); };
}
