// The dispatcher's queue, live. The page is read again when a case changes. Rows that are here change in place; new ones wait
// behind U while a hand is on the list; one that has left says so and stays until the next look that nobody's hand is on.
// What somebody has chosen keeps the position at which he chose it: the hub refuses what has changed since.
import { frozen } from "./clock.js";
import { showDue } from "./due.js";
import { select } from "./keys.js";
import { here, later, read } from "./work.js";

const $ = (id) => document.getElementById(id);
const queue = document.querySelector("[data-feed=queue]");
const say = $("say"), bulk = $("bulk"), pick = $("pick");
const rows = () => [...queue.querySelectorAll(".jk[data-number]")];
const current = () => queue.querySelector(".jk[aria-current]");
const boxes = () => [...queue.querySelectorAll("input[name=case]")];
const chosen = () => boxes().filter((box) => box.checked);

/* What is chosen, and where all of it is suggested to go. */
function showChosen() {
  if (!bulk) return;
  const all = chosen(), units = new Map();
  for (const box of all) {
    const unit = box.closest("tr").querySelector("[data-suggested]");
    units.set(unit?.dataset.suggested ?? "", unit?.textContent ?? "");
  }
  $("chosen-count").textContent = all.length;
  bulk.classList.toggle("is-on", all.length > 0);
  for (const row of rows()) row.setAttribute("aria-selected", Boolean(row.querySelector("input[name=case]")?.checked));
  const [unit, name] = [...units][0] ?? [], same = units.size === 1 && unit;
  $("chosen-pick").textContent = all.length === 0 ? "" : same ? `${queue.dataset.same} ${name}` : queue.dataset.differ;
  const suggested = $("bulk-suggested");
  if (suggested) { suggested.hidden = !same || all.length === 0; suggested.dataset.unit = same ? unit : ""; }
}

/* The case under the hand beside the list. Until it is there, nothing of another one can be sent. */
let wanted = null;
async function showPick(row) {
  const address = row?.dataset.pick;
  if (!address || pick.querySelector("[data-of]")?.dataset.of === row.dataset.number) { pick.inert = false; return; }
  wanted = row.dataset.number;
  pick.inert = true;
  const page = new DOMParser().parseFromString(await (await read(address.split("#")[0])).text(), "text/html");
  if (wanted !== row.dataset.number) return;
  const fresh = page.getElementById("pick");
  if (fresh) pick.replaceChildren(...fresh.childNodes);
  pick.inert = false;
}
let waiting = 0;
function follow() {
  const row = current();
  for (const other of rows()) other.classList.toggle("is-current", other === row);
  clearTimeout(waiting);
  if (row) waiting = setTimeout(() => showPick(row).catch(() => { pick.inert = false; }), 150);
}

/* Reading again. */
let lastPointer = -Infinity, lastHand = -Infinity, lastLook = -Infinity, asked = false;
const since = (moment) => performance.now() - moment;
const hand = () => chosen().length > 0 || rows().some(typed) || since(lastHand) < 60_000 && (current() || queue.contains(document.activeElement)) || queue.matches(":hover") && since(lastPointer) < 4_000;
const texts = (row) => [...row.querySelectorAll("input:not([type=hidden]):not([type=checkbox])")];
const typed = (row) => texts(row).some((field) => field.value !== field.defaultValue) || row.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox])");
const shape = (row) => { const bare = row.cloneNode(true); for (const el of bare.querySelectorAll("[data-left]")) el.textContent = ""; bare.removeAttribute("aria-current"); bare.removeAttribute("aria-selected"); bare.classList.remove("is-current"); return bare.outerHTML; };
const shapes = new WeakMap();

function note(row, words) {
  let line = row.querySelector(".queue__note");
  if (!line) {
    line = document.createElement("small");
    line.className = "queue__note";
    (row.querySelector(".queue__what") ?? row.querySelector(".panel__head") ?? row).append(line);
  }
  line.textContent = words;
}

function gone(row) {
  if (row.classList.contains("is-gone")) {
    if (row === current() || row.contains(document.activeElement) || row.querySelector("input:checked")) return;
    row.remove();
    return;
  }
  row.classList.add("is-gone");
  note(row, queue.dataset.gone);
  if (row === current()) say.textContent = queue.dataset.gone;
}

function swap(old, fresh) {
  const box = old.querySelector("input[name=case]");
  if (box?.checked || typed(old)) { note(old, queue.dataset.moved); return; }
  const focus = old.contains(document.activeElement), was = old.hasAttribute("aria-current");
  shapes.set(fresh, shape(fresh));
  old.replaceWith(fresh);
  if (was) { fresh.setAttribute("aria-current", "true"); fresh.classList.add("is-current"); }
  if (focus) fresh.focus({ preventScroll: true });
}

/* The list as the hub has it, with what was chosen, typed and under the hand. */
function whole(page) {
  const kept = new Map(chosen().map((box) => [box.closest(".jk").id, box.value]));
  const words = rows().filter(typed).map((row) => [row.id, texts(row).map((field) => field.value)]), row = current()?.id, scroll = scrollY;
  const old = queue.querySelector(".queue__list"), fresh = page.querySelector(".queue__list");
  const filter = $("queue-filter")?.open;
  old.replaceWith(fresh);
  if (filter) $("queue-filter").open = true;
  for (const [id, value] of kept) {
    const box = $(id)?.querySelector("input[name=case]");
    if (box) { box.checked = true; box.value = value; }
  }
  for (const el of rows()) { el.removeAttribute("aria-current"); shapes.set(el, shape(el)); }
  for (const [id, values] of words) if ($(id)) texts($(id)).forEach((field, at) => { field.value = values[at] ?? field.value; });
  const again = row && $(row);
  if (again) { again.setAttribute("aria-current", "true"); again.focus({ preventScroll: true }); }
  wire();
  scrollTo({ top: scroll, behavior: "instant" });
}

function take(page) {
  const parts = page.getElementById("queue-parts");
  if (parts && parts.innerHTML !== $("queue-parts").innerHTML) $("queue-parts").innerHTML = parts.innerHTML;
  const fresh = [...page.querySelectorAll(".jk[data-number]")], known = new Map(rows().map((row) => [row.id, row]));
  const news = fresh.filter((row) => !known.has(row.id));
  const order = fresh.map((row) => row.id).join(" ");
  if (asked || !hand() && (news.length > 0 || order !== rows().map((row) => row.id).join(" "))) {
    asked = false;
    whole(page);
    return;
  }
  for (const row of fresh) {
    const old = known.get(row.id);
    if (!old || shapes.get(old) === shape(row)) continue;
    swap(old, row);
  }
  for (const [id, row] of known) if (!fresh.some((one) => one.id === id)) gone(row);
  $("new-count").textContent = news.length;
  $("show-new").hidden = news.length === 0;
}

async function look() {
  const wait = 1_000 - since(lastLook);
  if (wait > 0) await new Promise((done) => setTimeout(done, wait));
  lastLook = performance.now();
  try {
    const page = new DOMParser().parseFromString(await (await read(here)).text(), "text/html");
    $("queue-failed").hidden = true;
    take(page);
  } catch (error) {
    if ($("queue-failed").hidden) $("queue-failed-at").textContent = $("clock")?.textContent ?? "";
    $("queue-failed").hidden = false;
    throw error;
  }
  showChosen();
  showDue(queue);
}

/* What belongs to the list, which may be another one after a look. */
function wire() {
  const all = $("queue-all");
  if (all && bulk) {
    all.hidden = false;
    all.checked = boxes().length > 0 && chosen().length === boxes().length;
    all.addEventListener("change", () => { for (const box of boxes()) box.checked = all.checked; showChosen(); });
  }
  $("show-new")?.addEventListener("click", () => { asked = true; later("queue", look); });
}

/* Shift D is another key than D, and both depend on what is chosen: before the keys of every page. */
addEventListener("keydown", (event) => {
  if (frozen || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $("keys").open) return;
  if (event.target.matches?.("input:not([type=radio]):not([type=checkbox]), textarea, select") || event.key.toLowerCase() !== "d") return;
  const many = chosen().length > 0;
  let button = many ? $("bulk-dispatch") : $("pick-go");
  if (event.shiftKey) {
    const suggested = $("bulk-suggested");
    if (many) button = suggested?.hidden ? null : suggested;
    else {
      const first = pick.querySelector("input[data-key='1']");
      if (first) { first.checked = true; $("pick-lead").value = ""; } else button = null;
    }
  }
  const row = current();
  if (!many && (!row || pick.inert || pick.querySelector("[data-of]")?.dataset.of !== row.dataset.number)) return;
  if (!button) { event.preventDefault(); say.textContent = queue.dataset.differ; return; }
  event.preventDefault();
  event.stopImmediatePropagation();
  button.click();
}, true);

if (queue) {
  addEventListener("pointermove", () => { lastPointer = lastHand = performance.now(); }, { passive: true });
  addEventListener("keydown", () => { lastHand = performance.now(); });
  queue.addEventListener("change", (event) => {
    if (event.target.name === "case") showChosen();
    // One of the two is meant.
    if (event.target.id === "pick-lead" && event.target.value) for (const card of pick.querySelectorAll("input[type=radio]")) card.checked = false;
  });
  queue.addEventListener("input", (event) => {
    if (event.target.matches("#pick input[type=radio]")) $("pick-lead").value = "";
  });
  bulk?.addEventListener("reset", () => setTimeout(() => { for (const box of boxes()) box.checked = false; showChosen(); }));
  $("bulk-suggested")?.addEventListener("click", () => { $("bulk-lead").value = $("bulk-suggested").dataset.unit; $("bulk-dispatch").click(); });
  bulk?.addEventListener("submit", (event) => {
    if (event.submitter?.value === "void" && !confirm(bulk.dataset.confirm)) event.preventDefault();
  });
  // Keys and clicks move the mark from row to row.
  new MutationObserver(follow).observe(queue, { subtree: true, attributes: true, attributeFilter: ["aria-current"] });
  document.addEventListener("hub-change", (event) => { if (event.detail.topic === "case") later("queue", look); });
  setInterval(() => { if (!frozen && !document.hidden) later("queue", look); }, 60_000);
  setInterval(() => showDue(queue), 1_000);
  for (const row of rows()) shapes.set(row, shape(row));
  wire();
  showChosen();
  showDue(queue);
  if (current()) select(current());
}
