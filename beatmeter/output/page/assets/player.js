// Playing: spans of the recording are scheduled ahead on the audio clock, and clicks with them. A
// span ends where its piece ends, or where the loop does. To wavesurfer it looks like an <audio>.

import { Clicks } from "./clicks.js";

const AHEAD_S = 2.5; // pages in the background wake up once a second
const LEAD_S = 0.06; // between scheduling and sounding
const FADE_S = 0.005; // pieces pass into each other, and nothing begins with a crack
const TICK_MS = 50;
const MUSIC_GAIN = 0.7; // leaves room for the clicks

export class Player extends EventTarget {
  #position = 0;
  #run = null; // of the present run of scheduling: null when paused
  #spans = []; // {at, start, end}: of the context's clock, and of the recording
  #sources = new Set();
  #grid = { beats: [], isDownbeat: [] };
  #loop = null;
  #level = 0;

  constructor(sound) {
    super();
    this.sound = sound;
    this.duration = sound.duration;
    this.seeking = false;
    this.readyState = 4; // HAVE_ENOUGH_DATA
    this.volume = 1;
    this.muted = false;
    this.playbackRate = 1;
    this.src = this.currentSrc = "";
  }

  get paused() {
    return this.#run === null;
  }

  get currentTime() {
    if (this.paused || !this.#spans.length) return this.#position;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    while (this.#spans.length > 1 && this.#spans[1].at <= now) this.#spans.shift();
    const { at, start, end } = this.#spans[0];
    return Math.min(end, Math.max(start, start + now - at));
  }

  set currentTime(time) {
    this.#position = Math.max(0, Math.min(time, this.duration));
    if (this.#loop && !isWithin(time, this.#loop)) {
      this.#loop = null;
      this.#emit("loop");
    }
    this.#emit("seeking");
    if (!this.paused) this.#restart();
    this.#emit("seeked", "timeupdate");
  }

  async play() {
    if (!this.paused) return;
    if (this.#position >= this.duration - LEAD_S) this.#position = this.#loop?.start ?? 0;
    if (!this.context) this.open(new AudioContext({ latencyHint: "interactive" }));
    this.#run = {}; // playing from here on, even while the browser still opens its output
    this.#emit("play");
    await this.context.resume();
    if (!this.paused) this.#restart();
  }

  pause() {
    if (this.paused) return;
    this.#position = this.currentTime;
    this.#stop();
    this.#emit("pause", "timeupdate");
  }

  /** Repeat a span of the recording, {start, end}; null plays on. */
  loop(span) {
    this.#position = this.currentTime;
    this.#loop = span;
    if (span && !isWithin(this.#position, span)) this.#position = span.start;
    if (!this.paused) this.#restart();
    this.#emit("loop", "timeupdate");
  }

  /** Until when, on the context's clock, all is scheduled. */
  get scheduledUntil() {
    const last = this.#spans.at(-1);
    return last ? last.at + last.end - last.start : 0;
  }

  get looped() {
    return this.#loop;
  }

  /** Click these beats: {beats, isDownbeat}, two lists of one length. */
  set grid(grid) {
    this.#grid = grid;
    if (this.paused || !this.clicks) return;
    this.clicks.cancel();
    for (const span of this.#spans) this.clicks.schedule(span, grid);
  }

  /** The level of the clicks, 0 to 1. */
  set clickLevel(level) {
    this.#level = level;
    if (this.clicks) this.clicks.level = level;
  }

  /** Play into a context, which plain play() makes where there is none. */
  open(context) {
    if (navigator.audioSession) navigator.audioSession.type = "playback"; // not muted on iPhones
    this.context = context;
    this.output = new GainNode(this.context);
    this.output.connect(this.context.destination);
    this.music = new GainNode(this.context, { gain: MUSIC_GAIN });
    this.music.connect(this.output);
    this.clicks = new Clicks(this.context, this.output);
    this.clicks.level = this.#level;
  }

  #stop() {
    this.#run = null;
    this.#spans = [];
    for (const source of this.#sources) source.stop();
    this.#sources.clear();
    this.clicks.cancel();
  }

  #restart() {
    this.#stop();
    this.#run = {};
    this.#schedule(this.#run).catch((reason) => {
      this.pause();
      this.dispatchEvent(new CustomEvent("trouble", { detail: reason }));
    });
  }

  /** Schedule span after span until this run is over. */
  async #schedule(run) {
    let time = this.#position;
    let at = 0;
    while (run === this.#run) {
      const number = this.sound.numberAt(time);
      const buffer = await this.sound.piece(number, this.context);
      if (run !== this.#run) return;
      at = Math.max(at, this.context.currentTime + LEAD_S);
      const end = Math.min(this.sound.endOf(number), this.#loop?.end ?? this.duration);
      const span = { at, start: time, end };
      this.#sources.add(this.#playSpan(span, buffer, this.sound.offsetIn(number, time)));
      this.#spans.push(span);
      this.clicks.schedule(span, this.#grid);
      at += end - time;
      time = this.#loop && end >= this.#loop.end ? this.#loop.start : end;
      if (time < this.duration - 1e-6) this.sound.piece(this.sound.numberAt(time), this.context);
      const isLast = time >= this.duration - 1e-6;
      while (run === this.#run && this.context.currentTime < at - (isLast ? 0 : AHEAD_S)) {
        await new Promise((wake) => setTimeout(wake, TICK_MS));
        if (run === this.#run) this.#emit("timeupdate");
      }
      if (isLast && run === this.#run) return this.#end();
    }
  }

  #playSpan({ at, start, end }, buffer, offset) {
    const source = new AudioBufferSourceNode(this.context, { buffer });
    const fade = new GainNode(this.context, { gain: 0 });
    source.connect(fade).connect(this.music);
    const stop = at + end - start;
    fade.gain.setValueAtTime(0, at);
    fade.gain.linearRampToValueAtTime(1, at + FADE_S);
    fade.gain.setValueAtTime(1, stop);
    fade.gain.linearRampToValueAtTime(0, stop + FADE_S);
    source.start(at, offset, end - start + FADE_S);
    source.onended = () => this.#sources.delete(source);
    return source;
  }

  #end() {
    this.#position = this.duration;
    this.#stop();
    this.#emit("pause", "ended", "timeupdate");
  }

  #emit(...names) {
    for (const name of names) this.dispatchEvent(new Event(name));
  }

  // What wavesurfer asks of an <audio> besides.
  load() {}
  remove() {}
  removeAttribute() {}
  canPlayType() {
    return "";
  }
}

function isWithin(time, { start, end }) {
  return start <= time && time < end;
}
