// Prints the page by its button or key. Without script the browser's own menu prints the same sheet.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
