// The calls of a seat: on its own page, and beside the call that is open. Read again when a case changes and every few seconds
// (a call that begins is no case yet), and put in place so that nothing moves under a hand: what is new waits behind U. A call
// that begins to run is opened by itself only on the seat's own page, or beside a ticket that is filed, and only while nobody is
// typing; otherwise a line says so.
import { frozen, hubNow, tick } from "./clock.js";
import { here, later, read } from "./work.js";

const $ = (id) => document.getElementById(id);
const desk = document.querySelector("[data-feed=seat]"), beside = $("seat-calls");
const parts = () => $("seat-parts") ?? $("seat-list");
const from = desk ? here : beside?.dataset.from;
const PAUSE_MS = 2_000, EVERY_MS = 5_000, HAND_MS = 10_000;

/* What the hub says, without what ticks here. */
function shape(el) {
  const bare = el.cloneNode(true);
  for (const one of bare.querySelectorAll("[data-since]")) one.textContent = "";
  for (const one of bare.querySelectorAll("[aria-current]")) one.removeAttribute("aria-current");
  return bare.outerHTML;
}
let known = parts() && shape(parts());

let lastHand = -Infinity;
const busy = () => performance.now() - lastHand < HAND_MS && (parts().contains(document.activeElement) || parts().matches(":hover"));
/* Somebody has typed, or is in a field. */
function typing() {
  const field = document.activeElement?.matches("input:not([type=radio]), textarea, select");
  // A list in which the page marks nothing stands on its first line.
  const marked = (f) => Math.max(0, [...f.options].findIndex((o) => o.defaultSelected));
  const changed = (f) => f.tagName === "SELECT" ? f.selectedIndex !== marked(f) : f.value !== f.defaultValue;
  return field || [...document.querySelectorAll("main input:not([type=hidden]):not([type=radio]), main textarea, main select")].some(changed);
}

const idsOf = (el) => [...el.querySelectorAll("[id^=row-], [id^=seat-]")].map((one) => one.id);
let pending = null;
function showPending(count) {
  const button = $("show-new");
  if (!button) return;
  $("new-count").textContent = count;
  button.hidden = count === 0;
}

function swap(fresh) {
  const old = parts(), focus = old.contains(document.activeElement) ? document.activeElement.id : null;
  const current = desk && old.querySelector("[aria-current]")?.id;
  old.replaceWith(fresh);
  pending = null;
  showPending(0);
  if (current) $(current)?.setAttribute("aria-current", "true");
  if (focus) $(focus)?.focus({ preventScroll: true });
  show();
  tick();
}

/* Each call is opened by itself once: whoever goes back to the list stays there. */
const OPENED = "seat:opened", MOST_OPENED = 50;
const opened = () => JSON.parse(sessionStorage.getItem(OPENED) ?? "[]");
function remember(id) { sessionStorage.setItem(OPENED, JSON.stringify([...opened(), id].slice(-MOST_OPENED))); }
function runningOf(el) {
  const all = [...el.querySelectorAll("[data-runs]")].map((row) => ({
    id: row.id.replace(/^(row|seat)-/, ""),
    url: row.dataset.url ?? row.getAttribute("href"),
    text: row.querySelector("b")?.textContent ?? "",
  }));
  return all.filter((one) => one.url && !opened().includes(one.id) && one.url !== location.pathname);
}
function greet(el) {
  const [next] = runningOf(el), line = $("seat-new");
  if (!next) {
    if (line) { line.hidden = true; line.replaceChildren(); delete line.dataset.call; }
    return;
  }
  if ((desk || !$("ticket")) && !typing() && !document.hidden) { remember(next.id); location.href = next.url; return; }
  if (!line || line.dataset.call === next.id) return;
  const link = document.createElement("a"), key = document.createElement("span");
  link.className = "btn btn--primary";
  link.href = next.url;
  link.dataset.key = "u";
  link.addEventListener("click", () => remember(next.id));
  key.className = "kbd";
  key.textContent = "U";
  link.append(`${beside.dataset.new} ${next.text} `, key);
  line.replaceChildren(link);
  line.dataset.call = next.id;
  line.hidden = false;
}

let lastLook = -Infinity;
async function look() {
  const wait = PAUSE_MS - (performance.now() - lastLook);
  if (wait > 0) await new Promise((done) => setTimeout(done, wait));
  lastLook = performance.now();
  const page = new DOMParser().parseFromString(await (await read(from)).text(), "text/html");
  const fresh = page.getElementById(parts().id);
  if (!fresh) return;
  const now = shape(fresh), adopted = document.adoptNode(fresh);
  greet(adopted);
  if (now === known) return;
  known = now;
  const own = idsOf(parts()), more = idsOf(adopted).filter((id) => !own.includes(id));
  if (desk && busy() && more.length) { pending = adopted; showPending(more.length); return; }
  swap(adopted);
}
/* Something has changed: look again, at most every two seconds. */
function lookAgain() { later("seat", look); }

/* How long a call runs, or is over, by the hub's clock. */
const two = (n) => String(n).padStart(2, "0");
function show() {
  if (frozen) return;
  const now = hubNow();
  for (const el of document.querySelectorAll(".callpage [data-since], [data-feed=seat] [data-since]")) {
    const s = Math.max(0, Math.floor((now - Number(el.dataset.since)) / 1000)), h = Math.floor(s / 3600);
    const text = h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
    if (el.textContent !== text) el.textContent = text;
  }
}

if (from && parts()) {
  for (const kind of ["pointermove", "keydown"]) addEventListener(kind, () => { lastHand = performance.now(); }, { passive: true });
  document.addEventListener("hub-change", (event) => { if (event.detail.topic === "case") lookAgain(); });
  $("show-new")?.addEventListener("click", () => { if (pending) swap(pending); });
  $("seat")?.addEventListener("change", () => $("seat-form").requestSubmit());
  setInterval(() => { if (!frozen && !document.hidden) lookAgain(); if (pending && !busy()) swap(pending); }, EVERY_MS);
  greet(parts());
}
if (document.querySelector(".callpage, [data-feed=seat]")) { setInterval(show, 500); show(); }
