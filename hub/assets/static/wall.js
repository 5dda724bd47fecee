// The alert wall, live. The page is read again when a case changes, and only what differs is put in place, so that focus,
// selection, scroll and typed text stay. A new card that would move what somebody has in hand waits behind U; an emergency
// that nobody has does not wait.
import { ageText, frozen, hubNow, tick } from "./clock.js";
import { select } from "./keys.js";
import { ring } from "./wall-sound.js";
import { here, isLogin, later, read, toLogin } from "./work.js";

const $ = (id) => document.getElementById(id);
/** The wall, where this page is one. */
export const wall = document.querySelector("[data-feed=wall]");
const list = $("alerts"), say = $("say"), alarm = $("alarm");
const title = document.title, loaded = Number(document.body.dataset.now);
const zh = document.documentElement.lang.startsWith("zh");

/* The hub's text of a part, without what ticks here or is numbered here: what tells whether it changed. */
const shapes = new WeakMap();
function learn(el) {
  const bare = el.cloneNode(true);
  for (const one of bare.querySelectorAll("[data-since], [data-until], [data-left], .k")) one.textContent = "";
  for (const one of bare.querySelectorAll("progress")) one.removeAttribute("value");
  for (const one of bare.querySelectorAll(".k")) { delete one.dataset.key; one.removeAttribute("aria-label"); }
  shapes.set(el, bare.outerHTML);
  return el;
}
const same = (one, other) => shapes.get(one) === shapes.get(other);

/* What a hand is on: a card with the focus, under the pointer, or selected a moment ago. */
const begun = performance.now();
let lastPointer = -Infinity, lastHand = -Infinity;
const since = (moment) => performance.now() - moment;
function hand() {
  if (since(lastHand) > 60_000) return null;
  const hovered = since(lastPointer) < 4_000 ? list.querySelector(":scope > .alert:hover") : null;
  return document.activeElement?.closest?.("#alerts > .alert") ?? hovered ?? list.querySelector(":scope > .alert[aria-current]");
}
function typedIn(el) {
  const changed = (f) => f.matches("select") ? [...f.options].some((o) => o.selected !== o.defaultSelected) : f.value !== f.defaultValue;
  return [...el.querySelectorAll("input:not([type=hidden]), textarea, select")].some(changed) || el.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
}

/* One part takes the place of another: focus and selection go on in it, what is open stays open, a picture is not fetched
   (and registered as seen) once more. */
function swap(old, fresh) {
  const focus = old.contains(document.activeElement) ? document.activeElement.id : null;
  const current = old.matches("[aria-current]") ? old.id : old.querySelector("[aria-current]")?.id;
  for (const open of old.querySelectorAll("details[open][id]")) fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  // A picture that is held open goes on.
  for (const view of old.querySelectorAll("[data-live-view][open] .liveview")) fresh.querySelector(`#${CSS.escape(view.id)}`)?.replaceWith(view);
  const shown = old.querySelector(".thumb img"), next = fresh.querySelector(".thumb img");
  if (shown && next?.getAttribute("src") === shown.getAttribute("src")) next.replaceWith(shown);
  old.replaceWith(fresh);
  if (current) $(current)?.setAttribute("aria-current", "true");
  if (focus) $(focus)?.focus({ preventScroll: true });
}

// Left alone because somebody was typing in it: tried again when they have left it.
let skipped = false;
// Somebody wants to see what waits, wherever his hand is.
let asked = false;
const pending = new Map();
const announced = new Set();

function announce(card) {
  if (Number(card.dataset.opened) < loaded || announced.has(card.id)) return;
  announced.add(card.id);
  const words = `${card.querySelector(".sev").textContent} ${card.querySelector(".crow__open").textContent}`;
  (card.dataset.rank === "0" ? alarm : say).textContent = say.dataset.new + words;
}

function note(card, text) {
  let line = card.querySelector(".alert__failed");
  if (!line) {
    line = document.createElement("p");
    line.className = "alert__failed sev p1";
    card.append(line);
  }
  line.textContent = text;
}

/* Somebody has it, or it was nothing. */
function leave(card) {
  if (typedIn(card)) {
    skipped = true;
    if (card.classList.contains("is-gone")) return;
    card.classList.add("is-gone");
    card.classList.remove("pulse");
    note(card, wall.dataset.taken);
    return;
  }
  if (card.contains(document.activeElement) || card.hasAttribute("aria-current")) {
    const next = card.nextElementSibling ?? card.previousElementSibling;
    if (next) select(next);
    say.textContent = say.dataset.moved;
  }
  card.remove();
}

/* Puts cards in this order; only what is out of place is moved. */
function arrange(cards) {
  const focus = document.activeElement?.id;
  let at = list.firstElementChild;
  for (const el of cards) {
    if (el === at) at = at.nextElementSibling; else list.insertBefore(el, at);
  }
  if (focus && document.activeElement?.id !== focus) $(focus)?.focus({ preventScroll: true });
}

function takeCards(fresh) {
  const held = asked ? null : hand();
  asked = false;
  const order = fresh.map((card) => card.id);
  const place = held ? order.indexOf(held.id) : -1;
  for (const old of [...list.children]) if (!order.includes(old.id)) leave(old);
  pending.clear();
  const before = [], after = [];
  for (const [at, card] of fresh.entries()) {
    const old = $(card.id);
    if (!old) {
      announce(card);
      if (at < place && card.dataset.rank !== "0") { pending.set(card.id, card); continue; }
    } else if (same(old, card)) {
      // Nothing to do.
    } else if (typedIn(old)) {
      skipped = true;
    } else {
      swap(old, card);
    }
    const mine = old?.isConnected ? old : card;
    // One that was below and is worse now passes what is in hand only when it is an emergency.
    const passes = at < place && old && card.dataset.rank !== "0" && held.isConnected && held.compareDocumentPosition(mine) & Node.DOCUMENT_POSITION_FOLLOWING;
    (passes ? after : before).push(mine);
  }
  const cut = held ? before.indexOf($(held.id)) + 1 : 0;
  arrange([...before.slice(0, cut), ...after, ...before.slice(cut)]);
  const button = $("show-new");
  $("new-count").textContent = pending.size;
  button.hidden = pending.size === 0;
}

/* Digits follow the order on this screen. */
function number() {
  for (const k of list.querySelectorAll(":scope > .is-gone .k")) { k.hidden = true; delete k.dataset.key; }
  [...list.querySelectorAll(":scope > .alert:not(.is-gone) .k")].forEach((k, at) => {
    k.hidden = at > 8;
    k.textContent = at + 1;
    if (at > 8) delete k.dataset.key; else k.dataset.key = at + 1;
  });
}

function takeParts(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = wall.querySelector(`[data-live="${fresh.dataset.live}"]`);
    learn(fresh);
    if (old && !same(old, fresh)) swap(old, fresh);
  }
}

/* The wall read again, at most once a second: in a flood of alerts the hub has better things to do. */
const PAUSE_MS = 1_000;
let lastLook = -Infinity, lastGood = $("clock")?.textContent ?? "";
function failed(is) {
  if (is) $("wall-failed-at").textContent = lastGood; else lastGood = $("clock")?.textContent ?? "";
  $("wall-failed").hidden = !is;
}
async function look() {
  const wait = PAUSE_MS - since(lastLook);
  if (wait > 0) await new Promise((done) => setTimeout(done, wait));
  lastLook = performance.now();
  let page;
  try { page = new DOMParser().parseFromString(await (await read(here)).text(), "text/html"); } catch (error) { failed(true); throw error; }
  failed(false);
  skipped = false;
  const scroll = scrollY;
  takeParts(page);
  takeCards([...page.querySelectorAll("#alerts > .alert")].map(learn));
  number();
  scrollTo({ top: scroll, behavior: "instant" });
  show();
  tick();
}
/** Something changed: look again. */
export function lookAgain() { later("wall", look); }

/* Ages and times left, by the hub's clock; sound while an emergency is nobody's. */
const two = (n) => String(n).padStart(2, "0");
function waited(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), h = Math.floor(s / 3600);
  if (s >= 86_400) return ageText(ms);
  return h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}
function show() {
  const rings = list.querySelectorAll(":scope > .alert[data-rings]:not(.is-gone)").length;
  ring(!frozen && rings > 0);
  const count = $("n-alerts")?.textContent ?? "0";
  const words = count === "0" ? title : `(${count}) ${title}`;
  if (document.title !== words) document.title = words;
  if (frozen) return;
  const now = hubNow();
  const set = (el, text) => { if (el.textContent !== text) el.textContent = text; };
  for (const el of wall.querySelectorAll("[data-since]")) set(el, waited(now - Number(el.dataset.since)));
  for (const el of wall.querySelectorAll("[data-until]")) set(el, ageText(Number(el.dataset.until) - now));
  for (const el of wall.querySelectorAll("progress[data-end]")) el.value = el.max - Math.max(0, Number(el.dataset.end) - now);
  for (const el of wall.querySelectorAll("[data-left]")) {
    const left = Number(el.dataset.left) - now, clock = el.closest(".clock");
    set(el, ageText(Math.abs(left)));
    const over = left <= 0;
    if (clock.classList.contains("clock--over") !== over) {
      clock.classList.toggle("clock--over", over);
      clock.classList.remove("clock--soon");
      set(clock.querySelector("small"), over ? (zh ? "超" : "over") : (zh ? "余" : "left"));
    }
  }
}

/* A form of a card, sent without leaving the page. What did not succeed is said where it was pressed. */
async function send(form) {
  const card = form.closest(".alert"), button = form.querySelector("button");
  const body = new URLSearchParams(new FormData(form)), words = document.body.dataset;
  button.disabled = true;
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", credentials: "same-origin", headers: { "hx-request": "true" }, body });
    if (isLogin(answer)) { toLogin(); return; }
    if (answer.status === 204) {
      form.reset();
      const more = form.closest("details");
      if (more) { more.open = false; more.querySelector("summary").focus({ preventScroll: true }); }
      card.querySelector(".alert__failed")?.remove();
      lookAgain();
      return;
    }
    const plain = answer.headers.get("content-type")?.startsWith("text/plain");
    note(card, plain ? await answer.text() : words.ackFailed);
    alarm.textContent = card.querySelector(".alert__failed").textContent;
    lookAgain();
  } catch {
    note(card, words.ackOffline);
    alarm.textContent = words.ackOffline;
  } finally {
    button.disabled = false;
  }
}

/* A camera's picture of now, while its part is open: the box is asked again and again, the hub sees to how often. A part
   that the page has put anew goes on in its place. */
const LIVE_MS = 2_000;
const watched = new Set();
/* Nobody has touched anything for so long: nobody looks, and the box has other things to do. */
const WATCH_MS = 300_000;
/* A hub that fails is asked more and more slowly. */
const MOST_PAUSE_MS = 60_000;
async function watch(id) {
  if (watched.has(id)) return;
  watched.add(id);
  let pause = LIVE_MS;
  for (let more = $(id); more?.open; more = $(id)) {
    // By the hand, not by when it was opened: of a card that the page puts anew the part opens by itself.
    if (since(Math.max(lastHand, begun)) > WATCH_MS) { instead(more, more.dataset.rests); break; }
    if (!document.hidden && !frozen) {
      const came = await glance(more);
      if (came === "refused") break;
      pause = came === "failed" ? Math.min(pause * 2, MOST_PAUSE_MS) : LIVE_MS;
    }
    await new Promise((done) => setTimeout(done, pause));
  }
  watched.delete(id);
}
/* In the place of the picture. */
function instead(more, words) {
  more.querySelector(".liveview").replaceChildren(Object.assign(document.createElement("p"), { className: "sev p2", role: "alert", textContent: words }));
}
/* One question, and what came of it: what failed may be answered otherwise later, what was refused may not. A picture that is
   here already is not fetched, and registered as seen, once more. */
async function glance(more) {
  const form = more.querySelector("form"), id = more.querySelector(".liveview").id;
  const put = (...parts) => $(id)?.replaceChildren(...parts);
  // The card may be another element by now.
  const tell = (words) => { if ($(more.id)) instead($(more.id), words); };
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", credentials: "same-origin", headers: { "hx-request": "true" }, body: new URLSearchParams(new FormData(form)) });
    if (isLogin(answer)) { toLogin(); return "refused"; }
    const text = await answer.text();
    if (!answer.ok) {
      tell(answer.headers.get("content-type")?.startsWith("text/plain") ? text : more.dataset.failed);
      // What is the hub's fault passes; what is refused stays so.
      return answer.status >= 500 || answer.status === 429 ? "failed" : "refused";
    }
    const page = new DOMParser().parseFromString(text, "text/html");
    const next = page.querySelector("img"), shown = $(id)?.querySelector("img");
    if (shown && next?.getAttribute("src") === shown.getAttribute("src")) next.replaceWith(shown);
    put(...page.body.childNodes);
    return "shown";
  } catch {
    tell(more.dataset.failed);
    return "failed";
  }
}

if (wall) {
  addEventListener("pointermove", () => { lastPointer = lastHand = performance.now(); }, { passive: true });
  for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => { lastHand = performance.now(); });
  for (const el of wall.querySelectorAll("[data-live], #alerts > .alert")) learn(el);
  list.addEventListener("submit", (event) => {
    event.preventDefault();
    const live = event.target.closest("[data-live-view]");
    if (live) glance(live); else send(event.target);
  });
  list.addEventListener("toggle", (event) => { if (event.target.matches("[data-live-view]") && event.target.open) watch(event.target.id); }, true);
  list.addEventListener("click", (event) => {
    const digit = event.target.closest(".k");
    if (digit) { event.preventDefault(); select(digit.closest(".alert")); }
  });
  // Opened by a key or a click on it: on to its first field.
  list.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.contains(document.activeElement)) event.target.querySelector("select, input:not([type=hidden])")?.focus();
  }, true);
  addEventListener("focusout", () => { if (skipped) lookAgain(); });
  $("show-new").addEventListener("click", () => { asked = true; lookAgain(); });
  setInterval(() => { if (pending.size && !hand()) lookAgain(); }, 5_000);
  // What only time changes on the hub (limits, the load, what comes back from the shelf) wakes nobody.
  setInterval(() => { if (!frozen && !document.hidden) lookAgain(); }, 30_000);
  setInterval(show, 500);
  show();
}
