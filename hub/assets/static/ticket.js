// The ticket form of a call: what was typed survives a reload, and what the call itself says (its place, once the
// words are recognised) comes into fields nobody has touched.
const form = document.getElementById("ticket");
const name = `draft:${location.pathname.replace(/\/ticket$/, "")}`;
const place = form?.elements.place;
const correcting = new URLSearchParams(location.search).has("edit");

/** Suggested by the call and not yet touched: dashed. */
function mark() {
  place.classList.toggle("input--auto", !correcting && place.value !== "" && place.value === place.defaultValue);
}

/** What differs from what the hub wrote: a suggestion is no draft. */
function changed(field) {
  if (!field.name || field.name === "csrf") return false;
  if (field.type === "radio") return field.checked && !field.defaultChecked;
  if (field.tagName === "SELECT") return [...field.options].some((o) => o.selected !== o.defaultSelected);
  return field.value !== field.defaultValue;
}

/** Takes newer suggestions from a fresh copy of this page. */
export function suggest(fresh) {
  const newer = fresh.getElementById("ticket")?.elements.place;
  if (!place || !newer || correcting || newer.value === place.defaultValue) return;
  const untouched = place.value === place.defaultValue && document.activeElement !== place;
  place.defaultValue = newer.defaultValue;
  if (untouched) place.value = newer.defaultValue;
  mark();
}

/** Drops every draft of this tab. */
export function forget() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith("draft:")) sessionStorage.removeItem(key);
}

if (form) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(name) ?? "null");
    // After a refused filing the hub itself gave back what was typed.
    if (kept && !document.getElementById("ticket-wrong")) {
      for (const [field, value] of Object.entries(kept)) if (form.elements[field]) form.elements[field].value = value;
    }
  } catch { sessionStorage.removeItem(name); }
  mark();
  form.addEventListener("input", () => {
    const draft = Object.fromEntries([...form.elements].filter(changed).map((field) => [field.name, field.value]));
    sessionStorage.setItem(name, JSON.stringify(draft));
    mark();
  });
} else if (document.getElementById("filed")) {
  sessionStorage.removeItem(name);
}
