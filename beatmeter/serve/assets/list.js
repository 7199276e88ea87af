// The list of recordings: asks the server what is new, shows it, and takes files that are dropped.

const POLL_MS = 1500;
const SHOWN_AT_FIRST = 200;
const UPLOADS_AT_ONCE = 3;
const LIKELY = 0.6; // from which on the page of a recording says so too
const by = (id) => document.getElementById(id);

const rows = new Map();
let version = -1;
let shown = SHOWN_AT_FIRST;
let polled = Promise.resolve();

/** An element with text, which is never taken for markup. */
function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Ask what is new, once whoever asks already is answered: no row falls back to an older state. */
function poll() {
  polled = polled.then(askForNews);
  return polled;
}

async function askForNews() {
  try {
    const answer = await fetch(`/recordings?since=${version}`);
    if (!answer.ok) throw new Error(await answer.text());
    const news = await answer.json();
    if (news.everything) rows.clear();
    for (const row of news.rows) rows.set(row.id, row);
    const changed = news.rows.length > 0 || news.everything;
    version = news.version;
    complain(news.problems.join("; "));
    tellProgress(news.left);
    if (changed) draw();
  } catch {
    complain("The server does not answer; was it ended?");
  }
}

async function pollForEver() {
  if (!document.hidden) await poll();
  setTimeout(pollForEver, POLL_MS);
}

function complain(text) {
  by("problems").hidden = text === "";
  if (by("problems").textContent !== text) by("problems").textContent = text;
}

function tellProgress(left) {
  const corrected = [...rows.values()].filter((row) => row.correction).length;
  const parts = [`${rows.size} recordings`, `${corrected} by ear`];
  if (left) parts.push(`${left} to analyse`);
  const text = parts.join(", ");
  if (by("progress").textContent !== text) by("progress").textContent = text;
}

const SHOWS = {
  all: () => true,
  unchecked: (row) => row.heard && !row.correction,
  corrected: (row) => row.correction,
  waiting: (row) => row.status === "waiting" || row.status === "running",
  failed: (row) => row.status === "failed",
};

function sureness(row) {
  if (row.heard) return row.heard.confidence;
  return row.status === "failed" ? 3 : 2;
}

const ORDERS = {
  unsure: (a, b) => sureness(a) - sureness(b) || a.name.localeCompare(b.name),
  name: (a, b) => a.name.localeCompare(b.name),
};

function draw() {
  const wanted = by("find").value.trim().toLowerCase();
  const chosen = [...rows.values()]
    .filter(SHOWS[by("show").value])
    .filter((row) => `${row.name} ${row.heard?.time_signature ?? ""}`.toLowerCase().includes(wanted))
    .sort(ORDERS[by("order").value]);
  const focused = document.activeElement?.dataset?.id;
  by("rows").replaceChildren(...chosen.slice(0, shown).map(drawRow));
  if (focused) by("rows").querySelector(`a[data-id="${focused}"]`)?.focus();
  by("more").hidden = chosen.length <= shown;
  by("empty").hidden = chosen.length > 0;
  by("empty").textContent = rows.size ? "None of the recordings is like that." : "No recordings yet.";
}

function drawRow(row) {
  const drawn = document.createElement("tr");
  const name = document.createElement("td");
  const link = element("a", row.name);
  link.href = `/recordings/${row.id}`;
  link.dataset.id = row.id;
  name.append(link);
  for (const line of row.warnings) name.append(element("div", line, "quiet"));
  if (row.failure) name.append(element("div", row.failure, "problem"), againButton(row));
  const heard = document.createElement("td");
  const sure = document.createElement("td");
  if (row.heard) {
    heard.append(element("strong", row.heard.bars_heard ? row.heard.time_signature : "no bar"));
    if (row.heard.changes) heard.append(element("span", ` ${row.heard.changes + 1} segments`, "quiet"));
    sure.append(gauge(row.heard.confidence));
  } else {
    const words = { waiting: "waiting", running: "is being analysed", failed: "failed" };
    heard.append(element("span", words[row.status] ?? "", "quiet"));
  }
  drawn.append(name, heard, sure, element("td", row.correction ? inWords(row.correction) : ""));
  return drawn;
}

function gauge(share) {
  const drawn = element("div", "", share < LIKELY ? "confidence unsure" : "confidence");
  const meter = document.createElement("meter");
  meter.value = share;
  meter.setAttribute("aria-label", "confidence");
  drawn.append(meter, `${Math.round(100 * share)} %`);
  return drawn;
}

function againButton(row) {
  const button = element("button", "Try again", "button");
  button.addEventListener("click", async () => {
    await fetch(`/recordings/${row.id}/listen`, { method: "POST" });
    await poll();
  });
  return button;
}

/** What an ear said, such as "3 and 4", or "3, then 4". */
function inWords(correction) {
  const meters = correction.meters.length ? correction.meters.join(" and ") : "no bar";
  if (correction.changes.length === 0) return meters;
  return correction.changes.map(([, meter]) => meter).join(", then ");
}

// Uploads

const waiting = [];
let running = 0;

function take(files) {
  for (const file of files) {
    const line = element("li", file.name);
    by("uploads").append(line);
    const reason = whyRefused(file);
    if (reason) line.append(element("div", reason, "problem"));
    else waiting.push({ file, line });
  }
  startUploads();
}

function whyRefused(file) {
  const { mostBytes, suffixes } = document.body.dataset;
  if (!suffixes.split(",").some((suffix) => file.name.toLowerCase().endsWith(suffix))) {
    return "is no recording by its name";
  }
  if (file.size > Number(mostBytes)) return `is larger than ${Math.round(mostBytes / 1e6)} MB`;
  return null;
}

function startUploads() {
  while (running < UPLOADS_AT_ONCE && waiting.length) {
    running += 1;
    upload(waiting.shift());
  }
}

function upload({ file, line }) {
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", `sending ${file.name}`);
  bar.max = file.size;
  line.append(bar);
  const request = new XMLHttpRequest();
  request.open("POST", `/uploads?name=${encodeURIComponent(file.name)}`);
  request.upload.addEventListener("progress", (event) => { bar.value = event.loaded; });
  request.addEventListener("loadend", async () => {
    running -= 1;
    startUploads();
    if (request.status === 201) {
      line.remove();
      await poll();
    } else {
      bar.replaceWith(element("div", request.responseText || "could not be sent", "problem"));
    }
  });
  request.send(file);
}

by("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
for (const name of ["dragover", "drop", "dragleave"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", name === "dragover");
    if (name === "drop") take(event.dataTransfer.files);
  });
}
for (const id of ["find", "show", "order"]) {
  by(id).addEventListener("input", () => { shown = SHOWN_AT_FIRST; draw(); });
}
by("more").addEventListener("click", () => { shown += SHOWN_AT_FIRST; draw(); });
pollForEver();
