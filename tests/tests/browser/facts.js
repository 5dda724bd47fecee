// What a page says of itself and what is wrong with it at a glance, for crawl.rs. The body of a function that WebDriver runs;
// LANG, CHINESE (data that is Chinese in every language) and ENGLISH (words of the catalogue) stand before it.
const faults = [];
const tell = (what, all) => { if (all.length) faults.push(`${what}: ${[...new Set(all)].slice(0, 8).join(" | ")}`); };
const name = (el) => `<${el.tagName.toLowerCase()}${el.id ? `#${el.id}` : ""}${el.className && el.className.trim ? `.${el.className.trim().split(/\s+/).join(".")}` : ""}>`;
const all = (css) => [...document.querySelectorAll(css)];

const wanted = LANG === "zh" ? "zh-CN" : "en";
if (document.documentElement.lang !== wanted) faults.push(`lang is ${document.documentElement.lang}`);
if (!document.title.trim()) faults.push("no title");
const headings = all("h1").filter((h) => h.textContent.trim());
if (headings.length !== 1) faults.push(`${headings.length} first headings`);
if (all("main").length !== 1) faults.push(`${all("main").length} main parts`);
tell("picture without a picture", [...document.images].filter((i) => i.complete && i.getAttribute("src") && !i.naturalWidth).map((i) => i.src));
const ids = all("[id]").map((el) => el.id);
tell("id twice", ids.filter((id, at) => ids.indexOf(id) !== at));
tell("label for nothing", all("label[for]").filter((l) => !document.getElementById(l.htmlFor)).map((l) => l.htmlFor));
tell("link into nowhere", all('a[href^="#"]').filter((a) => a.hash.length < 2 || !document.getElementById(decodeURIComponent(a.hash.slice(1)))).map((a) => a.getAttribute("href")));
// The map's library sizes its own canvas; the policy lets scripts do that.
tell("style or script in the page", all("[style], style, script:not([src])").filter((el) => !el.closest(".maplibregl-map")).map(name));
tell("missing", performance.getEntriesByType("resource").filter((r) => r.responseStatus >= 400).map((r) => `${r.name} ${r.responseStatus}`));

/* Texts, and attributes that people see or hear, with the element that says them. */
function* said() {
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const el = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (text && !el.closest("script, style, textarea, template, [translate=no]")) yield [el, text, true];
  }
  // What a field holds is data; what its button says is not. Addresses are nobody's words.
  const quiet = /^(value|href|src|action|id|class|name|for|content|pattern|d|data-(self|topics|key|ctrl-key|row-key|call|feed|now|position))$/;
  const shown = new Set(["title", "alt", "placeholder", "aria-label", "aria-description"]);
  for (const el of all("*")) {
    for (const { name: attribute, value } of el.attributes) if (!quiet.test(attribute) && value.trim()) yield [el, value.trim(), shown.has(attribute)];
  }
}
const foreign = [];
for (const [el, text, seen] of said()) {
  const lang = el.closest("[lang]")?.lang ?? "";
  if (LANG === "en") {
    if (lang.startsWith("zh")) continue;
    let own = text;
    for (const word of CHINESE) own = own.replaceAll(word, "");
    if (/[\p{Script=Han}\u3000-\u303f\uff00-\uffef]/u.test(own)) foreign.push(`${name(el)} ${text.slice(0, 60)}`);
  } else if (!lang.startsWith("en") && seen && ENGLISH.has(text)) {
    foreign.push(`${name(el)} ${text.slice(0, 60)}`);
  }
}
tell("not translated", foreign);

const links = all("a[href]").filter((a) => a.origin === location.origin).map((a) => ({ path: a.pathname + a.search, file: a.hasAttribute("download") }));
return { status: performance.getEntriesByType("navigation")[0]?.responseStatus ?? 0, path: location.pathname + location.search, links, faults };
