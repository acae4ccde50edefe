// Streamlit sends all triggers of a tick at once, and draws the fragment of the first alone: triggers are spread over ticks.
// What was drawn brings its revision along; until it comes, the browser asks again, ever later, and while no script runs.
const APART_MS = 20, AGAIN_MS = 1000, LATEST_MS = 16000;
const waiting = [];
let pausing = false;
const inTurn = act => {
  if (pausing) return waiting.push(act);
  pausing = true;
  act();
  setTimeout(() => { pausing = false; if (waiting.length) inTurn(waiting.shift()); }, APART_MS);
};
const isRunning = () => document.querySelector("[data-test-script-state=running]") !== null;
const draw = (line, waitMs, isAgain = true) => {
  clearTimeout(line.drawing);
  if (line.ended || line.seen === line.drawn) return;
  if (!isAgain || !isRunning()) inTurn(() => line.trigger("news", line.seen));
  line.drawing = setTimeout(draw, waitMs, line, Math.min(2 * waitMs, LATEST_MS));
};
export default ({ data, parentElement, setTriggerValue }) => {
  const end = follow(parentElement, data.token, data.seen, () => draw(parentElement.newsLine, AGAIN_MS, false));
  parentElement.newsLine.trigger = setTriggerValue;
  return end;
};
