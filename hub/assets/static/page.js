// Keys, ticking ages and live updates of one page. No build step, no dependencies.
import { follow } from "./live.js";
import { suggest } from "./ticket.js";

const $ = (id) => document.getElementById(id);
const zh = document.documentElement.lang.startsWith("zh");
const body = document.body;
// Without a position the page shows no data (errors): it follows nothing and asks nothing again.
const follows = body.dataset.position !== undefined;
// Where this page is read again: after a refused form the address in the browser takes no GET.
const here = document.querySelector("main")?.dataset.self ?? location.pathname + location.search;
const toLogin = () => { location.href = `/login?expired=1&next=${encodeURIComponent(here)}`; };
const isLogin = (answer) => answer.redirected && new URL(answer.url).pathname === "/login";

/* Time: the hub's clock, never the PC's. page age counts by performance.now(), each heartbeat corrects it. */
let offset = Number(body.dataset.now) - performance.now();
let frozen = false;
const hubNow = () => offset + performance.now();

function ageText(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(s / 3600), d = Math.floor(s / 86400);
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return zh ? `${s} 秒` : `${s} s`;
  if (s < 3600) return zh ? `${m} 分 ${two(s % 60)} 秒` : `${m} m ${two(s % 60)} s`;
  if (s < 86400) return zh ? `${h} 小时 ${two(m % 60)} 分` : `${h} h ${two(m % 60)} m`;
  return zh ? `${d} 天 ${h % 24} 小时` : `${d} d ${h % 24} h`;
}

// The clock of the page runs in the hub's zone: take it from the first rendering, move it by seconds.
const clock = $("clock");
const [ch, cm, cs] = (clock?.textContent.match(/(\d\d):(\d\d):(\d\d)/) ?? []).slice(1).map(Number);
const clockBase = ch * 3600 + cm * 60 + cs - Math.floor(Number(body.dataset.now) / 1000);
function clockText(ms) {
  const s = ((clockBase + Math.floor(ms / 1000)) % 86400 + 86400) % 86400;
  return [s / 3600, (s / 60) % 60, s % 60].map((n) => String(Math.floor(n)).padStart(2, "0")).join(":");
}
function tick() {
  if (frozen) return;
  const now = hubNow();
  if (clock && !Number.isNaN(clockBase)) clock.textContent = clockText(now);
  for (const el of document.querySelectorAll("[data-age]")) {
    const text = ageText(now - Number(el.dataset.age));
    if (el.textContent !== text) el.textContent = text;
  }
}
setInterval(tick, 500);

/* Live feed: late over 5 s says so, lost over 10 s stops the screen and names the fallback. */
const live = $("live"), liveWord = $("live-word"), stale = $("stale");
let lastHeard = performance.now(), lastHubMs = Number(body.dataset.now), connected = false;
function heard(hubMs) {
  lastHeard = performance.now();
  connected = true;
  if (hubMs) { offset = hubMs - lastHeard; lastHubMs = hubMs; }
  judge();
}
function judge() {
  const late = performance.now() - lastHeard;
  const lost = late > 10_000;
  live.classList.toggle("live--wait", !connected && late <= 5_000);
  live.classList.toggle("live--stale", late > 5_000);
  liveWord.textContent = late > 5_000 ? live.dataset.late : connected ? live.dataset.on : live.dataset.off;
  if (lost !== frozen) {
    frozen = lost;
    body.classList.toggle("is-stale", lost);
    stale.hidden = !lost;
    if (lost) $("stale-time").textContent = clockText(lastHubMs);
  }
}
if (follows) setInterval(judge, 1000);

const say = (text) => { $("say").textContent = text; };

/* Swapping: each [data-live] part is replaced only when the hub's text of it changed, so players, focus and
   typed words elsewhere stay as they are. */
const partsOf = (root) => new Map([...root.querySelectorAll("[data-live]")].map((el) => [el.dataset.live, el]));
const lastText = new Map([...partsOf(document)].map(([name, el]) => [name, el.outerHTML]));
function keepFocus(change) {
  const before = document.activeElement;
  const id = before?.id, value = before?.value, start = before?.selectionStart;
  const scroll = window.scrollY;
  change();
  if (id && document.activeElement !== before) {
    const after = $(id);
    if (after) {
      after.focus({ preventScroll: true });
      if (value !== undefined && "value" in after && after.type !== "hidden" && after.value !== value && after.tagName !== "SELECT") after.value = value;
      if (typeof start === "number") { try { after.setSelectionRange(start, start); } catch { /* not a text field */ } }
    }
  }
  window.scrollTo({ top: scroll, behavior: "instant" });
}
function typedIn(el) {
  return [...el.querySelectorAll("input:not([type=hidden]), textarea")].some((f) => f.value !== f.defaultValue) || el.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
}
// A part left alone because somebody was typing in it is tried again when they have left it.
let skipped = false;
addEventListener("focusout", () => { if (skipped) later("page", refreshPage); });
class Refused extends Error {
  constructor(text, status) { super(text); this.forGood = status >= 400 && status < 500; }
}
async function refreshPage() {
  const answer = await fetch(here, { headers: { "X-Live": "1" }, credentials: "same-origin" });
  if (isLogin(answer)) { toLogin(); return; }
  if (!answer.ok) throw new Refused(`page ${answer.status}`, answer.status);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = partsOf(page), mine = partsOf(document);
  skipped = false;
  keepFocus(() => {
    for (const [name, el] of fresh) {
      const text = el.outerHTML, old = mine.get(name);
      if (!old || lastText.get(name) === text) continue;
      if (typedIn(old)) { skipped = true; continue; }
      lastText.set(name, text);
      old.replaceWith(document.adoptNode(el));
    }
    for (const [name, old] of mine) {
      if (fresh.has(name)) continue;
      if (typedIn(old)) { skipped = true; continue; }
      lastText.delete(name);
      old.remove();
    }
  });
  suggest(page);
  // A ticket filed elsewhere, a form that became a fact: a new part means a new shape of the page.
  if ([...fresh.keys()].some((name) => !mine.has(name))) {
    if (typedIn(document.body)) skipped = true; else location.replace(here);
  }
  watchClips();
  tick();
}

/* The list of cases: rows by number; new ones wait behind U when a hand is on the list. */
const list = document.querySelector("[data-feed=cases]");
const pending = new Set();
const handOn = () => list.matches(":hover") && lastPointer > performance.now() - 4000 || list.contains(document.activeElement) || window.scrollY > 80;
let lastPointer = -Infinity;
addEventListener("pointermove", () => { lastPointer = performance.now(); }, { passive: true });
function showPending() {
  const button = $("show-new");
  $("new-count").textContent = pending.size;
  button.hidden = pending.size === 0;
}
function counts() {
  for (const name of ["waiting", "inhand", "ended"]) {
    const rows = $(name).children.length + Number($(`n-${name}`).dataset.elsewhere ?? 0);
    $(`n-${name}`).textContent = rows;
    const empty = $(`empty-${name}`);
    if (empty) empty.hidden = rows > 0;
  }
  $("s-ended").hidden = $("ended").children.length === 0;
}
function place(row) {
  // Waiting ones by severity, then oldest first; the others newest first.
  const target = $(row.dataset.list), opened = Number(row.dataset.opened);
  const rank = (el) => Number(el.className.match(/\bp([1-4])\b/)?.[1] ?? 4);
  const before = (el) => row.dataset.list === "waiting"
    ? rank(row) < rank(el) || rank(row) === rank(el) && opened < Number(el.dataset.opened)
    : opened > Number(el.dataset.opened);
  const next = [...target.children].find((el) => el !== row && before(el));
  target.insertBefore(row, next ?? null);
}
async function refreshRow(number, mayInsert) {
  const old = $(`case-${number}`);
  const query = new URLSearchParams(location.search);
  const answer = await fetch(`/cases/${encodeURIComponent(number)}/row?${query}`, { credentials: "same-origin" });
  if (isLogin(answer)) { toLogin(); return; }
  if (answer.status === 404) { // left this list's filter, or never belonged to it
    if (old) { moveFocusFrom(old); old.remove(); }
    if (pending.delete(number)) showPending();
    counts();
    return;
  }
  if (!answer.ok) throw new Refused(`row ${answer.status}`, answer.status);
  // Only what this list takes waits behind the button.
  if (!old && !mayInsert && handOn()) { pending.add(number); showPending(); return; }
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  const row = holder.content.querySelector("li");
  keepFocus(() => {
    if (old && old.dataset.list === row.dataset.list) {
      row.setAttribute("aria-selected", old.getAttribute("aria-selected") ?? "false");
      const had = old.contains(document.activeElement);
      old.replaceWith(row);
      if (had) row.focus({ preventScroll: true });
    } else {
      if (old) { moveFocusFrom(old); old.remove(); }
      place(row);
    }
  });
  window.htmx?.process(row);
  counts();
  tick();
}
function moveFocusFrom(row) {
  if (!row.contains(document.activeElement) && row.getAttribute("aria-selected") !== "true") return;
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (next) { select(next); say(zh ? "所选案件已不在本列，焦点移到下一条。" : "The selected case has left this list; focus moved to the next."); }
}

/* Work through changes one after another. A failure keeps the change and tries again, more and more slowly; what the
   hub refuses for good (gone, not permitted) is not asked for again until it changes. */
const due = new Map();
let working = false, pause = 1500;
async function work() {
  if (working) return;
  working = true;
  while (due.size) {
    const [key, job] = due.entries().next().value;
    due.delete(key);
    try { await job(); pause = 1500; } catch (error) {
      if (error.forGood) continue;
      if (!due.has(key)) due.set(key, job);
      await new Promise((r) => setTimeout(r, pause));
      pause = Math.min(pause * 2, 60_000);
    }
  }
  working = false;
}
const later = (key, job) => { due.set(key, job); work(); };

const topics = (document.querySelector("[data-topics]")?.dataset.topics ?? "").split(" ").filter(Boolean);
const wanted = (change) => topics.some((t) => t === change.topic || t === `${change.topic}:${change.subject}`);
if (follows) follow(Number(body.dataset.position), {
  heard,
  change(change) {
    if (list && change.topic === "case") later(change.subject, () => refreshRow(change.subject, false));
    else if (!list && wanted(change)) later("page", refreshPage);
  },
  ended: toLogin,
  resync() { if (list) location.reload(); else later("page", refreshPage); },
});

// Counters of boxes tick with every heartbeat and wake nobody: pages that show them look again by themselves.
const every = Number(document.querySelector("[data-every]")?.dataset.every ?? 0);
if (every) setInterval(() => { if (!frozen && !document.hidden) later("page", refreshPage); }, every * 1000);

/* An acknowledgement that did not succeed is said where it was pressed. */
function notAcknowledged(event, text) {
  const row = event.target.closest?.(".crow");
  if (!row) return;
  let note = row.querySelector(".crow__failed");
  if (!note) {
    note = document.createElement("p");
    note.className = "crow__failed sev p1";
    row.append(note);
  }
  note.textContent = text;
  say(text);
}
addEventListener("htmx:after:request", (event) => {
  const answer = event.detail.ctx.response;
  if (isLogin(answer.raw)) toLogin();
  else if (answer.status !== 204) notAcknowledged(event, body.dataset.ackFailed);
  else event.target.closest?.(".crow")?.querySelector(".crow__failed")?.remove();
});
addEventListener("htmx:error", (event) => notAcknowledged(event, body.dataset.ackOffline));

/* Keys. Single letters are off while typing. */
const rows = () => [...document.querySelectorAll(".crow, .jk")];
const selected = () => rows().find((row) => row.getAttribute("aria-selected") === "true");
function select(row) {
  selected()?.setAttribute("aria-selected", "false");
  row.setAttribute("aria-selected", "true");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(selected());
  select(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]);
}
function press(el) {
  if (el.disabled) return;
  if (el.type === "radio") { el.checked = true; el.dispatchEvent(new Event("change", { bubbles: true })); el.focus(); } else el.click();
}
const typing = (el) => el.matches?.("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey) {
    const el = !event.altKey && document.querySelector(`[data-ctrl-key="${event.key}"]`);
    if (el) { event.preventDefault(); press(el); }
    return;
  }
  if (event.altKey || frozen) return;
  if (typing(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
  if ($("keys").open) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const done = () => event.preventDefault();
  if (key === "/") { done(); $("find").focus(); $("find").select(); return; }
  if (key === "?") { done(); help(); return; }
  if (key === "j" || key === "k") { done(); move(key === "j" ? 1 : -1); return; }
  const row = selected();
  if (row && key === "Enter" && !event.target.matches("a, button")) { done(); row.querySelector(".crow__open, a")?.click(); return; }
  const own = row?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);
  const el = own ?? document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (el && !el.hidden) { done(); press(el); return; }
  if (key === "Escape" && document.referrer.startsWith(location.origin)) history.back();
});
function help() {
  const box = $("keylist");
  for (const el of box.querySelectorAll("[data-own]")) el.remove();
  const seen = new Set();
  for (const el of document.querySelectorAll("[data-key], [data-row-key], [data-ctrl-key]")) {
    const key = el.dataset.ctrlKey ? `Ctrl ${el.dataset.ctrlKey}` : (el.dataset.key ?? el.dataset.rowKey);
    if (seen.has(key) || el.hidden || key === "Escape") continue;
    seen.add(key);
    const dt = document.createElement("dt"), dd = document.createElement("dd"), kbd = document.createElement("span");
    kbd.className = "kbd";
    kbd.textContent = key.length === 1 ? key.toUpperCase() : key;
    dt.append(kbd);
    const label = (el.closest("label") ?? el).cloneNode(true);
    label.querySelectorAll(".kbd").forEach((k) => k.remove());
    dd.textContent = label.textContent.trim();
    dt.dataset.own = dd.dataset.own = "";
    box.append(dt, dd);
  }
  $("keys").showModal();
}
$("help")?.addEventListener("click", help);
$("show-new")?.addEventListener("click", () => {
  for (const number of pending) later(number, () => refreshRow(number, true));
  pending.clear();
  showPending();
});

/* Say so when the browser cannot play a clip (H.265 in Debian's Chromium). */
function watchClips() {
  for (const video of document.querySelectorAll("video[data-clip]:not([data-watched])")) {
    video.dataset.watched = "";
    const note = video.parentElement.querySelector("[data-unplayable]");
    const judgeClip = () => { note.hidden = !(video.error || video.readyState > 0 && video.videoWidth === 0); };
    video.addEventListener("error", judgeClip);
    video.addEventListener("loadedmetadata", judgeClip);
    judgeClip();
  }
}
watchClips();
