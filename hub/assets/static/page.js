// Live updates of one page. No build step, no dependencies but htmx for the buttons of the list.
import { frozen, heard, tick, watch } from "./clock.js";
import "./keys.js";
import { refresh } from "./list.js";
import { follow } from "./live.js";
import { forget, suggest } from "./ticket.js";
import "./record.js";
import "./seat.js";
import { lookAgain, wall } from "./wall.js";
import { call, holdReader, say, show } from "./words.js";
import { here, later, read, toLogin } from "./work.js";

const body = document.body;
// Without a position the page shows no data (errors): it follows nothing and asks nothing again.
const follows = body.dataset.position !== undefined;
const list = document.querySelector("[data-feed=cases]");

/* Swapping: each [data-live] part is replaced only when the hub's text of it changed, so players, focus and
   typed words elsewhere stay as they are. */
const partsOf = (root) => new Map([...root.querySelectorAll("[data-live]")].map((el) => [el.dataset.live, el]));
const lastText = new Map([...partsOf(document)].map(([name, el]) => [name, el.outerHTML]));
function keepFocus(change) {
  const before = document.activeElement, id = before?.id, scroll = scrollY;
  change();
  if (id && document.activeElement !== before) document.getElementById(id)?.focus({ preventScroll: true });
  scrollTo({ top: scroll, behavior: "instant" });
}
function touched(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
  return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
}
function typedIn(el) {
  return [...el.querySelectorAll("input:not([type=hidden]), textarea, select")].some(touched) || el.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
}
/* What somebody has opened stays open, though the hub offers it no longer: they are reading it. */
function keepOpen(old, fresh) {
  for (const open of old.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
    if (same) { same.open = true; continue; }
    // A form of a move that is over: nobody has typed in it.
    if (open.dataset.passing !== undefined) continue;
    const kept = fresh.appendChild(open.cloneNode(true));
    kept.querySelector("[data-key]")?.removeAttribute("data-key");
  }
  for (const shut of old.querySelectorAll("details[data-holds]:not([open])")) {
    const same = fresh.querySelector(`#${CSS.escape(shut.id)}`);
    if (same) same.open = false;
  }
}
// A part left alone because somebody was typing in it is tried again when they have left it.
let skipped = false;
addEventListener("focusout", () => { if (skipped) later("page", refreshPage); });

// Pages of many cases look again at most so often, however much happens.
const pauseMs = Number(document.querySelector("[data-pause-ms]")?.dataset.pauseMs ?? 0);
let lastLook = -Infinity;

async function refreshPage() {
  const wait = pauseMs - (performance.now() - lastLook);
  if (wait > 0) await new Promise((done) => setTimeout(done, wait));
  lastLook = performance.now();
  const page = new DOMParser().parseFromString(await (await read(here)).text(), "text/html");
  const fresh = partsOf(page), mine = partsOf(document);
  skipped = false;
  keepFocus(() => {
    for (const [name, el] of fresh) {
      const text = el.outerHTML, old = mine.get(name);
      if (!old || lastText.get(name) === text) continue;
      if (typedIn(old)) {
        skipped = true;
        old.querySelector("[data-moved]")?.removeAttribute("hidden");
        continue;
      }
      lastText.set(name, text);
      const reader = holdReader(old);
      keepOpen(old, el);
      old.replaceWith(document.adoptNode(el));
      show();
      reader(el);
    }
    for (const [name, old] of mine) {
      if (fresh.has(name)) continue;
      if (typedIn(old)) { skipped = true; continue; }
      lastText.delete(name);
      old.remove();
    }
  });
  if (suggest(page)) skipped = true;
  // A ticket filed elsewhere, a form that became a fact: a new part means a new shape of the page.
  if ([...fresh.keys()].some((name) => !mine.has(name))) {
    if (typedIn(document.body)) skipped = true; else location.replace(here);
  }
  watchClips();
  tick();
}

const topics = (document.querySelector("[data-topics]")?.dataset.topics ?? "").split(" ").filter(Boolean);
const wanted = (change) => topics.some((t) => t === change.topic || t === `${change.topic}:${change.subject}`);
if (follows) {
  watch();
  follow(Number(body.dataset.position), {
    heard,
    change(change) {
      // For what else is on the page, such as a map.
      document.dispatchEvent(new CustomEvent("hub-change", { detail: change }));
      if (list && change.topic === "case") refresh(change.subject);
      else if (wall) { if (change.topic === "case") lookAgain(); }
      else if (!list && wanted(change)) later("page", refreshPage);
    },
    words: say,
    ended: toLogin,
    resync() { document.dispatchEvent(new CustomEvent("hub-change", { detail: { topic: "case" } })); if (list) location.reload(); else if (wall) lookAgain(); else later("page", refreshPage); },
  }, call);
}

// Counters of boxes tick with every heartbeat and wake nobody: pages that show them look again by themselves.
const every = Number(document.querySelector("[data-every]")?.dataset.every ?? 0);
if (every) setInterval(() => { if (!frozen && !document.hidden) later("page", refreshPage); }, every * 1000);

// Whoever leaves takes along what was typed about people; whoever is thrown out finds it again.
document.getElementById("logout")?.addEventListener("submit", forget);

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
