export default function ({ data, parentElement }) {
  const at = name => parentElement.querySelector(name), since = performance.now();
  const spoken = seconds => {
    const whole = Math.max(0, Math.floor(seconds));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };
  at("#all").textContent = `${data.minutes} min`;
  at("#stands").hidden = !data.stands;
  if (parentElement.phase !== undefined && parentElement.phase !== data.title) {  // a phase begins at the top of the page
    document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 });
  }
  parentElement.phase = data.title;
  const tick = () => {
    const passed = data.stands ? 0 : (performance.now() - since) / 1000;
    const used = data.used_s + passed, over = used - data.planned_s;
    at("#left").textContent = spoken(data.left_s - passed);
    at("#phase").textContent = `${data.title}: ${spoken(used)} of ${spoken(data.planned_s)} min`;
    const words = data.left_s - passed <= 0 ? "The time is over. End the session when you are ready."
      : over > 0 ? `${data.title} takes longer than planned. Go on when you are ready.` : "";
    const nudge = at("#nudge");
    nudge.hidden = !data.nudges || !words;
    if (nudge.textContent !== words) nudge.textContent = words;
  };
  tick();
  clearInterval(parentElement.timer);
  parentElement.timer = setInterval(tick, 1000);
  return () => clearInterval(parentElement.timer);
}
