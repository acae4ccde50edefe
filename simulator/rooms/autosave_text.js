export default function ({ data, parentElement }) {
  const at = name => parentElement.querySelector(name), field = at("#text");
  const texts = globalThis.textsOnTheWay ??= new Map(); // what is typed outlives a field that the page makes anew
  // kept, base: the server's text and its revision; sent: texts since then, the last one without a reply while `away`;
  // other: a line that came meanwhile
  const box = parentElement.saving ??= { kept: data.value, base: data.seen, sent: [], away: false, timer: 0 };
  at("label").textContent = data.label;
  field.rows = data.rows;
  field.maxLength = data.most;
  const typed = texts.get(data.token);
  if (!box.begun) {
    const stays = typed?.drawn === data.value || typed?.waits;
    if (stays) Object.assign(box, typed.box);
    field.value = stays ? typed.text : data.value;
    box.begun = true;
  }
  const say = words => { if (at("#state").textContent !== words) at("#state").textContent = words; };
  const waits = () => field.value !== box.kept || box.away;
  const note = () => {
    const { kept, base, sent, away } = box;
    texts.set(data.token, { text: field.value, drawn: data.value, waits: waits(), box: { kept, base, sent, away } });
  };
  const save = () => {
    note();
    if (!waits()) return say(field.value ? "Saved" : "");
    if (!box.away) send(); // else its reply comes first
  };
  const send = () => {
    box.away = parentElement.newsLine?.say({ text: field.value, base: box.base }) ?? false;
    if (box.away) box.sent.push(field.value);
    else say("Not saved yet: no connection.");
    note();
  };
  const later = (words = "Not saved yet") => {
    note();
    say(words);
    clearTimeout(box.timer);
    box.timer = setTimeout(save, WAIT_MS);
  };
  field.oninput = () => later();
  field.onblur = save;
  field.onkeydown = event => event.stopPropagation();
  const keep = (text, base) => Object.assign(box, { kept: text, base, sent: [] });
  const join = (text, base) => { // where two tabs change one text, both changes stay
    const own = field.value.startsWith(box.kept) ? field.value.slice(box.kept.length) : field.value;
    field.value = `${text}\n${own}`;
    keep(text, base);
    later("Another tab has changed this text: both are here now.");
  };
  const heard = (base, text) => {
    if (waits()) return box.other = [base, text];
    keep(text, base);
    if (field.value !== text) field.value = text;
    note();
  };
  const replied = reply => {
    box.away = false;
    if (reply?.newer !== undefined && !box.sent.includes(reply.newer)) return join(reply.newer, reply.base);
    const other = [box.base, reply?.base].includes(box.other?.[0]) ? null : box.other;
    box.other = null;
    if (reply?.base !== undefined) keep(reply.saved ?? reply.newer, reply.base);
    if (reply?.fault) return say(reply.fault);
    if (field.value !== box.kept) return later();
    if (other) heard(...other);
    note();
    say("Saved");
  };
  const end = follow(parentElement, data.token, box.base, heard, { replied, opened: () => {
    if (waits()) send(); // of what was away before, the reply will not come
  } });
  return () => { clearTimeout(box.timer); end(); };
}
