// Who may be reached by Tab, and who was, for keyboard.rs. Run once on a fresh page; leaves `tabs` behind.
const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], audio[controls], video[controls], iframe";
/* Parts of a page are replaced while one looks: an element is known by what it is, not which. Radio buttons of one name are
   one stop. */
function key(el) {
  if (el.type === "radio") return `radio ${el.form?.id ?? ""} ${el.name}`;
  const words = (el.getAttribute("aria-label") ?? el.textContent ?? "").trim().replace(/\d+/g, "#").replace(/\s+/g, " ").slice(0, 40);
  return `${el.tagName.toLowerCase()} ${el.id || el.getAttribute("name") || el.getAttribute("href") || ""} ${words}`.trim();
}
function expected() {
  const out = new Set();
  for (const el of document.querySelectorAll(FOCUSABLE)) {
    if (el.matches(":disabled") || el.tabIndex < 0 || el.closest("[inert]") || !el.checkVisibility({ visibilityProperty: true })) continue;
    out.add(key(el));
  }
  return out;
}
function outlined(el) {
  const style = getComputedStyle(el);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 && !/, 0\)$|transparent/.test(style.outlineColor);
}
/* The ring is drawn by the element itself, or around it by what holds it: a label, a search box. */
function ring(el) {
  for (let at = el, steps = 0; at && steps < 4; at = at.parentElement, steps += 1) if (outlined(at)) return true;
  return el.labels ? [...el.labels].some(outlined) : false;
}
function seen(el) {
  const box = el.getBoundingClientRect(), within = el.type === "radio" || el.type === "checkbox" ? el.closest("label") ?? el : el;
  const shown = within === el ? box : within.getBoundingClientRect();
  return shown.width > 0 && shown.height > 0 && shown.bottom > 0 && shown.right > 0 && shown.top < innerHeight && shown.left < innerWidth;
}
const reached = new Set(), bare = new Set(), away = new Set();
addEventListener("focusin", (event) => {
  const el = event.target;
  reached.add(key(el));
  // Where the focus comes from the browser's own bars, the page learns of it a moment before it is drawn.
  if (!ring(el)) setTimeout(() => { if (document.activeElement !== el || !ring(el)) bare.add(key(el)); });
  // A click of the wheel later: the browser brings what has the focus into sight first.
  requestAnimationFrame(() => { if (document.activeElement === el && !seen(el)) away.add(key(el)); });
}, true);
window.tabs = {
  count: () => expected().size,
  missing: () => [...expected()].filter((one) => !reached.has(one)),
  bare: () => [...bare],
  away: () => [...away],
};
document.activeElement?.blur();
return expected().size;
