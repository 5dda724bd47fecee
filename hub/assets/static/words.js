// What is said on a running call, as its box hears it: lines that are still being said change, finished ones stay. Nothing
// here moves the focus, the cursor, or a reader who is not at the end.

const MOST = 2000;
/** This near to the end somebody reads along. */
const NEAR = 24;
/** By beginning and side; the whole call as long as the page is open, though the hub keeps its last minutes only. */
const lines = new Map();
let ended = false;

/** The running call of this page, or `null`. */
export const call = document.getElementById("words")?.dataset.call ?? null;

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
const two = (n) => String(n).padStart(2, "0");
function lengthText(ms) {
  const s = Math.floor(ms / 1000), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${two(m)}:${two(s % 60)}`;
}

/** Where somebody reads in `box`; the function given back puts what takes its place there, too. */
export function holdReader(box) {
  const { scrollTop } = box, along = box.scrollHeight > box.clientHeight && atEnd(box);
  return (other) => { other.scrollTop = along ? other.scrollHeight : scrollTop; };
}

/** Takes what is new of a call. */
export function say(message) {
  if (message.call_id !== call) return;
  for (const line of message.lines) {
    lines.set(`${line.start_ms} ${line.leg}`, line);
    if (lines.size > MOST) lines.delete(lines.keys().next().value);
  }
  ended = message.ended;
  show();
}

function part(name, className, text) {
  const el = document.createElement(name);
  el.className = className;
  el.textContent = text;
  return el;
}

/** The text of a caller's line, with what raised an alarm marked at its place; the longer word before the shorter. */
function marked(dd, line, words) {
  const heard = JSON.parse(words.heard ?? "{}"), names = JSON.parse(words.alarms);
  const all = Object.entries(heard).flatMap(([id, said]) => said.map((word) => [word, names[id] ?? ""])).filter(([word]) => word !== "");
  all.sort(([a], [b]) => b.length - a.length);
  let rest = line.text;
  while (rest !== "") {
    const next = line.leg === "operator" ? [] : all.map(([word, name]) => [rest.indexOf(word), word, name]).filter(([at]) => at >= 0).sort(([a], [b]) => a - b);
    if (!next.length) break;
    const [at, word, name] = next[0], mark = part("mark", "", word);
    mark.title = name;
    dd.append(rest.slice(0, at), mark);
    rest = rest.slice(at + word.length);
  }
  dd.append(rest);
}

/** What a line looks like; alarms in the words of the page. */
function lineOf(line, words) {
  const el = part("div", "say", ""), dt = document.createElement("dt"), dd = part("dd", "", "");
  el.classList.toggle("say--seat", line.leg === "operator");
  dt.append(part("b", "", line.leg === "operator" ? words.seat : words.caller), lengthText(line.start_ms));
  marked(dd, line, words);
  const alarms = JSON.parse(words.alarms);
  for (const id of line.alarms) if (alarms[id]) dd.append(part("span", "sev p1", alarms[id]));
  el.classList.toggle("say--alarm", line.alarms.length > 0);
  const now = !line.finished && !ended;
  if (now) dd.append(part("span", "say__now", words.saying));
  el.classList.toggle("say--now", now);
  // Read out once it is finished, not at every word.
  if (now) el.setAttribute("aria-busy", "true");
  el.append(dt, dd);
  return el;
}

/** Shows the lines where the page has a place for them. */
export function show() {
  const list = document.getElementById("words");
  if (!list) return;
  const box = list.parentElement, along = atEnd(box);
  const shown = new Map([...list.children].map((el) => [el.dataset.line, el]));
  const order = [...lines].filter(([, line]) => line.text !== "").sort(([, a], [, b]) => a.start_ms - b.start_ms || (a.leg < b.leg ? -1 : 1));
  let before = null;
  for (const [key, line] of order) {
    const fresh = lineOf(line, list.dataset), old = shown.get(key);
    shown.delete(key);
    fresh.dataset.line = key;
    if (old?.outerHTML === fresh.outerHTML) { before = old; continue; }
    if (old) old.replaceWith(fresh);
    else if (before) before.after(fresh);
    else list.prepend(fresh);
    before = fresh;
  }
  for (const gone of shown.values()) gone.remove();
  if (along) box.scrollTop = box.scrollHeight;
}
