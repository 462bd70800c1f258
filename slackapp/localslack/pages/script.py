"""Script of the control page: keeps it fresh, and leaves alone what is being typed.

Without it the page works all the same, and is loaded again by hand.
"""

from __future__ import annotations

SCRIPT_PATH = "/local.js"
SCRIPT = """\
"use strict";
// The page is made of parts. A part is replaced when the server says something new of it, and nobody types in it.
const partsOf = (page) => [...page.querySelectorAll("[data-part]")];
const seen = new Map(partsOf(document).map((part) => [part.dataset.part, part.outerHTML]));
const told = document.getElementById("told");
const FIELDS = "input, select, textarea";
const typed = (field) => field.matches("select") ? field.selectedIndex > 0 : field.value !== field.defaultValue;
const inUse = (field) => typed(field) || field === document.activeElement;
const busy = (part) => [...part.querySelectorAll(FIELDS)].some(inUse);

function swap(here, part) {
  const at = [...here.querySelectorAll("button")].indexOf(document.activeElement);
  here.replaceWith(part);
  const button = part.querySelectorAll("button")[at];
  if (button) button.focus();
}

function take(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const old = new Map(partsOf(document).map((part) => [part.dataset.part, part]));
  let last = told;
  for (const part of partsOf(page)) {
    const name = part.dataset.part, html = part.outerHTML, here = old.get(name);
    old.delete(name);
    if (here && (seen.get(name) === html || busy(here))) { last = here; continue; }
    if (here) swap(here, part); else last.after(part);
    seen.set(name, html);
    last = part;
  }
  for (const [name, gone] of old) { gone.remove(); seen.delete(name); }
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/");
    take(await answer.text());
    if (told.dataset.lost) { told.textContent = ""; delete told.dataset.lost; }
  } catch {
    told.textContent = "The local Slack does not answer: it was stopped.";
    told.dataset.lost = "yes";
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!new URL(form.action).pathname.startsWith("/control/")) return;
  event.preventDefault();
  const answer = await fetch(form.action, {method: "POST", body: new URLSearchParams(new FormData(form))});
  const text = await answer.text();
  if (answer.ok) { form.reset(); told.textContent = ""; take(text); return; }
  const main = new DOMParser().parseFromString(text, "text/html").querySelector("main p");
  told.textContent = main ? main.textContent : text;
});
setInterval(look, 1000);
"""
