// What the page can do beside what it does without: copy buttons. Everything else works without this file.
"use strict";

function showCopyButtons(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  let told = "Copied";
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    selectText(source); // the clipboard is closed to pages without TLS: then a key copies what is selected
    told = "Selected: copy it";
  }
  const before = [...button.childNodes];
  button.textContent = told;
  button.disabled = true;
  document.getElementById("said").textContent = told + ".";
  window.setTimeout(() => {
    button.replaceChildren(...before);
    button.disabled = false;
    document.getElementById("said").textContent = "";
  }, 1600);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) copy(button);
});
document.addEventListener("htmx:afterSwap", (event) => {
  showCopyButtons(document);
  if (event.detail.target.id === "main") {
    const main = document.getElementById("main");
    main.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
});
showCopyButtons(document);
