// The list of cases: rows by number. New ones wait behind U when a hand is on the list, so that nothing moves under it.
import { tick } from "./clock.js";
import { select } from "./keys.js";
import { isLogin, later, read, toLogin } from "./work.js";

const $ = (id) => document.getElementById(id);
const list = document.querySelector("[data-feed=cases]");
const say = $("say"), alarm = $("alarm");
const title = document.title;
const loaded = Number(document.body.dataset.now);
const announced = new Set();

/* A hand is on the list: over it, or busy in it, or further down the page. */
const pending = new Map();
let lastPointer = -Infinity, lastHand = -Infinity;
addEventListener("pointermove", () => { lastPointer = lastHand = performance.now(); }, { passive: true });
addEventListener("keydown", () => { lastHand = performance.now(); });
const since = (moment) => performance.now() - moment;
const handOn = () => scrollY > 80 || list.matches(":hover") && since(lastPointer) < 4_000 || list.contains(document.activeElement) && since(lastHand) < 60_000;
function showPending() {
  const button = $("show-new");
  $("new-count").textContent = pending.size;
  button.hidden = pending.size === 0;
  button.classList.toggle("btn--alarm", [...pending.values()].includes(1));
}
function takePending() {
  for (const number of pending.keys()) refresh(number, true);
  pending.clear();
  showPending();
}

/* The numbers are the hub's: rows of other pages count too, up to so many. */
const mostCounted = 1000;
const shown = (count) => count < mostCounted ? `${count}` : `${count}+`;
function showCounts(counts) {
  for (const [name, count] of Object.entries(counts)) {
    $(`n-${name}`).textContent = shown(count);
    const empty = $(`empty-${name}`);
    if (empty) empty.hidden = count > 0;
  }
  $("s-ended").hidden = $("ended").children.length === 0;
  document.title = counts.waiting > 0 ? `(${shown(counts.waiting)}) ${title}` : title;
  moveUp(counts.waiting);
}

/* This page is worked off and others wait on the next one: those move up. Once until one is shown: a hub that counts what it does
   not show would have the page load itself at every change. */
const MOVED = "list-moved-up";
const isEmpty = () => $("waiting").children.length === 0;
function moveUp(waiting) {
  if (waiting === 0 || !isEmpty()) { sessionStorage.removeItem(MOVED); return; }
  if (pending.size > 0 || $("s-waiting").hidden || sessionStorage.getItem(MOVED) === location.href) return;
  sessionStorage.setItem(MOVED, location.href);
  location.reload();
}
async function refreshCounts() {
  showCounts(await (await read(`/cases/counts${location.search}`)).json());
}

const rank = (row) => Number(row.className.match(/\bp([1-4])\b/)?.[1] ?? 4);

/* Waiting ones by severity, then oldest first; the others newest first. */
function before(row, other) {
  const [mine, its] = [row, other].map((el) => Number(el.dataset.opened));
  if (row.dataset.list !== "waiting") return mine > its;
  return rank(row) < rank(other) || rank(row) === rank(other) && mine < its;
}
const nextOf = (row) => [...$(row.dataset.list).children].find((el) => el !== row && before(row, el));
/* It belongs on a later page of this list. */
const beyond = (row) => $(row.dataset.list).dataset.more !== undefined && !nextOf(row);
const place = (row) => $(row.dataset.list).insertBefore(row, nextOf(row) ?? null);

/* Said once per case: a list that is read out whenever an age ticks is never silent. */
function announce(row) {
  if (row.dataset.list !== "waiting" || Number(row.dataset.opened) < loaded || announced.has(row.id)) return;
  announced.add(row.id);
  const words = `${row.querySelector(".sev").textContent} ${row.querySelector(".crow__open").textContent}`;
  (rank(row) === 1 ? alarm : say).textContent = say.dataset.new + words;
}

function leave(row) {
  if (row.contains(document.activeElement) || row.hasAttribute("aria-current")) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    if (next) { select(next); say.textContent = say.dataset.moved; }
  }
  row.remove();
}

async function refreshRow(number, asked) {
  const answer = await read(`/cases/${encodeURIComponent(number)}/row${location.search}`, true);
  const old = $(`case-${number}`);
  if (!answer) { // left this list's filter, or never belonged to it
    if (old) leave(old);
    if (pending.delete(number)) showPending();
    return;
  }
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const row = holder.content.querySelector("li");
  if (!old && beyond(row)) return;
  if (!old && !asked) {
    announce(row);
    if (handOn()) { pending.set(number, rank(row)); showPending(); return; }
  }
  if (old && old.dataset.list === row.dataset.list && rank(old) === rank(row)) {
    const focused = old.contains(document.activeElement);
    if (old.hasAttribute("aria-current")) row.setAttribute("aria-current", "true");
    old.replaceWith(row);
    if (focused) row.focus({ preventScroll: true });
  } else {
    if (old) leave(old);
    if (!beyond(row)) place(row);
  }
  window.htmx?.process(row);
  tick();
}

/** Looks at a case again, and at the numbers once all such looks are done. */
export function refresh(number, asked = false) {
  later(`case-${number}`, () => refreshRow(number, asked));
  later("counts", refreshCounts);
}

if (list) {
  if (!isEmpty()) sessionStorage.removeItem(MOVED);
  $("show-new").addEventListener("click", takePending);
  setInterval(() => { if (pending.size && !handOn()) takePending(); }, 5_000);
  const waiting = $("n-waiting").textContent;
  if (waiting !== "0") document.title = `(${waiting}) ${title}`;
}

/* An acknowledgement that did not succeed is said where it was pressed. The row may have been replaced meanwhile. */
const numberOf = (event) => event.detail.ctx?.request?.action?.match(/\/cases\/([^/]+)\/acknowledge/)?.[1];
function notAcknowledged(number, text) {
  const row = number && $(`case-${number}`);
  if (!row) return;
  let note = row.querySelector(".crow__failed");
  if (!note) {
    note = document.createElement("p");
    note.className = "crow__failed sev p1";
    row.append(note);
  }
  note.textContent = text;
  alarm.textContent = text;
}
addEventListener("htmx:after:request", (event) => {
  const number = numberOf(event), answer = event.detail.ctx.response;
  if (isLogin(answer.raw)) toLogin();
  else if (answer.status !== 204) notAcknowledged(number, document.body.dataset.ackFailed);
  // The feed will tell it too; the hand that pressed sees it at once.
  else if (number) refresh(number, true);
});
addEventListener("htmx:error", (event) => notAcknowledged(numberOf(event), document.body.dataset.ackOffline));
