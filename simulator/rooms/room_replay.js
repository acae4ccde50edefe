export default function ({ data, parentElement }) {
  const at = name => parentElement.querySelector(name), range = at("#at"), rows = data.rows;
  const box = parentElement.replaying ??= { time: data.time, playing: false };
  const place = time => rows.reduce((found, row) => row[1] <= time ? row : found, rows[0]);
  const clock = time => `${Math.floor(time / 60)}:${String(Math.floor(time % 60)).padStart(2, "0")}`;
  let told = -1;
  const show = () => {
    const row = place(box.time);
    range.value = box.time;
    at("#now").textContent = `${clock(box.time)} of ${clock(data.end)} · ${row[2]}`;
    range.setAttribute("aria-valuetext", at("#now").textContent);
    at("#play").textContent = box.playing ? "Pause" : "Play";
    if (row[0] !== told && parentElement.newsLine?.say({ place: row[0] })) told = row[0];
  };
  const fill = (select, options) => select.replaceChildren(...options.map(([value, words]) => {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = words;
    return made;
  }));
  range.max = data.end;
  fill(at("#speed"), data.speeds.map(one => [one, `${one}×`]));
  fill(at("#jump"), [["", "…"], ...data.marks.map(([time, words]) => [time, words])]);
  range.oninput = () => { box.time = Number(range.value); show(); };
  at("#play").onclick = () => { box.playing = !box.playing; if (box.time >= data.end) box.time = 0; show(); };
  at("#jump").onchange = () => { if (at("#jump").value !== "") { box.time = Number(at("#jump").value); show(); } };
  clearInterval(box.timer);
  let last = performance.now();
  box.timer = setInterval(() => {
    const now = performance.now(), passed = (now - last) / 1000;
    last = now;
    if (!box.playing) return;
    box.time = Math.min(data.end, box.time + passed * Number(at("#speed").value || 1));
    if (box.time >= data.end) box.playing = false;
    show();
  }, 250);
  const end = follow(parentElement, data.token, "", () => {}, { opened: () => { told = -1; show(); } });
  show();
  return () => { clearInterval(box.timer); end(); };
}
