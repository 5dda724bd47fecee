// Keys of every page. Single letters and digits are off while typing; digits go on with Alt.
import { frozen } from "./clock.js";

const $ = (id) => document.getElementById(id);
const rows = () => [...document.querySelectorAll(".crow, .jk")];
const selected = () => document.querySelector(".crow[aria-current], .jk[aria-current]");

export function select(row) {
  selected()?.removeAttribute("aria-current");
  if (!row) return;
  row.setAttribute("aria-current", "true");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows().filter((row) => row.offsetParent);
  if (!all.length) return;
  const at = all.indexOf(selected());
  select(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]);
}

/** What somebody fills in or presses, in a part of the page that a key opened. */
const FIELDS = ":scope details > summary, :scope input:not([type=hidden]):not([hidden]), :scope select, :scope textarea, :scope button:not([disabled])";

function press(el, keepFocus = false) {
  if (el.disabled) return;
  if (el.matches("summary")) {
    // A form that is open already is gone into, not closed under the hand.
    const within = el.dataset.stays !== undefined && el.parentElement.open && el.parentElement.querySelector(FIELDS);
    if (within) { within.focus(); return; }
    el.focus();
  }
  if (el.type !== "radio") { el.click(); return; }
  el.checked = true;
  el.dispatchEvent(new Event("input", { bubbles: true }));
  if (!keepFocus) el.focus();
}

/** One step back: to the list as it was, if that is where the person came from. */
function back(el) {
  const from = document.referrer.startsWith(location.origin) ? new URL(document.referrer).pathname : null;
  if (from !== null && from === el.pathname) history.back(); else el.click();
}

const typing = (el) => el.matches?.("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");

// A menu of the bar closes by Esc, where the focus goes elsewhere, and by a click beside it.
const menus = () => document.querySelectorAll("details[data-menu][open]");
addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details[data-menu][open]");
  if (!menu) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
});
for (const kind of ["focusin", "click"]) {
  addEventListener(kind, (event) => menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; }));
}

addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const done = () => event.preventDefault();
  if (event.ctrlKey || event.metaKey) {
    const el = !event.altKey && document.querySelector(`[data-ctrl-key="${CSS.escape(event.key)}"]`);
    if (el) { done(); press(el); }
    return;
  }
  if (frozen) return;
  if (event.altKey) {
    // The key's place, not its character: Alt makes other characters on some keyboards.
    const digit = event.code.match(/^(?:Digit|Numpad)(\d)$/)?.[1];
    const el = digit && (document.querySelector(`[data-alt-key="${digit}"]`) ?? document.querySelector(`[data-key="${digit}"]`));
    if (el) { done(); press(el, true); }
    return;
  }
  const isF = /^F\d+$/.test(event.key);
  if (typing(event.target) && !isF) { if (event.key === "Escape") event.target.blur(); return; }
  // The page for telephones has no list of keys, and no keys.
  if (!$("keys") || $("keys").open) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "/") { done(); $("find").focus(); $("find").select(); return; }
  if (key === "?") { done(); help(); return; }
  if ((key === "j" || key === "k") && rows().length) { done(); move(key === "j" ? 1 : -1); return; }
  const row = selected();
  if (row && key === "Enter" && !event.target.matches("a, button")) { done(); row.querySelector(".crow__open, a")?.click(); return; }
  if (row && key === "Escape") { done(); select(null); document.activeElement.blur(); return; }
  const shifted = event.shiftKey && document.querySelector(`[data-shift-key="${CSS.escape(key)}"]`);
  if (shifted) { done(); press(shifted); return; }
  const el = row?.querySelector(`[data-row-key="${CSS.escape(key)}"]`) ?? document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!el || el.hidden) return;
  done();
  if (key === "Escape") back(el); else press(el);
});

// A row that is clicked or reached by Tab is the one that keys act on.
addEventListener("focusin", (event) => {
  const row = event.target.closest?.(".crow, .jk");
  if (!row || row === selected()) return;
  selected()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
});

function help() {
  const box = $("keylist");
  for (const el of box.querySelectorAll("[data-own]")) el.remove();
  const seen = new Set(["Escape"]);
  for (const el of document.querySelectorAll("[data-key], [data-row-key], [data-ctrl-key], [data-alt-key], [data-shift-key]")) {
    const { ctrlKey, altKey, shiftKey } = el.dataset;
    const apart = ctrlKey ? `Ctrl ${ctrlKey}` : altKey ? `Alt ${altKey}` : shiftKey ? `Shift ${shiftKey.toUpperCase()}` : null;
    const key = apart ?? el.dataset.key ?? el.dataset.rowKey;
    if (seen.has(key) || el.hidden) continue;
    seen.add(key);
    const dt = document.createElement("dt"), dd = document.createElement("dd"), kbd = document.createElement("span");
    kbd.className = "kbd";
    kbd.textContent = key.length === 1 ? key.toUpperCase() : key;
    dt.append(kbd);
    const label = (el.closest("label") ?? el).cloneNode(true);
    label.querySelectorAll(".kbd").forEach((k) => k.remove());
    dd.textContent = el.dataset.keySays ?? label.textContent.trim();
    dt.dataset.own = dd.dataset.own = "";
    box.append(dt, dd);
  }
  $("keys").showModal();
}
$("help")?.addEventListener("click", help);
