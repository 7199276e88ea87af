// Listens to the microphone and asks every two seconds for the meter of the last twelve.

const HEARD_S = 12;
const LEAST_S = 5; // fewer hold no two bars
const EVERY_MS = 2000;
const by = (id) => document.getElementById(id);

let context = null;
let stream = null;
let timer = null;
let samples = null; // a ring
let written = 0;
let asking = false;
let presses = 0; // of the button: each ends what the one before began

async function begin(press) {
  // A browser's cleaning of speech takes music away.
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const opened = await navigator.mediaDevices.getUserMedia({ audio: plain });
  if (press !== presses) return close(opened); // ended while the user was asked
  stream = opened;
  context = new AudioContext();
  await context.audioWorklet.addModule("/assets/recorder.js");
  if (press !== presses) return;
  samples = new Float32Array(HEARD_S * context.sampleRate);
  written = 0;
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  recorder.port.onmessage = ({ data }) => keep(data);
  context.createMediaStreamSource(stream).connect(recorder);
  timer = setInterval(ask, EVERY_MS);
  say("Listening");
}

function end() {
  clearInterval(timer);
  close(stream);
  context?.close();
  context = stream = null;
  say("Not listening");
}

function close(microphone) {
  for (const track of microphone?.getTracks() ?? []) track.stop();
}

function keep(block) {
  for (const value of block) {
    samples[written % samples.length] = value;
    written += 1;
  }
}

/** The last seconds in their order. */
function lastSeconds() {
  if (written < samples.length) return samples.slice(0, written);
  const start = written % samples.length;
  const ordered = new Float32Array(samples.length);
  ordered.set(samples.subarray(start));
  ordered.set(samples.subarray(0, start), samples.length - start);
  return ordered;
}

async function ask() {
  if (asking || written < LEAST_S * context.sampleRate) return;
  const asked = context;
  asking = true;
  const told = await heard(asked.sampleRate);
  asking = false;
  if (context === asked) show(told); // an answer that comes after the end is not shown
}

/** What the server tells of the last seconds; `failure` says why it tells nothing. */
async function heard(rate) {
  try {
    const place = `/heard?rate=${Math.round(rate)}`;
    const answer = await fetch(place, { method: "POST", body: lastSeconds() });
    return answer.ok ? await answer.json() : { failure: (await answer.text()).trim() };
  } catch {
    return { failure: "The server does not answer; was it ended?" };
  }
}

function show(told) {
  if (told.failure) {
    say(told.failure);
    return;
  }
  const [over, under] = told.time_signature.split("/");
  const parts = told.bars_heard ? [over, under] : ["no bar"];
  by("signature").replaceChildren(...parts.map((part) => {
    const line = document.createElement("span");
    line.textContent = part;
    return line;
  }));
  by("meter").textContent = told.bars_heard ? `Meter ${told.meter}` : "No bar is heard";
  by("sure").value = told.confidence;
  by("percent").textContent = `${Math.round(100 * told.confidence)} % sure`;
  by("tempo").textContent = `${told.tempo_bpm.toFixed(0)} BPM`;
  say("Listening");
}

function say(text) {
  if (by("status").textContent !== text) by("status").textContent = text;
}

by("listen").addEventListener("click", async () => {
  const press = ++presses;
  const on = by("listen").getAttribute("aria-pressed") !== "true";
  by("listen").setAttribute("aria-pressed", String(on));
  by("listen").textContent = on ? "Stop" : "Listen";
  try {
    if (on) await begin(press);
    else end();
  } catch (reason) {
    if (press !== presses) return;
    by("listen").setAttribute("aria-pressed", "false");
    by("listen").textContent = "Listen";
    end();
    say(`The microphone cannot be used: ${reason.message}`);
  }
});
