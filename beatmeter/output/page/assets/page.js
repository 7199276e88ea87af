// The page: its parts, and what ties them together. `page` is what further scripts may use.

import { Heat } from "./heat.js";
import { Keys } from "./keys.js";
import { Overview } from "./overview.js";
import { Player } from "./player.js";
import { Sound } from "./sound.js";
import { Tables } from "./tables.js";
import { Waveform } from "./waveform.js";
import { clock } from "./drawing.js";
import { firstFrom } from "./clicks.js";

const NEAR_S = 0.05; // a beat this little ahead is the present one
const LONGEST_BAR = 1.5; // usual ones: what lasts longer is a gap between excerpts
const BEFORE_S = 0.4; // going back within so little of a bar goes to the bar before

const element = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.data = JSON.parse(element("data").textContent);
    const told = JSON.parse(element("sound").textContent);
    this.player = new Player(new Sound(told, this.data.duration_s));
    this.keys = new Keys(element("keys"));
    const seek = (time) => this.seek(time);
    this.overview = new Overview(element("overview"), this.data.duration_s, told, seek);
    const { nonce } = element("script");
    this.waveform = new Waveform(element("wave"), this.player, told, nonce, (visible) =>
      this.overview.mark(visible),
    );
    const plots = [element("heat"), element("heat-caption"), element("over-time")];
    this.tables = new Tables(this.data, seek);
    this.heat = new Heat(this.data, ...plots, seek, (row) => this.tables.choose(row));
    this.#bindPlayer();
    this.#bindControls();
    this.#bindKeys();
    this.useGrid(this.data.grids[0]);
  }

  /** Draw a grid and click it: {name, beats, downbeats, segments}, times in seconds. */
  useGrid(grid) {
    const heads = new Set(grid.downbeats);
    this.grid = { ...grid, isDownbeat: grid.beats.map((beat) => heads.has(beat)) };
    this.player.grid = this.grid;
    this.waveform.show(this.grid);
    this.overview.show(this.grid);
    this.tables.show(this.grid);
    if (this.player.looped) this.loopBar();
    element("loop").disabled = !grid.downbeats.length;
    for (const choice of document.getElementsByName("grid")) {
      choice.checked = this.data.grids[choice.value]?.name === grid.name;
    }
    this.#tell();
  }

  seek(time) {
    this.player.currentTime = time;
  }

  /** Repeat a span in seconds; null ends that. */
  loop(start, end) {
    this.player.loop(start === null ? null : { start, end });
  }

  /** Repeat the bar at the playhead. */
  loopBar() {
    const bar = this.barAt(this.player.currentTime);
    if (bar) this.loop(bar.start, bar.end);
    else this.loop(null);
  }

  toggleLoop() {
    if (this.player.looped) this.loop(null);
    else if (this.grid.downbeats.length) this.loopBar();
    else this.say("No bar is heard, so there is none to repeat.");
  }

  toggle() {
    if (this.player.paused) this.player.play();
    else this.player.pause();
  }

  toggleClicks() {
    const on = element("clicks").getAttribute("aria-pressed") !== "true";
    element("clicks").setAttribute("aria-pressed", on);
    this.#setClicks();
    this.say(on ? "Clicks on" : "Clicks off");
  }

  /** The bar that holds a time: {number, start, end}, or null. */
  barAt(time) {
    const { downbeats } = this.grid;
    const index = firstFrom(downbeats, time + NEAR_S) - 1;
    if (index < 0) return null;
    const { bar_duration_s: usual, end_s: last } = this.#segmentAt(downbeats[index]);
    const next = downbeats[index + 1] ?? Infinity;
    const end = Math.min(next, downbeats[index] + LONGEST_BAR * (usual ?? Infinity), last);
    if (time + NEAR_S >= end) return null; // nothing was counted here
    return { number: index + 1, start: downbeats[index], end };
  }

  /** Go to the next beat or bar, or with -1 to the one before; a loop goes along. */
  step(times, direction) {
    const now = this.player.currentTime;
    const index =
      direction > 0
        ? firstFrom(times, now + NEAR_S)
        : firstFrom(times, now - (this.player.paused ? NEAR_S : BEFORE_S)) - 1;
    const looped = this.player.looped;
    this.seek(times[index] ?? (direction > 0 ? this.data.duration_s : 0));
    if (looped) this.loopBar();
  }

  /** Tell something to everybody, also to those who do not see it. */
  say(text) {
    element("say").textContent = text;
  }

  #bindPlayer() {
    const { player } = this;
    player.addEventListener("timeupdate", () => this.#tell());
    for (const event of ["play", "pause"]) {
      player.addEventListener(event, () => {
        element("play").textContent = player.paused ? "Play" : "Pause";
        element("play").classList.toggle("playing", !player.paused);
      });
    }
    player.addEventListener("loop", () => {
      element("loop").setAttribute("aria-pressed", player.looped !== null);
      this.waveform.mark(player.looped);
    });
    player.addEventListener("trouble", (event) => {
      const players = "Chrome, Firefox, Edge, and Safari from 18.4 on play it";
      this.say(`The sound, Ogg Opus, cannot be played: ${event.detail.message} (${players}).`);
    });
  }

  #bindControls() {
    const on = (id, action) => element(id).addEventListener("click", action);
    on("play", () => this.toggle());
    on("back", () => this.step(this.#bars(), -1));
    on("forward", () => this.step(this.#bars(), 1));
    on("loop", () => this.toggleLoop());
    on("clicks", () => this.toggleClicks());
    on("zoom-in", () => this.waveform.zoomIn());
    on("zoom-out", () => this.waveform.zoomOut());
    element("level").addEventListener("input", () => this.#setClicks());
    for (const choice of document.getElementsByName("grid")) {
      choice.addEventListener("change", () => this.useGrid(this.data.grids[choice.value]));
    }
    const follow = element("follow");
    follow?.addEventListener("change", () => {
      this.heat.follow = follow.checked;
      this.heat.at(this.player.currentTime);
    });
  }

  #bindKeys() {
    const { keys } = this;
    keys.add(" ", "play, pause", () => this.toggle());
    keys.add("ArrowLeft", "to the beat before", () => this.step(this.grid.beats, -1));
    keys.add("ArrowRight", "to the next beat", () => this.step(this.grid.beats, 1));
    keys.add("Shift+ArrowLeft", "to the bar before", () => this.step(this.#bars(), -1));
    keys.add("Shift+ArrowRight", "to the next bar", () => this.step(this.#bars(), 1));
    keys.add("Home", "to the beginning", () => this.seek(0));
    keys.add("End", "to the end", () => this.seek(this.data.duration_s));
    keys.add("L", "repeat this bar, or go on", () => this.toggleLoop());
    keys.add("C", "clicks on, off", () => this.toggleClicks());
    if (this.data.grids.length > 1) keys.add("A", "the other grid", () => this.#otherGrid());
    keys.add("+", "zoom in", () => this.waveform.zoomIn());
    keys.add("=", null, () => this.waveform.zoomIn());
    keys.add("-", "zoom out", () => this.waveform.zoomOut());
    keys.add("?", "this list", () => {
      const help = element("help");
      help.open = !help.open;
      if (help.open) help.querySelector("summary").focus();
    });
  }

  #otherGrid() {
    const { grids } = this.data;
    const index = grids.findIndex((grid) => grid.name === this.grid.name);
    this.useGrid(grids[(index + 1) % grids.length]);
    const { bars_heard: isBarred, time_signature: signature } = this.grid.segments[0];
    this.say(`Grid: ${this.grid.name}, ${isBarred ? signature : "no bar"}`);
  }

  #setClicks() {
    const on = element("clicks").getAttribute("aria-pressed") === "true";
    this.player.clickLevel = on ? element("level").value / 100 : 0;
  }

  #bars() {
    return this.grid.downbeats.length ? this.grid.downbeats : this.grid.beats;
  }

  #segmentAt(time) {
    return this.grid.segments.find((segment) => time < segment.end_s) ?? this.grid.segments.at(-1);
  }

  #tell() {
    const time = this.player.currentTime;
    const bar = this.barAt(time);
    this.heat.at(time);
    element("time").textContent = `${clock(time, 1)} / ${clock(this.data.duration_s)}`;
    element("place").textContent = this.#placeAt(time, bar);
    this.#tellBeat(bar, time);
    this.overview.at(time);
  }

  #placeAt(time, bar) {
    if (this.heat.isGap && !bar) return "not heard here";
    const { bars_heard: isBarred, time_signature: signature } = this.#segmentAt(time);
    if (!isBarred) return "no bar";
    return bar ? `bar ${bar.number} · ${signature}` : signature;
  }

  /** Dots for the beats of the bar, the present one filled. */
  #tellBeat(bar, time) {
    const dots = element("beats");
    const { beats } = this.grid;
    const first = bar ? firstFrom(beats, bar.start) : 0;
    const count = bar ? firstFrom(beats, bar.end - NEAR_S) - first : 0;
    const present = bar ? firstFrom(beats, time + NEAR_S) - first - 1 : -1;
    while (dots.children.length > count) dots.lastChild.remove();
    while (dots.children.length < count) dots.appendChild(document.createElement("i"));
    [...dots.children].forEach((dot, i) => dot.classList.toggle("now", i === present));
  }
}

export const page = new Page();
window.beatmeterPage = page; // for the console
