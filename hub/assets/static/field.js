// The page for telephones. Its forms work without any of this, while there is a network. With it they become drafts on the
// telephone, which are sent one after another when there is one; what the hub refuses comes back with the reason.
import { withNetwork } from "./field-live.js";
import { metres, position } from "./position.js";

const drafts = self.ShaodianDrafts;
const body = document.body, user = body.dataset.user, lang = body.dataset.lang;
const of = (id) => document.getElementById(id);
const words = Object.fromEntries([...document.querySelectorAll("#words dt")].map((dt) => [dt.textContent, dt.nextElementSibling.textContent]));
/* As in sw.js. */
const KEPT = "field-2";
const MOST_SIDE = 1600, QUALITY = 0.85;
const APART = ["csrf", "form", "move", "act", "back", "position", "attachment", "latitude", "longitude", "accuracy"];
/* What the text of each kind of draft is called. */
const TEXTS = { check: "note", handle_here: "result", pass_up: "reason", hand: "note", say: "text" };
const WITH_PICTURES = ["report", "check", "handle_here"];

function el(tag, more = {}, ...children) {
  const { data = {}, ...rest } = more;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  made.append(...children.filter((child) => child !== null));
  return made;
}
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = b[6] & 15 | 64; b[8] = b[8] & 63 | 128;
  const hex = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
function say(text) { of("said").hidden = text === ""; of("said-text").textContent = text; }

/* One part at a time, by the bar below. */
const tabs = [...document.querySelectorAll("[data-tab]")];
function showTab() {
  const asked = of(location.hash.slice(1))?.closest("[data-tab]")?.dataset.tab;
  const refused = document.querySelector("[data-tab] .banner[role=alert]:not([hidden])")?.closest("[data-tab]")?.dataset.tab;
  const on = asked ?? refused ?? "tasks";
  for (const tab of document.querySelectorAll("[data-tab]")) tab.hidden = tab.dataset.tab !== on;
  for (const link of document.querySelectorAll("[data-to]")) {
    if (link.dataset.to === on) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
}
addEventListener("hashchange", () => { showTab(); scrollTo(0, 0); });

/* Pictures: made smaller by drawing them anew, which leaves out whatever the camera wrote beside them. */
async function smaller(file) {
  let source;
  try { source = await createImageBitmap(file, { imageOrientation: "from-image" }); } catch { throw new Error(`${words["bad-picture"]}${file.name}`); }
  const share = Math.min(1, MOST_SIDE / Math.max(source.width, source.height));
  const canvas = el("canvas", { width: Math.max(1, Math.round(source.width * share)), height: Math.max(1, Math.round(source.height * share)) });
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  source.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob) throw new Error(`${words["bad-picture"]}${file.name}`);
  return { id: uuid(), blob, attachment: null };
}
async function pictures(form, kept) {
  const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
  if (kept.length + files.length > drafts.MOST_PICTURES) throw new Error(words["full-pictures"]);
  const all = [...kept];
  for (const file of files) all.push(await smaller(file));
  return all;
}

/* Drafts. */
const texts = (form) => Object.fromEntries([...new FormData(form)].filter(([name, value]) => typeof value === "string" && !APART.includes(name)));
function placeOf(form) {
  const value = (name) => form.elements[name]?.value ?? "";
  if (value("latitude") === "") return null;
  return { latitude: Number(value("latitude")), longitude: Number(value("longitude")), accuracy: Number(value("accuracy")) || null };
}
/* Where somebody stands who says that he has arrived, if the telephone tells it: he has arrived all the same where it does not, or
   where nobody answers the browser's question. The draft is on the disk before, and is held so long. */
const ARRIVAL_MS = 25_000;
async function arrive(draft) {
  const at = await Promise.race([position(), new Promise((give) => setTimeout(() => give(null), ARRIVAL_MS))]);
  // Deleted or sent meanwhile: that stays.
  await drafts.update({ ...draft, at, held: 0 }).then(() => say(words.saved), () => {});
}
async function draftOf(form, old) {
  const fields = texts(form);
  if (fields.handled && !fields.result.trim()) throw new Error(words["result-missing"]);
  const kind = form.dataset.draft, kept = old?.pictures.filter((picture) => !form.querySelector(`[data-drop="${picture.id}"]:checked`)) ?? [];
  return {
    id: old?.id ?? uuid(), version: uuid(), close: old?.close ?? uuid(), user, kind, fields,
    number: form.dataset.number ?? null,
    title: kind === "report" ? fields.title : form.dataset.title,
    position: kind === "report" ? null : Number(form.elements.position.value),
    at: kind === "report" ? placeOf(form) : old?.at ?? null,
    held: kind === "arrive" && !old?.at && window.isSecureContext ? Date.now() + ARRIVAL_MS : 0,
    pictures: await pictures(form, kept),
    occurred_at: old?.occurred_at ?? Date.now(),
    case: old?.case ?? null,
    status: "waiting", why: null, changed: null, reused: false,
  };
}
async function keep(form) {
  const editing = form.dataset.editing ? await drafts.get(form.dataset.editing) : null;
  if (!editing && (await drafts.all(user)).length >= drafts.MOST_DRAFTS) throw new Error(words["full-drafts"]);
  // One whose first words the hub has already goes under a new key.
  const old = editing?.reused ? { ...editing, id: uuid(), close: uuid() } : editing;
  const draft = await draftOf(form, old);
  try { await drafts.put(draft); } catch (error) { throw new Error(error?.name === "QuotaExceededError" ? words["full-disk"] : words["no-store"]); }
  if (editing && editing.id !== draft.id) await drafts.remove(editing.id);
  if (draft.held) arrive(draft).then(send);
  return draft;
}
function emptied(form) {
  form.reset();
  delete form.dataset.editing;
  form.querySelector("[data-dropped]")?.remove();
  if (form.id === "report-form") showPlace(null);
  form.closest("details")?.removeAttribute("open");
}
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches?.("form[data-draft]") || !drafts || !window.indexedDB) return;
  event.preventDefault();
  if (form.dataset.busy !== undefined) return;
  form.dataset.busy = "";
  const failed = form.querySelector("[data-failed]");
  failed.hidden = true;
  try {
    const draft = await keep(form);
    if (form.closest("#draft-list")) form.remove(); else emptied(form);
    say(draft.held ? words.arriving : words.saved);
    await list();
    ask();
    send();
  } catch (error) {
    failed.textContent = error.message;
    failed.hidden = false;
    failed.scrollIntoView({ block: "center" });
  } finally { delete form.dataset.busy; }
});

/* The browser wakes the worker when there is a network, where it knows how. */
async function ask() {
  const registration = await navigator.serviceWorker?.ready.catch(() => null);
  await registration?.sync?.register("field-drafts").catch(() => {});
}

const local = new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en", { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
async function drawn(canvas, blob) {
  const source = await createImageBitmap(blob).catch(() => null);
  if (!source) return;
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  source.close();
}
const button = (word, act, quiet = false) => el("button", { type: "button", className: quiet ? "btn btn--quiet" : "btn", data: { act } }, word);
function card(draft) {
  const refused = draft.status === "refused";
  const canvas = draft.pictures.length ? el("canvas", { width: 56, height: 42 }) : null;
  if (canvas) drawn(canvas, draft.pictures[0].blob);
  const why = refused ? `${draft.case ? `${words["handled-not"]}${draft.case} ` : ""}${lang === "zh" ? draft.why.zh : draft.why.en}` : "";
  const item = el("li", { className: `field__card field__draft${refused ? " is-refused" : ""}`, data: { id: draft.id, status: draft.status, kind: draft.kind } },
    el("h3", {}, draft.title, " ", el("span", { className: "tag" }, words[draft.status])),
    el("p", { className: "field__sub" }, canvas, el("span", { className: "num" }, local.format(draft.occurred_at)),
      draft.pictures.length ? el("span", {}, `${draft.pictures.length} ${words.pictures}`) : null, draft.at ? el("span", {}, words.located) : null, draft.number ? el("span", { className: "no" }, draft.number) : null),
    el("p", { className: "field__said" }, draft.fields.text ?? draft.fields.note ?? draft.fields.result ?? draft.fields.reason ?? ""),
    why ? el("p", { className: "why", role: "alert" }, why) : null);
  if (draft.changed) {
    item.append(el("p", { className: "strong" }, `${words.changed} · ${draft.changed.state}`), el("ul", { data: { changes: "" } }, ...draft.changed.lines.map((line) => el("li", {}, line))));
  }
  // What has no words of its own is sent again as it is.
  item.append(el("p", { className: "acts" }, draft.kind === "report" || TEXTS[draft.kind] ? button(words.edit, "edit") : null, refused && !TEXTS[draft.kind] && draft.kind !== "report" ? button(words.anew, "anew") : draft.reused ? button(words.anew, "anew") : null, button(words.delete, "delete", true)));
  return item;
}
let counted = 0;
async function list() {
  if (!drafts || !window.indexedDB) return;
  let all;
  try { all = await drafts.all(user); } catch { say(words["no-store"]); return; }
  counted = all.length;
  of("drafts").hidden = counted === 0;
  of("draft-count").textContent = counted;
  of("unsent-offline").textContent = counted ? `${counted} ${words.drafts}` : "";
  of("unsent-count").textContent = `${counted} ${words.drafts}`;
  // A card in which somebody writes stays as it is.
  const busy = new Map([...of("draft-list").children].filter((item) => item.querySelector("form")).map((item) => [item.dataset.id, item]));
  of("draft-list").replaceChildren(...all.map((draft) => busy.get(draft.id) ?? card(draft)));
}

/* What has happened to the case of a draft that came back: asked once, and kept with it. */
async function lookUp() {
  for (const draft of await drafts.all(user)) {
    if (draft.status !== "refused" || draft.changed || !draft.number || draft.position === null) continue;
    const answer = await fetch(`/field/cases/${draft.number}/changes?after=${draft.position}`, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok || answer.redirected) continue;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html"), found = page.querySelector("[data-changes]");
    if (!found) continue;
    draft.changed = { state: found.querySelector(".state")?.textContent ?? "", lines: [...found.querySelectorAll("li")].map((li) => li.textContent), position: Number(found.dataset.position) };
    // Changed, sent or deleted meanwhile: that stays.
    await drafts.update(draft).catch(() => {});
  }
}

/* A report is edited in its own form, a move in its card: its task may be gone. */
function droppable(draft) {
  return el("fieldset", { className: "field__form", data: { dropped: "" } }, ...draft.pictures.map((picture, at) => {
    const canvas = el("canvas", { width: 56, height: 42 });
    drawn(canvas, picture.blob);
    return el("label", { className: "field__kept" }, el("input", { type: "checkbox", data: { drop: picture.id } }), `${words.delete} ${at + 1}`, canvas);
  }));
}
function editReport(draft) {
  const form = of("report-form");
  emptied(form);
  form.dataset.editing = draft.id;
  for (const [name, value] of Object.entries(draft.fields)) {
    const field = form.elements[name];
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value === field.value; else field.value = value;
  }
  showPlace(draft.at);
  if (draft.pictures.length) of("picture").before(droppable(draft));
  location.hash = "#report";
  showTab();
  of("title").focus();
}
function editMove(draft, item) {
  const name = TEXTS[draft.kind], most = ["hand", "say"].includes(draft.kind) ? 500 : 2000;
  const radio = (value, word) => el("label", {}, el("input", { type: "radio", name: "agrees", value, required: true, checked: draft.fields.agrees === value }), word);
  const form = el("form", { className: "field__form", data: { draft: draft.kind, number: draft.number, title: draft.title, editing: draft.id } },
    el("input", { type: "hidden", name: "position", value: String(draft.changed?.position ?? draft.position) }),
    draft.kind === "check" ? el("fieldset", { className: "field__radios" }, radio("1", words["agrees-yes"]), radio("0", words["agrees-no"])) : null,
    draft.kind === "hand" ? el("input", { type: "hidden", name: "to", value: draft.fields.to ?? "" }) : null,
    el("textarea", { className: "input", name, rows: 3, maxLength: most, required: draft.kind !== "hand", value: draft.fields[name] ?? "" }),
    draft.pictures.length ? droppable(draft) : null,
    !WITH_PICTURES.includes(draft.kind) ? null : el("input", { className: "input", type: "file", accept: "image/jpeg,image/png,image/webp", multiple: true }),
    el("p", { className: "banner p1", hidden: true, role: "alert", data: { failed: "" } }),
    el("p", { className: "acts" }, el("button", { className: "btn btn--primary" }, words.save), button(words.cancel, "cancel", true)));
  item.querySelector(".acts").hidden = true;
  item.append(form);
  form.querySelector("textarea").focus();
}
of("draft-list").addEventListener("click", async (event) => {
  const act = event.target.closest("[data-act]")?.dataset.act, item = event.target.closest("[data-id]");
  if (!act || !item) return;
  const draft = await drafts.get(item.dataset.id);
  if (act === "cancel") item.querySelector("form").remove();
  else if (!draft) { /* It has just been sent. */ }
  else if (act === "edit" && draft.kind === "report") editReport(draft);
  else if (act === "edit") { editMove(draft, item); return; }
  else if (act === "delete" && confirm(words["delete-ask"])) await drafts.remove(draft.id);
  else if (act === "anew") {
    await drafts.put({ ...draft, id: uuid(), version: uuid(), close: uuid(), status: "waiting", why: null, reused: false });
    await drafts.remove(draft.id);
    send();
  }
  await list();
});

/* Sending. */
let running = false, again = false;
function tell(event) {
  const tag = of("draft-list").querySelector(`[data-id="${event.id}"] .tag`);
  if (event.what === "sending" && tag) tag.textContent = words.sending;
  if (event.what === "sent") say(`${event.kind === "report" ? words.sent : words.moved} ${event.number}`);
  if (event.what === "stopped" && event.why === "pictures") say(words["pictures-wait"]);
  if (event.what !== "sending") list();
}
async function send() {
  if (!drafts || !window.indexedDB) return;
  if (running) { again = true; return; }
  running = true;
  let why = "busy", sent = false;
  do {
    again = false;
    why = await drafts.send((event) => { sent ||= event.what === "sent"; tell(event); }).catch(() => "busy");
  } while (again);
  running = false;
  await shown(why, sent);
}
async function shown(why, sent) {
  of("offline").hidden = why !== "offline";
  of("login-needed").hidden = why !== "login";
  if (why !== "offline" && why !== "login") await lookUp();
  await list();
  const waiting = counted > 0 && (await drafts.all(user)).some((draft) => draft.status === "waiting");
  of("unsent").hidden = !waiting || ["offline", "login", "held"].includes(why);
  // Whoever was to find its position may be gone: another page, closed meanwhile.
  if (why === "held") setTimeout(send, ARRIVAL_MS);
  if (sent) await renew();
}

/* The lists anew; a part in which somebody writes is left alone. */
const touched = (part) => part.contains(document.activeElement) && document.activeElement !== body
  || part.querySelector("details[open]") || [...part.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);
let stale = false;
async function renew() {
  stale = false;
  const answer = await fetch("/field", { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) { stale = true; return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.body.dataset.user !== user) { location.reload(); return; }
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (old && !touched(old)) old.replaceWith(document.adoptNode(fresh));
  }
  // What is said comes in beside a hand that writes.
  for (const fresh of page.querySelectorAll("[data-talk]")) {
    const old = document.querySelector(`[data-talk="${CSS.escape(fresh.dataset.talk)}"]`), count = document.querySelector(`[data-talk-count="${CSS.escape(fresh.dataset.talk)}"]`);
    if (!old || old.innerHTML === fresh.innerHTML) continue;
    if (count) count.textContent = page.querySelector(`[data-talk-count="${CSS.escape(fresh.dataset.talk)}"]`)?.textContent ?? count.textContent;
    old.replaceChildren(...fresh.childNodes);
    old.scrollTop = old.scrollHeight;
  }
  of("as-of").textContent = page.getElementById("as-of")?.textContent ?? "";
  for (const count of document.querySelectorAll("[data-count]")) count.textContent = of(count.dataset.count)?.textContent ?? "";
  showTab();
  sort();
  // The map looks again when the lists have: only then is somebody known to be logged in.
  document.dispatchEvent(new CustomEvent("hub-change", { detail: { topic: "case" } }));
}

/* What needs a network. */
function look() {
  // What happened while nobody looked is there when somebody looks again.
  if (document.hidden) stale = true; else renew().catch(() => { stale = true; });
}
/* Somebody looks again, or there is a network again. */
function back() {
  send();
  if (stale) look();
}

/* Where one stands: for a report when asked for, and for the order of tasks where the browser may tell it anyway. */
let here = null;
function showPlace(at) {
  of("latitude").value = at ? at.latitude.toFixed(6) : "";
  of("longitude").value = at ? at.longitude.toFixed(6) : "";
  of("accuracy").value = at?.accuracy ?? "";
  of("unlocate").hidden = !at;
  of("where-said").textContent = at ? `${words.located} · ${words["metres-off"]} ${at.accuracy ?? "?"}` : words["no-position"];
}
/* Emergencies and what is nearly late first, then what is near. */
function sort() {
  if (!here) return;
  for (const box of document.querySelectorAll("[data-sorted]")) {
    const tasks = [...box.children].map((task) => {
      const { latitude, longitude, sev, due } = task.dataset;
      const far = latitude ? metres(here, { latitude: Number(latitude), longitude: Number(longitude) }) : Infinity;
      const away = task.querySelector(".field__away");
      away.hidden = far === Infinity;
      away.textContent = `${words.away} ${Math.round(far)} ${words.metres}`;
      const urgent = sev === "p1" || due && Number(due) - Date.now() < 3_600_000 ? 0 : 1;
      return { task, urgent, far };
    });
    if (touched(box)) continue;
    tasks.sort((a, b) => a.urgent - b.urgent || a.far - b.far);
    box.append(...tasks.map(({ task }) => task));
  }
}
if (navigator.geolocation && window.isSecureContext) {
  of("locate").hidden = false;
  of("locate").addEventListener("click", async () => {
    of("where-said").textContent = words.locating;
    const found = await position();
    showPlace(found);
    if (found) { here = found; sort(); } else of("where-said").textContent = words["no-locating"];
  });
  of("unlocate").addEventListener("click", () => showPlace(null));
  navigator.permissions?.query({ name: "geolocation" }).then(async ({ state }) => {
    if (state !== "granted") return;
    here = await position();
    sort();
  }).catch(() => {});
}

/* The page is kept for when there is no network: one that this browser opened before its worker was there, too. */
async function install() {
  if (!window.isSecureContext || !navigator.serviceWorker) return;
  await navigator.serviceWorker.register("/sw.js", { scope: "/" });
  navigator.serviceWorker.addEventListener("message", (event) => { if (event.data?.drafts) shown(event.data.drafts, true); });
  await navigator.serviceWorker.ready;
  const cache = await caches.open(KEPT);
  if (navigator.serviceWorker.controller && await cache.match("/field")) return;
  const answer = await fetch("/field", { credentials: "same-origin" });
  if (answer.ok && !answer.redirected) await cache.put("/field", answer);
}

of("logout").addEventListener("submit", (event) => { if (counted && !confirm(words["logout-ask"])) event.preventDefault(); });
of("retry").addEventListener("click", send);
of("send-now").addEventListener("click", send);
addEventListener("online", back);
addEventListener("offline", () => shown("offline", false));
document.addEventListener("visibilitychange", () => { if (!document.hidden) back(); });
if (tabs.length) showTab();
install().catch(() => {});
navigator.storage?.persist?.().catch(() => {});
list().then(send);
withNetwork({ look, ended: () => { of("login-needed").hidden = false; } });
