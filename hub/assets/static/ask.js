// Reporting without a login works without any of this: the position is taken when asked for, the receipt is printed by a button.
import { position } from "./position.js";

const of = (id) => document.getElementById(id);
const locate = of("locate"), said = of("where-said");

function show(found) {
  of("latitude").value = found ? found.latitude.toFixed(6) : "";
  of("longitude").value = found ? found.longitude.toFixed(6) : "";
  of("unlocate").hidden = !found;
  said.textContent = found ? `${locate.dataset.found} · ${locate.dataset.metres} ${found.accuracy}` : said.dataset.hint;
}
if (locate && navigator.geolocation && window.isSecureContext) {
  locate.hidden = false;
  of("unlocate").hidden = of("latitude").value === "";
  locate.addEventListener("click", async () => {
    said.textContent = locate.dataset.looking;
    const found = await position();
    show(found);
    if (!found) said.textContent = locate.dataset.none;
  });
  of("unlocate").addEventListener("click", () => show(null));
}

// Nothing is sent twice by an impatient finger.
of("ask")?.addEventListener("submit", (event) => {
  if (event.target.dataset.sent !== undefined) { event.preventDefault(); return; }
  event.target.dataset.sent = "";
});
addEventListener("pageshow", () => { delete of("ask")?.dataset.sent; });

const print = of("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
of("problems")?.scrollIntoView({ block: "center" });
