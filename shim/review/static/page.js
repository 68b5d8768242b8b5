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
function alarm(text) {
  const said = document.getElementById("said");
  const line = document.createElement("p");
  line.className = "problem";
  line.textContent = text;
  said.replaceChildren(line);
  said.scrollIntoView({ block: "center" });
}

// What was typed stays where it is when the shim does not answer, or answers that it cannot.
const AWAY = "The shim does not answer: nothing was saved. What you typed is still here; save it again in a moment.";
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => alarm(AWAY));
}
document.addEventListener("htmx:beforeSwap", (event) => {
  const detail = event.detail;
  if (detail.xhr.status < 500 || detail.requestConfig.verb !== "post") return;
  detail.shouldSwap = false;
  const page = new DOMParser().parseFromString(detail.xhr.responseText, "text/html");
  const problem = page.querySelector(".problem");
  alarm((problem ? problem.textContent.replace("✕", "").trim() + " " : "") + "Nothing was saved, and what you typed is still here.");
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
