// The forms of a case's moves, which work without any of this: a form that a key opened is gone into, long lists are looked
// through, what cannot be taken back is asked about, nothing is sent twice, and what was typed survives a login in between.
// Parts of the page are replaced while it is open: everything listens from above.
import { showDue } from "./due.js";

const name = (form) => `draft:${location.pathname.replace(/\/(moves|shelf)$/, "")}:${form.closest("details")?.id}`;
const position = (form) => form.elements.position.value;
const texts = (form) => [...form.querySelectorAll("textarea[name], input.input[name]:not([type=file])")];
const forms = () => [...document.querySelectorAll("form[data-move]")];

/* A summary that a key pressed has the focus when its form opens. */
addEventListener("toggle", (event) => {
  const box = event.target;
  if (!box.matches?.("details.move") || !box.open || document.activeElement !== box.querySelector("summary")) return;
  box.querySelector("form :is(input:not([type=hidden]):not([hidden]), select, textarea, button)")?.focus();
}, true);

/* Looking for one of many: what does not match is not offered. */
function showFilters() {
  for (const field of document.querySelectorAll("[data-filter][hidden]")) field.hidden = false;
}
addEventListener("input", (event) => {
  const id = event.target.dataset?.filter;
  if (!id) return;
  const select = document.getElementById(id), words = event.target.value.trim().toLowerCase();
  for (const option of select.options) {
    const group = option.closest("optgroup")?.label ?? "";
    const fits = words === "" || `${option.textContent} ${group} ${option.value}`.toLowerCase().includes(words);
    option.hidden = option.disabled = !fits;
  }
  if (words === "") return;
  const first = [...select.options].find((option) => !option.disabled && option.value !== "");
  if (first) select.value = first.value;
});

/* Of a list beside buttons one is meant. */
addEventListener("change", (event) => {
  if (!event.target.matches?.("select[data-over]") || !event.target.value) return;
  for (const card of event.target.form.querySelectorAll(`input[type=radio][name="${event.target.name}"]`)) card.checked = false;
});
addEventListener("input", (event) => {
  if (!event.target.matches?.(".pickcard input[type=radio]")) return;
  const list = event.target.form.querySelector(`select[data-over][name="${event.target.name}"]`);
  if (list) list.value = "";
});

/* What is left of the step's limit, by the hub's clock; it stands still with the feed. */
function showClock() {
  for (const clock of document.querySelectorAll("[data-ticks][hidden]")) clock.hidden = false;
  showDue(document);
}
setInterval(showClock, 1_000);

addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-move]")) return;
  if (form.dataset.sent !== undefined || form.dataset.confirm && !confirm(form.dataset.confirm)) { event.preventDefault(); return; }
  form.dataset.sent = "";
});
// Back from the page that answered: the form may be sent again.
addEventListener("pageshow", () => { for (const form of forms()) delete form.dataset.sent; });

addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.matches("form[data-move]") || !texts(form).includes(event.target)) return;
  const typed = Object.fromEntries(texts(form).filter((field) => field.value !== field.defaultValue).map((field) => [field.name, field.value]));
  if (Object.keys(typed).length) sessionStorage.setItem(name(form), JSON.stringify({ position: position(form), typed }));
  else sessionStorage.removeItem(name(form));
});

/* What was typed for the case as it still is; a form that came back brings its own texts. */
function restore(form) {
  const kept = sessionStorage.getItem(name(form));
  if (kept === null) return;
  try {
    const draft = JSON.parse(kept);
    if (draft.position !== position(form) || document.getElementById("refused")) { sessionStorage.removeItem(name(form)); return; }
    for (const field of texts(form)) if (draft.typed[field.name] !== undefined) field.value = draft.typed[field.name];
    form.closest("details").open = true;
  } catch { sessionStorage.removeItem(name(form)); }
}

showFilters();
showClock();
for (const form of forms()) restore(form);
new MutationObserver(() => { showFilters(); showClock(); }).observe(document.querySelector("main"), { childList: true, subtree: true });
// An address that names a form leads into it.
const named = location.hash.startsWith("#move-") && document.getElementById(location.hash.slice(1));
if (named && named.matches("details.move") && !document.getElementById("refused")) {
  named.querySelector("summary").focus();
  named.open = true;
}
document.getElementById("refused")?.focus();
