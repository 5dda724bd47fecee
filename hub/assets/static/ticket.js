// The ticket form of a call: what was typed survives a reload, and what the call itself says (its place, once the
// words are recognised) comes into fields nobody has touched.
const form = document.getElementById("ticket");
const name = `draft:${location.pathname.replace(/\/ticket$/, "")}`;
const correcting = new URLSearchParams(location.search).has("edit");
/** Fields in which the call itself may say something. */
const offered = ["place", "summary"];

/** Suggested by the call and not yet touched: dashed. */
function mark() {
  for (const field of offered.map((name) => form.elements[name])) {
    field.classList.toggle("input--auto", !correcting && field.value !== "" && field.value === field.defaultValue);
  }
  for (const tag of form.querySelectorAll("[data-pick]")) {
    tag.setAttribute("aria-pressed", String(tag.dataset.pick === form.elements.category.value));
  }
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
  const newer = fresh.getElementById("ticket");
  if (!form || !newer || correcting) return;
  for (const name of offered) {
    const [field, other] = [form.elements[name], newer.elements[name]];
    const untouched = field.value === field.defaultValue && document.activeElement !== field;
    field.defaultValue = other.defaultValue;
    if (untouched) field.value = other.defaultValue;
  }
  for (const name of ["matter", "urgency"]) {
    const own = [...form.elements[name]];
    const untouched = own.every((radio) => radio.checked === radio.defaultChecked);
    own.forEach((radio, index) => {
      radio.defaultChecked = newer.elements[name][index].defaultChecked;
      if (untouched) radio.checked = radio.defaultChecked;
    });
  }
  const [own, other] = [form.elements.category, newer.elements.category];
  const untouched = [...own.options].every((option) => option.selected === option.defaultSelected);
  [...own.options].forEach((option, index) => { option.defaultSelected = other.options[index].defaultSelected; });
  if (untouched) own.value = other.value;
  const [tags, newerTags] = [form.querySelector(".tags"), newer.querySelector(".tags")];
  if (tags && newerTags) tags.replaceChildren(...newerTags.children);
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
  form.addEventListener("click", (event) => {
    const tag = event.target.closest("[data-pick]");
    if (!tag) return;
    form.elements.category.value = tag.dataset.pick;
    form.elements.category.dispatchEvent(new Event("input", { bubbles: true }));
  });
  form.addEventListener("input", () => {
    const draft = Object.fromEntries([...form.elements].filter(changed).map((field) => [field.name, field.value]));
    sessionStorage.setItem(name, JSON.stringify(draft));
    mark();
  });
} else if (document.getElementById("filed")) {
  sessionStorage.removeItem(name);
}
