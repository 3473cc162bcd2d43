// An officer's confirmation outlives the network, and photographs are made small before they are sent.
//
// A confirmation that is pressed is first written down in the browser, then sent, again and again, until a service has
// answered. Its Idempotency-Key is made once, so that however often it is sent it has one effect. What is written down
// names a task, never a person, and is sent only in the name of whoever pressed it.
(() => {
  "use strict";
  const STORE = "baton.waiting";
  const AGAIN_MS = 15000;
  const LONGEST_MS = 20000;
  const LARGEST_SIDE = 1600; // pixels
  const QUALITY = 0.8;
  const shown = document.getElementById("waiting");

  if (shown) startQueue(shown);
  document.querySelectorAll("input[type=file][data-shrink]").forEach(shrinkWhenChosen);
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
  document.addEventListener("keydown", followShortcut);

  function startQueue(section) {
    const words = section.dataset;
    const template = section.querySelector("template");
    const list = section.querySelector("ul");
    let busy = null; // the one that is on its way

    const all = () => JSON.parse(localStorage.getItem(STORE) || "[]");
    const mine = () => all().filter((one) => one.account === words.account);
    const change = (key, changed) => {
      const kept = all().map((one) => (one.key === key ? changed && { ...one, ...changed } : one)).filter(Boolean);
      localStorage.setItem(STORE, JSON.stringify(kept));
      show();
    };

    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (!form.matches("form[data-queue]")) return;
      event.preventDefault();
      const path = new URL(form.action).pathname;
      if (mine().some((one) => one.path === path)) return;
      const key = form.querySelector("[name=key]").value;
      const pressed = { path, key, account: words.account, at: new Date().toISOString(), state: "waiting" };
      localStorage.setItem(STORE, JSON.stringify([...all(), pressed]));
      show();
      sendAll(key);
    });

    async function sendAll(justPressed) {
      const send = async () => {
        for (const one of mine()) if (one.state !== "refused") await sendOne(one, justPressed === one.key);
      };
      if (!navigator.locks) return send();
      return navigator.locks.request(STORE, send); // one tab at a time
    }

    async function sendOne(one, justPressed) {
      if (!mine().some((still) => still.key === one.key)) return; // undone, or sent by another tab
      busy = one.key;
      show();
      const token = document.querySelector("input[name=csrf_token]").value;
      try {
        const answer = await fetch(one.path, {
          method: "POST",
          body: new URLSearchParams({ csrf_token: token, key: one.key }),
          headers: { Accept: "application/json" },
          signal: AbortSignal.timeout(LONGEST_MS),
        });
        await follow(one, answer, justPressed);
      } catch {
        change(one.key, { state: "waiting" }); // no network: later
      } finally {
        busy = null;
        show();
      }
    }

    async function follow(one, answer, justPressed) {
      const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
      const said = isJson ? await answer.json() : {};
      if (answer.ok && said.there) {
        change(one.key, null);
        if (justPressed) location.assign(said.there);
        else refresh(said);
      } else if (answer.status === 401) {
        change(one.key, { state: "signed_out" });
      } else if (isJson && said.said && answer.status < 500) {
        change(one.key, { state: "refused", said: said.said });
        if (justPressed) location.reload(); // to what the task has become; the refusal stays to be seen
      } else {
        change(one.key, { state: "waiting" });
      }
    }

    function refresh(said) {
      section.querySelector("[role=status]").textContent = said.said;
      const tasks = document.getElementById("tasks");
      if (tasks) tasks.dispatchEvent(new Event("refresh"));
      else if (location.pathname === said.there) location.reload();
    }

    function show() {
      const waiting = mine();
      section.hidden = waiting.length === 0 && !section.querySelector("[role=status]").textContent;
      list.replaceChildren(...waiting.map(row));
      document.querySelectorAll("form[data-queue]").forEach((form) => {
        const isWaiting = waiting.some((one) => one.path === new URL(form.action).pathname);
        form.querySelector("button").hidden = isWaiting;
        form.querySelector(".queued").hidden = !isWaiting;
      });
    }

    function row(one) {
      const item = template.content.cloneNode(true);
      const time = new Date(one.at).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
      item.querySelector("[data-words]").className = one.state === "refused" ? "fault" : "";
      item.querySelector("[data-words]").textContent = `${one.said || words[one.state]} · ${time}`;
      item.querySelector("a").href = one.path.replace(/\/[^/]+$/, "");
      const undo = item.querySelector("button");
      undo.disabled = one.key === busy;
      undo.textContent = one.state === "refused" ? words.dismiss : words.undo;
      undo.addEventListener("click", () => change(one.key, null));
      return item;
    }

    addEventListener("online", () => sendAll());
    addEventListener("storage", show);
    document.addEventListener("visibilitychange", () => document.hidden || sendAll());
    setInterval(() => mine().length && sendAll(), AGAIN_MS);
    const tasks = document.getElementById("tasks");
    if (tasks) new MutationObserver(show).observe(tasks, { childList: true });
    show();
    sendAll();
  }

  // A telephone's photograph has megabytes, and says where it was taken: neither is needed.
  function shrinkWhenChosen(input) {
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (!file || !file.type.startsWith("image/")) return;
      try {
        const files = new DataTransfer();
        files.items.add(await smaller(file));
        input.files = files.files;
      } catch {
        // a picture that this browser cannot read is sent as it is
      }
    });
  }

  async function smaller(file) {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LARGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return new File([blob], "photograph.jpg", { type: "image/jpeg" });
  }

  // Alt+Shift with the digit of the menu's entry, 0 for the tenth; never while somebody types.
  function followShortcut(event) {
    if (!event.altKey || !event.shiftKey || !event.code.startsWith("Digit")) return;
    const link = document.querySelectorAll("header nav a")[(Number(event.code.slice(5)) || 10) - 1];
    if (!link) return;
    event.preventDefault();
    link.focus();
    link.click();
  }
})();
