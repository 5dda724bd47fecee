// The map of a ticket's form: the places that its words may mean are pins on it. A click on one picks it, a click elsewhere takes
// that point; what is picked below takes the point back.
import { mountMap } from "./map.js";
import { candidates } from "./ticket.js";

const el = document.querySelector("#place-map [data-map=pick]"), form = document.getElementById("ticket");
if (el && form) {
  const entries = () => [...form.querySelectorAll("#places input")];
  const choose = (input) => {
    input.checked = true;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  form.addEventListener("input", (event) => { if (event.target.name === "entry") form.elements.point.value = ""; });
  const box = mountMap(el, {
    pick: true,
    candidates: candidates(),
    onPick({ lat, lon, candidate }) {
      const own = entries().find((input) => input.value === (candidate?.id ?? ""));
      if (own) choose(own);
      form.elements.point.value = candidate ? "" : `${lat.toFixed(6)},${lon.toFixed(6)}`;
    },
  });
  document.addEventListener("places", (event) => box.candidates(event.detail));
}
