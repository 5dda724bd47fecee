// The ticket form of a call: what was typed survives a reload, and what the call itself says (its place, once the
// words are recognised) comes into fields nobody has touched; which ones is said. Places that the words may mean stand below.
import { isLogin, later, read } from "./work.js";

const form = document.getElementById("ticket");
const sentFrom = /\/(ticket|join|centre)$/;
const name = `draft:${location.pathname.replace(sentFrom, "")}`;
// What a form for correction or a refused one brings is what somebody wrote, no suggestion.
const correcting = new URLSearchParams(location.search).has("edit") || sentFrom.test(location.pathname);
/** Fields in which the call itself may say something. */
const offered = ["place", "summary"];

/** Suggested by the call and not yet touched: dashed. */
function mark() {
  for (const field of offered.map((name) => form.elements[name])) {
    field.classList.toggle("input--auto", !correcting && field.value !== "" && field.value === field.defaultValue);
  }
  const { category } = form.elements;
  category.classList.toggle("input--auto", !correcting && !chosen.has("category") && category.value !== "");
  for (const tag of form.querySelectorAll(".tagkey")) {
    tag.setAttribute("aria-pressed", String(tag.dataset.pick === category.value));
  }
  for (const item of document.querySelectorAll("[data-done]")) {
    item.classList.toggle("is-done", form.elements[item.dataset.done].value.trim() !== "");
  }
}

/** Choices that somebody made, also where they are what was suggested anyway. */
const chosen = new Set();

/** What differs from what the hub wrote, or was chosen: a suggestion is no draft. */
function changed(field) {
  if (!field.name || field.name === "csrf") return false;
  if (field.type === "radio") return field.checked && (chosen.has(field.name) || !field.defaultChecked);
  // A list in which the hub marks nothing stands on its first line.
  if (field.tagName === "SELECT") return chosen.has(field.name) || field.selectedIndex !== Math.max(0, [...field.options].findIndex((o) => o.defaultSelected));
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
  const before = values();
  for (const field of fields) if (!busy.includes(field)) field[1]();
  suggestTags(newer);
  sayChanged(before);
  mark();
  if (before.place !== form.elements.place.value) lookUp();
  return busy.length > 0;
}

const values = () => Object.fromEntries(["matter", "urgency", "category", "place", "summary"].map((field) => [field, form.elements[field].value]));

/** Says which fields the call has just filled in: nothing changes unseen. */
function sayChanged(before) {
  const now = values(), labels = { matter: "l-matter", urgency: "l-urgency" };
  const word = (field) => document.getElementById(labels[field])?.textContent ?? form.querySelector(`label[for="${field}"]`).textContent;
  const changed = Object.keys(now).filter((field) => now[field] !== before[field]).map(word);
  if (changed.length) document.getElementById("form-said").textContent = form.dataset.saidNew + changed.join(" ");
}

/* Places that the words may mean, once nobody has typed for a moment. What somebody has picked goes along. */
const PAUSE_MS = 250;
let timer;
function lookUp() {
  clearTimeout(timer);
  timer = setTimeout(() => later("places", async () => {
    const asked = form.elements.place.value;
    const query = new URLSearchParams({ q: asked, entry: pickedPlace() });
    const answer = await read(`${form.dataset.places}?${query}`, true);
    if (!answer || isLogin(answer) || form.elements.place.value !== asked) return;
    const box = document.getElementById("places"), focus = document.activeElement?.dataset?.altKey;
    const inside = box.contains(document.activeElement);
    box.innerHTML = await answer.text();
    if (inside) (box.querySelector(`[data-alt-key="${focus}"]`) ?? box.querySelector("input"))?.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("places", { detail: candidates() }));
  }), PAUSE_MS);
}
const pickedPlace = () => form.querySelector("#places input:checked")?.value ?? "";

/** The places below the field, for a map. */
export function candidates() {
  const all = [...document.querySelectorAll("#places input[data-latitude]")];
  return all.map((el) => ({ id: el.value, name: el.dataset.name, lat: Number(el.dataset.latitude), lon: Number(el.dataset.longitude) }));
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
        // Which place it was is asked anew by its words.
        if (!form.elements[field] || field === "entry") continue;
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
    // None of them: on to all the others.
    if (tag.dataset.pick === "") form.elements.category.focus();
  });
  form.addEventListener("input", (event) => {
    chosen.add(event.target.name);
    if (event.target.name === "place") lookUp();
    // A place that is picked brings its name where there are no words yet.
    if (event.target.name === "entry" && event.target.value !== "" && form.elements.place.value.trim() === "") {
      form.elements.place.value = event.target.dataset.name;
      chosen.add("place");
    }
    const draft = Object.fromEntries([...form.elements].filter(changed).map((field) => [field.name, field.value]));
    sessionStorage.setItem(name, JSON.stringify(draft));
    mark();
  });
  if (form.elements.place.value !== form.elements.place.defaultValue) lookUp();
  // A paragraph of the knowledge base goes behind what stands in the summary.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const text = button.previousElementSibling.textContent.trim(), { summary } = form.elements;
    summary.value = [summary.value.trimEnd(), text].filter(Boolean).join("\n").slice(0, summary.maxLength);
    summary.dispatchEvent(new Event("input", { bubbles: true }));
    summary.focus({ preventScroll: true });
  });
} else if (document.getElementById("filed")) {
  sessionStorage.removeItem(name);
  // Filed just now: on to the next call.
  if (document.referrer.startsWith(location.origin) && new URL(document.referrer).pathname.replace(sentFrom, "") === location.pathname) {
    document.getElementById("next-call")?.focus({ preventScroll: true });
  }
}
