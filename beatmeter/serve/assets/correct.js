// Corrections by ear: every click is sent at once, and "Saved" is said when it is on the disk.
import { page } from "./page.js";

// A scope of its own: this script is joined with those of the page.
{
  const panel = document.getElementById("correct");
  const state = JSON.parse(panel.dataset.state);
  const part = (name) => document.getElementById(`correct-${name}`);
  const found = page.data.grids[0];
  const NEAR_S = 0.05; // a beat this close to a change belongs to what begins there
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
  }

  function chooseMeter(meter) {
    if (said.changes.length && !two) {
      sayChanges([[0, meter], ...said.changes.slice(1)]);
      return;
    }
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
    page.useGrid(found);
  }

  function chooseTwo() {
    two = !two;
    if (!two && said.meters.length === 2) say({ meters: said.meters.slice(0, 1) });
    else show();
  }

  /** The meter that the recording begins in. */
  function meterNow() {
    return said.changes[0]?.[1] ?? said.meters[0] ?? page.data.verdict.meter;
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
    const before = said.changes.length ? said.changes : [[0, meterNow()]];
    const others = before.filter(([time]) => time !== now());
    sayChanges([...others, [now(), meterNow()]].sort((a, b) => a[0] - b[0]));
    part("changes").querySelector(`[data-time="${now()}"]`)?.focus();
  }

  /** Say from when on which meter counts; that of most of the recording stands for all of it. */
  function sayChanges(all) {
    const changes = all.length > 1 ? all : [];
    const lasting = new Map();
    all.forEach(([start, meter], index) => {
      const end = all[index + 1]?.[0] ?? page.data.duration_s;
      lasting.set(meter, (lasting.get(meter) ?? 0) + end - start);
    });
    const [main] = [...lasting].reduce((a, b) => (b[1] > a[1] ? b : a));
    say({ changes, meters: two && said.meters.length ? said.meters : [main] });
    listen();
  }

  function changeMeter(index, meter) {
    sayChanges(said.changes.map((one, place) => (place === index ? [one[0], meter] : one)));
  }

  function removeChange(index) {
    sayChanges(said.changes.filter((_, place) => place !== index));
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
    page.useGrid(found);
  }

  /** Draw and click what is said, so that it can be doubted by ear in turn. */
  function listen() {
    const segments = segmentsSaid();
    const tapped = said.bars.length > 1;
    const beats = tapped ? beatsTapped(segments) : found.beats;
    const downbeats = tapped ? said.bars : segments.flatMap((segment) => barsCounted(segment, beats));
    for (const segment of segments) segment.bar_duration_s = barDuration(segment, downbeats);
    page.useGrid({ name: "by ear", beats, downbeats, segments });
  }

  /** Spans in one meter, of all the recording. */
  function segmentsSaid() {
    const starts = said.changes.length ? said.changes : [[0, meterNow()]];
    return starts
      .map(([start_s, meter], index) => ({
        start_s,
        end_s: starts[index + 1]?.[0] ?? page.data.duration_s,
        meter,
        confidence: 1,
        time_signature: signatureOf(meter),
        bars_heard: true,
      }))
      .filter((segment) => segment.end_s > segment.start_s);
  }

  function signatureOf(meter) {
    const heard = found.segments.find((segment) => segment.meter === meter);
    return heard?.time_signature ?? `${meter}/4`;
  }

  /** Beats of bars that were tapped: each bar divided evenly. */
  function beatsTapped(segments) {
    const beats = [];
    said.bars.slice(0, -1).forEach((start, bar) => {
      const length = said.bars[bar + 1] - start;
      const { meter } = segments.find((segment) => start < segment.end_s) ?? segments.at(-1);
      for (let beat = 0; beat < meter; beat += 1) beats.push(start + (length * beat) / meter);
    });
    return [...beats, said.bars.at(-1)];
  }

  /** Bars counted out on beats, from the one that was tapped or where the meter changes. */
  function barsCounted({ start_s, end_s, meter }, beats) {
    const within = beats.filter((beat) => start_s - NEAR_S <= beat && beat < end_s - NEAR_S);
    const tapped = said.bars.find((bar) => start_s <= bar && bar < end_s);
    const first = tapped ?? (start_s > 0 ? start_s : found.downbeats[0]) ?? 0;
    const distances = within.map((beat) => Math.abs(beat - first));
    const anchor = distances.indexOf(Math.min(...distances)) % meter;
    return within.filter((_, index) => index % meter === anchor);
  }

  function barDuration({ start_s, end_s }, downbeats) {
    const within = downbeats.filter((bar) => start_s - NEAR_S <= bar && bar < end_s);
    return within.length > 1 ? (within.at(-1) - within[0]) / (within.length - 1) : null;
  }

  function show() {
    const pressed = said.changes.length && !two ? [meterNow()] : said.meters;
    for (const button of part("meters").children) {
      button.setAttribute("aria-pressed", String(pressed.includes(Number(button.value))));
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
    label.append(index ? `From ${time.toFixed(2)} s on in ` : "From the beginning in ");
    const select = document.createElement("select");
    select.dataset.time = time;
    for (const one of state.meters) select.add(new Option(one, one, false, one === meter));
    select.addEventListener("change", () => changeMeter(index, Number(select.value)));
    label.append(select);
    line.append(label);
    if (index) line.append(removeButton(index));
    return line;
  }

  function removeButton(index) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = "Remove";
    button.addEventListener("click", () => removeChange(index));
    return button;
  }

  for (const meter of state.meters) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.value = String(meter);
    button.textContent = String(meter);
    if (meter === page.data.verdict.meter) {
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
  part("play").addEventListener("click", () => page.toggle());
  for (const event of ["play", "pause"]) {
    page.player.addEventListener(event, () => {
      part("play").textContent = page.player.paused ? "Play" : "Pause";
    });
  }
  part("untap").addEventListener("click", untap);
  part("drop").addEventListener("click", takeBack);
  part("note").addEventListener("change", writeNote);
  part("next").href = `/next?after=${state.id}`;
  window.addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault();
  });
  show();
  if (said.meters.length) listen();
}
