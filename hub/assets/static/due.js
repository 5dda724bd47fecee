// Times left and times over, counted on by the hub's clock.
import { ageText, frozen, hubNow } from "./clock.js";

const zh = document.documentElement.lang.startsWith("zh");

/** Every [data-left] of a part of the page. */
export function showDue(root) {
  if (frozen) return;
  const now = hubNow();
  for (const el of root.querySelectorAll("[data-left]")) {
    const left = Number(el.dataset.left) - now, clock = el.closest(".clock"), over = left <= 0;
    const text = ageText(Math.abs(left));
    if (el.textContent !== text) el.textContent = text;
    if (!clock || clock.classList.contains("clock--over") === over) continue;
    clock.classList.toggle("clock--over", over);
    if (over) clock.classList.remove("clock--soon");
    const side = clock.querySelector("small"), [was, is] = zh ? ["余", "超"] : ["left", "over"];
    if (side) side.textContent = over ? side.textContent.replace(was, is) : side.textContent.replace(is, was);
  }
}
