// What a person would call the things of a page, for person.rs: `named(kind, name)` gives the first that is seen, by its
// accessible name, whole or as its beginning. Keys that stand on a button are no part of its name.
const KINDS = {
  button: "button, summary, [role=button]",
  link: "a[href]",
  field: "input:not([type=hidden]):not([type=radio]):not([type=checkbox]), textarea, select",
  choice: "input[type=radio], input[type=checkbox]",
};
const HINTS = ".kbd, .vh, .num, input, textarea, select";
function words(el) {
  const bare = el.cloneNode(true);
  for (const hint of bare.querySelectorAll(HINTS)) hint.remove();
  return bare.textContent.replace(/\s+/g, " ").trim();
}
const nameOf = (el) => (el.getAttribute("aria-label") ?? (el.labels?.length ? words(el.labels[0]) : words(el))).trim();
function named(kind, name, within = "body") {
  const all = [...document.querySelectorAll(within)].flatMap((part) => [...part.querySelectorAll(KINDS[kind])]);
  const seen = all.filter((el) => !el.disabled && el.checkVisibility({ visibilityProperty: true }));
  return seen.find((el) => nameOf(el) === name) ?? seen.find((el) => nameOf(el).startsWith(name)) ?? null;
}
