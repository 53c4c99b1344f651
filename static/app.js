/* Makes pages smoother; each of them works as plain links and forms without this file.
   Listeners are on the document, so what htmx swaps in needs no set-up of its own. */
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => root.querySelectorAll(selector);
  const main = $("#main"), dlg = $("#dlg"), toasts = $("#toasts");
  const KEY = /gr_([0-9a-z]{4})[0-9a-z]{12,}([0-9a-z]{2})/gi;

  /* ---- telling what happened ---- */

  function toast(text) {
    const box = document.createElement("p");
    box.className = "toast";
    box.textContent = text;
    toasts.append(box);
    const hide = () => setTimeout(() => box.matches(":hover") ? hide() : box.remove(), 7000);
    hide();
  }

  /* All outside an open dialog is inert and unheard, so its own live region speaks. */
  function say(text, near) {
    const box = $("[data-say]", near.closest("dialog, .sheet") || document) || toasts;
    box.textContent = "";
    requestAnimationFrame(() => { box.textContent = text; });
  }

  /* Where the person looks: in the dialog, or beside the button of the form that was sent. */
  function trouble(text, source) {
    const body = dlg?.open && ($(".modal-body", dlg) || $(".modal-head > div", dlg));
    const form = !body && source?.closest?.("form.form"), button = form && $("[type=submit]", form);
    if (!body && !button) return toast(text);
    $("[data-trouble]", body ? dlg : form)?.remove();
    const box = document.createElement("p");
    box.className = "notice notice-bad";
    box.tabIndex = -1;
    box.dataset.trouble = "";
    box.setAttribute("role", "alert");
    box.textContent = text;
    if (body) body.prepend(box); else button.before(box);
    box.focus();
  }

  /* ---- what is new in the page: on load and after each swap ---- */

  function arrange() {
    for (const each of $$("[data-js][hidden]")) each.hidden = false;
    for (const each of $$("input[name=time_zone_guess]")) each.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    for (const each of $$("[data-sum]")) sum(each.closest("form") || each.closest("dialog, .sheet"));
    for (const each of $$("[data-flash]")) toast(each.textContent);
    for (const each of $$(".flashes")) each.remove();
    for (const each of $$("[data-pick]")) picked(each);
  }

  const focusFirst = (root) => ($("[aria-invalid=true]:not([type=hidden])", root) || $("[data-invalid] input:enabled", root) || $("[autofocus]", root))?.focus();

  let title = "", path = location.pathname;

  function openDialog() {
    dlg.role = $("[data-alert]", dlg) ? "alertdialog" : null;
    dlg.closedBy = $("[data-locked]", dlg) ? "none" : "closerequest";
    if ($("#dlg-d", dlg)) dlg.setAttribute("aria-describedby", "dlg-d"); else dlg.removeAttribute("aria-describedby");
    if (!dlg.open) {
      title = document.title;
      dlg.showModal();
    }
    focusFirst(dlg);
    if (!dlg.contains(document.activeElement)) $("input:not([type=hidden]), select, textarea, button, a", dlg)?.focus();
  }

  /* The next page of a list is read from its top. */
  function turned(panel) {
    const rows = $("table", panel) || panel;
    panel.scrollIntoView();
    rows.tabIndex = -1;
    rows.focus({ preventScroll: true });
  }

  function newPanel() {
    title = "";
    /* The event that empties it comes later. */
    if (dlg?.open) { release(); dlg.close(); dlg.replaceChildren(); }
    if (location.pathname !== path) scrollTo(0, 0);
    path = location.pathname;
    focusFirst(main);
    const active = document.activeElement;
    if (!active || active === document.body || dlg?.contains(active)) {
      const heading = $("h1", main) || main;
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
  }

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.swap === "none") return;
    const to = ctx.target, id = typeof to === "string" ? to.slice(1) : to?.id;
    arrange();
    if (id === "dlg") openDialog();
    if (id === "main") newPanel();
    if (ctx.sourceEvent?.target?.closest?.(".pager")) turned(document.getElementById(id));
  });

  /* An emptied dialog keeps no secret in the page. */
  dlg?.addEventListener("close", () => {
    dlg.replaceChildren();
    if (title) document.title = title;
    if (document.activeElement === document.body) main.focus({ preventScroll: true });
  });

  /* ---- when no answer came, or a broken one ---- */

  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    const status = ctx.response.status;
    if (status < 500) return;
    if (status === 503) return lost(ctx, "Briefly unavailable. Try again in a moment.");
    /* A proxy that waited in vain does not know what was done. */
    if (status !== 500) return lost(ctx, silence(ctx));
    lost(ctx, reads(ctx) ? "Something went wrong. Try again." : "Something went wrong. Nothing was changed.");
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (!ctx) return;
    if (!navigator.onLine) return trouble("No connection. Try again.", ctx.sourceElement);
    lost(ctx, silence(ctx));
  });
  const reads = (ctx) => ctx.request.method === "GET";
  const silence = (ctx) => reads(ctx) ? "No answer. Try again." : "No answer. Reload the page to see what was saved.";
  function lost(ctx, otherwise) {
    const form = ctx.sourceElement?.closest?.("[data-unsure]");
    trouble(form?.dataset.unsure ?? otherwise, ctx.sourceElement);
  }

  /* ---- the dialog that shows a key ---- */

  const shown = () => $("[data-locked]");
  const guarded = () => { const head = shown(); return head && !("stored" in head.dataset); };
  function release() { const head = shown(); if (head) head.dataset.stored = ""; }

  /* Once the key is on the clipboard, the emphasis moves from Copy to I have stored it. */
  function stored() {
    if (!guarded()) return;
    release();
    ask(false);
    $("[data-stored-link]")?.classList.replace("btn-line", "btn-solid");
    $('[data-copy="#secret"]')?.classList.replace("btn-solid", "btn-line");
  }
  function ask(on) {
    const question = $("[data-ask]"), foot = $("[data-foot]");
    if (!question || question.hidden === !on) return;
    question.hidden = !on;
    foot.hidden = on;
    (on ? $("#ask-h") : $('[data-copy="#secret"]'))?.focus();
  }
  document.addEventListener("copy", () => { const secret = $("#secret"); if (secret && getSelection().containsNode(secret, true)) stored(); });
  /* Before htmx, which listens on the link itself. */
  document.addEventListener("click", (event) => {
    if (!guarded() || !event.target.closest?.("[data-stored-link]")) return;
    event.preventDefault();
    event.stopPropagation();
    ask(true);
  }, true);
  document.addEventListener("cancel", (event) => { if (event.target === dlg && $("[data-locked]", dlg)) event.preventDefault(); }, true);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && dlg?.open && $("[data-locked]", dlg)) event.preventDefault(); }, true);
  addEventListener("beforeunload", (event) => { if (guarded()) event.preventDefault(); });
  addEventListener("pagehide", () => { release(); for (const each of $$("#secret, [data-secret]")) each.textContent = ""; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  async function copy(button) {
    const source = $(button.dataset.copy), label = $("[data-label]", button);
    button.dataset.was ??= label.textContent;
    try { await navigator.clipboard.writeText(source.value ?? source.textContent); }
    catch {
      if (source.select) source.select(); else getSelection().selectAllChildren(source);
      label.textContent = "Press Ctrl+C";
      return say("Selected. Press Control C or Command C to copy.", button);
    }
    button.dataset.copied = "";
    label.textContent = button.dataset.said;
    say(button.dataset.said, button);
    if (source.matches("#secret, [data-secret]")) stored();
    setTimeout(() => { delete button.dataset.copied; label.textContent = button.dataset.was; }, 2500);
  }

  document.addEventListener("click", (event) => {
    const hit = event.target.closest?.("[data-copy], [data-peek], [data-close], [data-ask-no], [data-ask-yes], .menu a, .menu button");
    if (!hit) return;
    if (hit.dataset.copy) copy(hit);
    else if (hit.dataset.peek) peek(hit, hit.ariaPressed !== "true");
    else if ("askNo" in hit.dataset) ask(false);
    else if ("askYes" in hit.dataset) release();
    else if ("close" in hit.dataset) { if (dlg?.contains(hit)) { event.preventDefault(); dlg.close(); } }
    else hit.closest(".menu").hidePopover?.();
  });

  /* ---- forms ---- */

  /* A new password in clear, to read it over; never while it is sent, or browsers would suggest it later. */
  function peek(button, on) {
    $(button.dataset.peek).type = on ? "text" : "password";
    button.ariaPressed = String(on);
  }
  document.addEventListener("submit", (event) => { for (const each of $$("[data-peek]", event.target)) peek(each, false); }, true);

  /* The theme form leads back to where the person is now, which htmx may have changed. */
  document.addEventListener("submit", (event) => {
    if ("here" in event.target.dataset) event.target.elements.next.value = location.pathname + location.search;
  }, true);

  /* A key that is pasted into a search becomes its visible characters, so that it never is in an address. */
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.type === "search") { const safe = field.value.replace(KEY, "gr_$1…$2"); if (safe !== field.value) field.value = safe; }
    if (field.form && $("[data-sum]", field.form)) sum(field.form);
  }, true);

  document.addEventListener("change", (event) => {
    const preset = event.target, wanted = preset.dataset?.scopes;
    if (wanted === undefined || !preset.checked) return;
    for (const box of $$(".scope input[type=checkbox]", preset.form)) box.checked = wanted.split(" ").includes(box.value) && !box.disabled;
    sum(preset.form);
  });

  /* Many keys at once: the first box ticks them all, and says when some are. */
  function picked(form) {
    const boxes = [...$$("li:not(.is-apart) [name=key]", form)], all = form.elements.all;
    const count = $$("[name=key]:checked", form).length;
    all.checked = boxes.length > 0 && boxes.every((each) => each.checked);
    all.indeterminate = !all.checked && count > 0;
    $("[data-picked]", form).textContent = count ? `${count} selected` : "";
  }
  document.addEventListener("change", ({ target }) => {
    if (!target.form || !("pick" in target.form.dataset)) return;
    if (target.name === "all") for (const each of $$("li:not(.is-apart) [name=key]", target.form)) each.checked = target.checked;
    picked(target.form);
  });

  /* What the form would create, kept in view beside its button. */
  function sum(form) {
    const out = $("[data-sum]", form), scopes = $$(".scope input:checked", form).length;
    const end = $(".expiry input:checked", form), day = $(".expiry input[type=date]", form)?.value;
    let when = end?.dataset.says;
    if (end?.value === "custom" && day) when = "expires " + new Date(day + "T00:00").toLocaleDateString("en-US", { dateStyle: "medium" });
    const allowed = $("[name=networks]", form)?.value.trim() ? "IP allowlist" : "any address";
    out.textContent = [`${scopes} scope${scopes === 1 ? "" : "s"}`, when, allowed].filter(Boolean).join(", ");
  }

  /* ---- graphs: the legend is the read-out; a native slider gives the keyboard ---- */

  function inspect(graph, place) {
    const figures = $$("[data-figs] dd", graph), readout = $("[data-readout]", graph), band = $(".band", graph);
    if (place === null) {
      band.setAttribute("hidden", "");
      readout.textContent = readout.dataset.readout;
      for (const each of figures) each.textContent = each.dataset.total;
      return;
    }
    const hit = $(`[data-i="${place}"]`, graph), cells = $(".mini tbody", graph).rows[place].cells, scrub = $(".scrub", graph);
    figures.forEach((each, number) => { each.textContent = cells[number + 1].firstChild.textContent; });
    readout.textContent = hit.textContent.split(". ")[0];
    band.setAttribute("x", hit.getAttribute("x"));
    band.removeAttribute("hidden");
    scrub.value = place;
    scrub.setAttribute("aria-valuetext", hit.textContent);
  }
  document.addEventListener("pointerover", (event) => { const hit = event.target.closest?.(".hit rect"); if (hit) inspect(hit.closest("[data-graph]"), Number(hit.dataset.i)); });
  document.addEventListener("pointerout", (event) => { const plot = event.target.closest?.(".plot"); if (plot && !plot.contains(event.relatedTarget)) inspect(plot.closest("[data-graph]"), null); });
  for (const kind of ["focusin", "input"]) document.addEventListener(kind, ({ target }) => { if (target.matches?.(".scrub")) inspect(target.closest("[data-graph]"), Number(target.value)); });
  document.addEventListener("focusout", ({ target }) => { if (target.isConnected && target.matches?.(".scrub")) inspect(target.closest("[data-graph]"), null); });

  /* ---- what changes with time is asked for anew while it can be seen; a session that has ended ends that ---- */

  const REFRESH = 30_000;
  let asking = false, ended = false;

  async function refresh() {
    const source = $("[data-refresh]")?.dataset.refresh;
    if (!source || asking || ended || document.visibilityState !== "visible" || dlg?.open) return;
    asking = true;
    try {
      const answer = await fetch(source, { headers: { "HX-Request": "true", "X-Renewal": "1" }, signal: AbortSignal.timeout(15_000) });
      if (answer.status === 401) ended = true;
      if (!answer.ok || source !== $("[data-refresh]")?.dataset.refresh) return;
      const fresh = document.createElement("template");
      fresh.innerHTML = await answer.text();
      for (const each of $$("[data-live]", fresh.content)) renew(document.getElementById(each.id), each);
    } catch { /* The next turn tries again. */ } finally { asking = false; }
  }
  setInterval(refresh, REFRESH);
  document.addEventListener("visibilitychange", refresh);

  /* Put the new in place of the old, and all that the person did with the old with it. */
  function renew(old, fresh) {
    if (!old || !document.contains(old)) return;
    const active = old.contains(document.activeElement) ? document.activeElement.id : "";
    const scrub = $(".scrub", old), inspected = scrub && !$(".band", old).hasAttribute("hidden");
    const label = scrub && $(".mini tbody", old).rows[scrub.value].cells[0].textContent;
    for (const each of $$("details[open][id]", old)) { const same = $(`#${each.id}`, fresh); if (same) same.open = true; }
    const scrolled = [...$$("[id]", old)].filter((each) => each.scrollTop || each.scrollLeft).map((each) => [each.id, each.scrollTop, each.scrollLeft]);
    old.replaceWith(fresh);
    window.htmx?.process(fresh);
    arrange();
    for (const [id, top, left] of scrolled) document.getElementById(id)?.scrollTo(left, top);
    const place = scrub && [...($(".mini tbody", fresh)?.rows ?? [])].findIndex((row) => row.cells[0].textContent === label);
    if (place !== null && place >= 0) { $(".scrub", fresh).value = place; if (inspected) inspect(fresh, place); }
    if (active) document.getElementById(active)?.focus({ preventScroll: true });
  }

  arrange();
})();
