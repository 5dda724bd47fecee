// The ticket form of a call: what was typed survives a reload, and what the call itself says (its place, once the
// words are recognised) comes into fields nobody has touched.
const form = document.getElementById("ticket");
const name = `draft:${location.pathname.replace(/\/ticket$/, "")}`;
// What a form for correction or a refused one brings is what somebody wrote, no suggestion.
const correcting = new URLSearchParams(location.search).has("edit") || location.pathname.endsWith("/ticket");
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

/** Choices that somebody made, also where they are what was suggested anyway. */
const chosen = new Set();

/** What differs from what the hub wrote, or was chosen: a suggestion is no draft. */
function changed(field) {
  if (!field.name || field.name === "csrf") return false;
  if (field.type === "radio") return field.checked && (chosen.has(field.name) || !field.defaultChecked);
  if (field.tagName === "SELECT") return chosen.has(field.name) || [...field.options].some((o) => o.selected !== o.defaultSelected);
  return field.value !== field.defaultValue;
}

/** Gives a text field its newer suggestion, under what was typed over the older one. */
function suggestText(field, newer) {
  const { value, defaultValue } = field;
  if (newer === defaultValue) return;
  field.defaultValue = newer;
  field.value = value === defaultValue ? newer : value;
}

/** The same for a choice of `options`: what of them is `on`, and what by default. */
function suggestChoice(name, options, newer, on, byDefault) {
  const field = form.elements[name], { value } = field;
  const kept = chosen.has(name) || value !== (options.find((option) => option[byDefault])?.value ?? "");
  // An option that nobody clicked on follows its default: what was chosen has to be put back.
  options.forEach((option, index) => { option[byDefault] = newer[index]?.[byDefault] ?? false; });
  if (kept) field.value = value;
  else for (const option of options) option[on] = option[byDefault];
}

/** Takes newer suggestions from a fresh copy of this page. True when a field was left alone because somebody is in it:
    it takes them once he has left. */
export function suggest(fresh) {
  const newer = fresh.getElementById("ticket");
  if (!form || !newer || correcting) return false;
  const fields = [
    ...offered.map((name) => [[form.elements[name]], () => suggestText(form.elements[name], newer.elements[name].defaultValue)]),
    ...["matter", "urgency"].map((name) => {
      const [own, others] = [form, newer].map((from) => [...from.elements[name]]);
      return [own, () => suggestChoice(name, own, others, "checked", "defaultChecked")];
    }),
    [[form.elements.category], () => {
      const [own, others] = [form, newer].map((from) => [...from.elements.category.options]);
      suggestChoice("category", own, others, "selected", "defaultSelected");
    }],
  ];
  const busy = fields.filter(([parts]) => parts.includes(document.activeElement));
  for (const field of fields) if (!busy.includes(field)) field[1]();
  suggestTags(newer);
  mark();
  return busy.length > 0;
}

/** The offered tags, which may come only while the page is open. */
function suggestTags(newer) {
  for (const id of ["l-offers", "offers", "offers-hint"]) document.getElementById(id).hidden = newer.querySelector(`#${id}`).hidden;
  const [tags, others] = [form, newer].map((from) => from.querySelector("#offers"));
  if (tags.textContent === others.textContent) return;
  const at = [...tags.children].indexOf(document.activeElement);
  tags.replaceChildren(...others.children);
  tags.children[at]?.focus({ preventScroll: true });
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
      for (const [field, value] of Object.entries(kept)) {
        if (!form.elements[field]) continue;
        form.elements[field].value = value;
        chosen.add(field);
      }
    }
  } catch { sessionStorage.removeItem(name); }
  mark();
  form.addEventListener("click", (event) => {
    // A click on what is checked already changes nothing and is a choice all the same.
    if (event.target.type === "radio") event.target.dispatchEvent(new Event("input", { bubbles: true }));
    const tag = event.target.closest("[data-pick]");
    if (!tag) return;
    form.elements.category.value = tag.dataset.pick;
    form.elements.category.dispatchEvent(new Event("input", { bubbles: true }));
  });
  form.addEventListener("input", (event) => {
    chosen.add(event.target.name);
    const draft = Object.fromEntries([...form.elements].filter(changed).map((field) => [field.name, field.value]));
    sessionStorage.setItem(name, JSON.stringify(draft));
    mark();
  });
} else if (document.getElementById("filed")) {
  sessionStorage.removeItem(name);
}
