/* "Try it" of the API reference. The key is in `key` alone: never in an attribute, an address, a cookie or storage. */
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => root.querySelectorAll(selector);
  const field = $("#key"), state = $("#key-state"), forgetButton = $("#forget");
  const KEY = /gr_[0-9a-z]{20}/i;
  let key = "";

  function send(method, path, headers = {}, body) {
    if (key) headers.Authorization = `Bearer ${key}`;
    return fetch(path, { method, headers, body, credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" });
  }

  function wipe() {
    key = field.value = "";
    for (const each of $$("[data-result]")) each.hidden = true;
    for (const each of $$("[data-headers], [data-body], [data-state]")) each.textContent = "";
  }

  /* ---- the key ---- */

  field.addEventListener("input", () => { key = field.value.trim(); });

  $("#key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!key) { state.textContent = "Enter a key first."; return field.focus(); }
    state.textContent = "Asking what this key is…";
    try {
      const answer = await send("GET", "/api/v2/key"), found = await answer.json();
      if (!answer.ok) { state.textContent = `${found.detail} Nothing is kept.`; return wipe(); }
      for (const each of $$("[data-name=workspace_id]")) each.value ||= found.workspace_id;
      state.textContent = `In use: ${found.name}, with ${found.scopes.join(", ")}. Its workspace is filled in below.`;
      field.value = "";
      forgetButton.hidden = false;
    } catch { state.textContent = "No answer. Try again."; }
  });

  forgetButton.addEventListener("click", () => {
    wipe();
    forgetButton.hidden = true;
    state.textContent = "Forgotten.";
    field.focus();
  });

  /* ---- requests ---- */

  /* The address, header fields and body that a form asks for, or a sentence why not. */
  function asked(form) {
    let path = form.dataset.path;
    const query = new URLSearchParams(), headers = {};
    let body;
    for (const each of $$("[data-in]", form)) {
      const value = each.value.trim(), name = each.dataset.name, place = each.dataset.in;
      if (place !== "body" && KEY.test(value)) return "A key belongs into the key field on top, not into an address.";
      if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
      else if (place === "query" && value) query.set(name, value);
      else if (place === "header" && value) headers[name] = value;
      else if (place === "body") { body = each.value; headers["Content-Type"] = "application/json"; }
    }
    return { address: query.size ? `${path}?${query}` : path, headers, body };
  }

  function pretty(text) {
    try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text || "No body."; }
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.method) return;
    event.preventDefault();
    const said = $("[data-state]", form), result = $("[data-result]", form), wanted = asked(form);
    result.hidden = true;
    if (typeof wanted === "string") { said.textContent = wanted; return; }
    said.textContent = "Sending…";
    try {
      const began = performance.now();
      const answer = await send(form.dataset.method, wanted.address, wanted.headers, wanted.body);
      const text = await answer.text(), took = Math.round(performance.now() - began);
      said.textContent = `Status ${answer.status} ${answer.statusText} in ${took} ms`;
      $("[data-headers]", form).textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      $("[data-body]", form).textContent = pretty(text);
      result.hidden = false;
    } catch { said.textContent = "No answer. Check the connection, and the characters of the header fields."; }
  });

  /* ---- the page ---- */

  addEventListener("pagehide", wipe);

  /* A link to an error opens it. */
  function open() {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.matches("details")) target.open = true;
  }
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link) return;
    setTimeout(open);
    if (link.closest("#nav:popover-open")) $("#nav").hidePopover();
  });
  open();

  for (const each of $$("[data-try]")) each.hidden = false;
})();
