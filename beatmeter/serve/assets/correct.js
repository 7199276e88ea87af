// Corrections by ear: every click is sent at once, and "Saved" is said when it is on the disk.
import { page } from "./page.js";

const panel = document.getElementById("correct");
const state = JSON.parse(panel.dataset.state);
const part = (name) => document.getElementById(`correct-${name}`);
const empty = { meters: [], bars: [], changes: [], note: "" };

let said = state.correction ?? structuredClone(empty);
let known = state.correction !== null;
let version = state.version;
let two = said.meters.length === 2;
let sending = null;
let again = false;

/** Change what is said, show it, and send it. */
function say(change) {
  said = { ...said, ...change };
  known = true;
  show();
  send();
}

/** One request at a time; what is said meanwhile goes with the next one. */
async function send() {
  if (sending) {
    again = true;
    return;
  }
  tell("Saving");
  sending = exchange();
  const line = await sending;
  sending = null;
  if (line === null && again) {
    again = false;
    await send();
  } else {
    again = false;
    tell(line ?? (known ? "Saved" : "Taken back"), line !== null);
  }
}

/** Send what is said; null when it is saved, else why it is not. */
async function exchange() {
  const headers = { "content-type": "application/json", "if-match": `"${version}"` };
  const method = known ? "PUT" : "DELETE";
  const body = known ? JSON.stringify(said) : undefined;
  try {
    const answer = await fetch(`/recordings/${state.id}/correction`, { method, headers, body });
    if (answer.ok) {
      version = (await answer.json()).version;
      return null;
    }
    return `Not saved: ${(await answer.text()).trim()}`;
  } catch {
    return "Not saved: the server does not answer";
  }
}

function tell(text, problem = false) {
  part("status").textContent = text;
  part("status").classList.toggle("problem", problem);
  page.say(text);
}

function chooseMeter(meter) {
  let meters = [meter];
  if (two && said.meters.length) {
    const others = said.meters.filter((one) => one !== meter).slice(-1);
    const taken = said.meters.includes(meter) && others.length;
    meters = taken ? others : [...others, meter].sort((a, b) => a - b);
  }
  say({ meters });
  listen();
}

function chooseNone() {
  two = false;
  say({ meters: [], bars: [], changes: [] });
}

function chooseTwo() {
  two = !two;
  if (!two && said.meters.length === 2) say({ meters: said.meters.slice(0, 1) });
  else show();
}

function meterNow() {
  return said.meters[0] ?? page.grid.meter;
}

function now() {
  return Math.round(1000 * page.player.currentTime) / 1000;
}

function tap() {
  const bars = [...new Set([...said.bars, now()])].sort((a, b) => a - b);
  say({ bars, meters: said.meters.length ? said.meters : [meterNow()] });
  listen();
}

function untap() {
  say({ bars: said.bars.slice(0, -1) });
  listen();
}

function changeHere() {
  const meters = said.meters.length ? said.meters : [meterNow()];
  const others = said.changes.filter(([time]) => time !== now());
  const changes = [...others, [now(), meters[0]]].sort((a, b) => a[0] - b[0]);
  say({ meters, changes });
}

function changeMeter(index, meter) {
  say({ changes: said.changes.map((one, place) => (place === index ? [one[0], meter] : one)) });
}

function removeChange(index) {
  say({ changes: said.changes.filter((_, place) => place !== index) });
}

/** A note alone says nothing of the meter: it goes with the first thing that does. */
function writeNote() {
  const note = part("note").value.trim();
  if (known) {
    say({ note });
  } else {
    said = { ...said, note };
    tell("The note is saved with the meter that you choose");
  }
}

function takeBack() {
  said = structuredClone(empty);
  known = false;
  two = false;
  show();
  send();
}

/** Beats of what is said, so that it can be doubted by ear in turn. */
function listen() {
  const beats = said.bars.length > 1 ? betweenTaps() : countedFromTap();
  const meter = meterNow();
  const first = firstOfBar(beats, meter);
  const downbeats = said.bars.length > 1
    ? said.bars
    : beats.filter((_, index) => (index - first) % meter === 0);
  const time_signature = page.grid.meter === meter ? page.grid.time_signature : `${meter}/4`;
  page.useGrid({ name: "by ear", meter, time_signature, beats, downbeats });
}

/** Bars that were tapped, each divided into equal beats. */
function betweenTaps() {
  const meter = meterNow();
  const beats = [];
  for (let bar = 0; bar + 1 < said.bars.length; bar += 1) {
    const [start, end] = said.bars.slice(bar, bar + 2);
    for (let beat = 0; beat < meter; beat += 1) beats.push(start + ((end - start) * beat) / meter);
  }
  return [...beats, said.bars.at(-1)];
}

function countedFromTap() {
  return page.data.beats ?? page.grid.beats;
}

/** Which of the first beats begins a bar: the one that the tapped beat is counted from. */
function firstOfBar(beats, meter) {
  const tapped = said.bars[0] ?? page.grid.downbeats[0] ?? 0;
  let nearest = 0;
  for (let index = 1; index < beats.length; index += 1) {
    if (Math.abs(beats[index] - tapped) < Math.abs(beats[nearest] - tapped)) nearest = index;
  }
  return nearest % meter;
}

function show() {
  for (const button of part("meters").children) {
    button.setAttribute("aria-pressed", String(said.meters.includes(Number(button.value))));
  }
  part("two").setAttribute("aria-pressed", String(two));
  part("none").setAttribute("aria-pressed", String(known && said.meters.length === 0));
  part("untap").hidden = said.bars.length === 0;
  part("taps").textContent = inWords(said.bars);
  part("changes").replaceChildren(...said.changes.map(drawChange));
  if (part("note").value !== said.note) part("note").value = said.note;
  part("drop").hidden = !known;
}

function inWords(bars) {
  if (bars.length === 0) return "";
  if (bars.length === 1) return `A bar begins at ${bars[0].toFixed(2)} s.`;
  const mean = (bars.at(-1) - bars[0]) / (bars.length - 1);
  return `${bars.length} taps from ${bars[0].toFixed(2)} s on, ${mean.toFixed(2)} s a bar.`;
}

function drawChange([time, meter], index) {
  const line = document.createElement("li");
  const label = document.createElement("label");
  label.append(`From ${time.toFixed(2)} s in `);
  const select = document.createElement("select");
  for (const one of state.meters) select.add(new Option(String(one), String(one), false, one === meter));
  select.addEventListener("change", () => changeMeter(index, Number(select.value)));
  label.append(select);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "button";
  remove.textContent = "Remove";
  remove.addEventListener("click", () => removeChange(index));
  line.append(label, remove);
  return line;
}

for (const meter of state.meters) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.value = String(meter);
  button.textContent = String(meter);
  if (meter === page.data.meter) {
    button.textContent = `${meter}, as heard`;
  }
  button.addEventListener("click", () => chooseMeter(meter));
  part("meters").append(button);
  const key = meter === 11 ? "1" : String(meter);
  page.keys.add(key, `the meter is ${meter}`, () => chooseMeter(meter));
}
const actions = [
  ["tap", "T", "tap the first beat of a bar", tap],
  ["none", "N", "no bar", chooseNone],
  ["two", "2", "two meters at once", chooseTwo],
  ["change", "X", "the meter changes here", changeHere],
];
for (const [name, key, help, action] of actions) {
  part(name).addEventListener("click", action);
  page.keys.add(key, help, action);
}
part("untap").addEventListener("click", untap);
part("drop").addEventListener("click", takeBack);
part("note").addEventListener("change", writeNote);
part("next").href = `/next?after=${state.id}`;
window.addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});
show();
if (said.bars.length) listen();
