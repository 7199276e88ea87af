// The waveform, and over it the beats, bars and segments of the grid one listens to.
// wavesurfer.js draws the waveform, scrolls and zooms; the grid is drawn on a canvas above it.

import { AXIS, drawAxis, fontOf, paletteOf, sized } from "./drawing.js";
import { bytesOf } from "./sound.js";
import { firstFrom } from "./clicks.js";

/* global WaveSurfer */

const HEIGHT = 132; // pixels of the waveform
const LANE = 24; // pixels for segments
const NUMBERS = 17; // pixels for the numbers of bars
const TOP = LANE + AXIS + NUMBERS; // pixels above the waveform
const USUAL_ZOOM = 50; // pixels a second: bars can be told apart
const FITTING = 30; // pixels a second from which the whole recording is shown at first
const MOST_ZOOM = 320;
const ZOOM_STEP = 1.5;
const CLEAR = 5; // pixels between beats below which only bars are drawn, and so for bars
const NUMBERED = 34; // pixels between bars from which they are numbered

export class Waveform {
  /** Draw into an element; `told` holds the peaks, `nonce` lets wavesurfer bring its styles. */
  constructor(element, player, told, nonce, onView) {
    this.element = element;
    this.onView = onView; // told the visible times whenever they may have changed
    this.duration = player.duration;
    this.grid = null;
    this.loop = null;
    element.style.paddingTop = `${TOP}px`;
    this.surfer = WaveSurfer.create({
      container: element,
      media: player,
      peaks: [Float32Array.from(bytesOf(told.peaks), (peak) => peak / 255)],
      duration: player.duration,
      height: HEIGHT,
      normalize: true,
      barWidth: 2,
      barGap: 1,
      barRadius: 1,
      cursorWidth: 2,
      hideScrollbar: true,
      dragToSeek: false,
      minPxPerSec: this.#firstZoom(),
      cspNonce: nonce,
      ...colours(),
    });
    this.canvas = element.appendChild(document.createElement("canvas"));
    this.canvas.className = "grid";
    this.canvas.setAttribute("aria-hidden", "true");
    for (const event of ["redraw", "scroll", "zoom", "ready"]) {
      this.surfer.on(event, () => this.#drawSoon());
    }
    new ResizeObserver(() => this.#drawSoon()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.surfer.setOptions(colours());
      this.#drawSoon();
    });
  }

  /** Draw another grid. */
  show(grid) {
    this.grid = grid;
    this.#drawSoon();
  }

  /** Mark a span that is repeated; null for none. */
  mark(loop) {
    this.loop = loop;
    this.#drawSoon();
  }

  /** The visible times: [start, end] in seconds. */
  get visible() {
    const scale = this.scale;
    const start = this.surfer.getScroll() / scale;
    return [start, Math.min(this.duration, start + this.surfer.getWidth() / scale)];
  }

  /** Pixels a second. */
  get scale() {
    return Math.max(this.zoomed, this.surfer.getWidth() / this.duration);
  }

  zoom(times) {
    const fit = this.surfer.getWidth() / this.duration;
    this.zoomed = Math.min(Math.max(MOST_ZOOM, fit), Math.max(fit, this.scale * times));
    this.surfer.zoom(this.zoomed);
  }

  zoomIn() {
    this.zoom(ZOOM_STEP);
  }

  zoomOut() {
    this.zoom(1 / ZOOM_STEP);
  }

  #firstZoom() {
    this.zoomed = this.element.clientWidth / this.duration < FITTING ? USUAL_ZOOM : 0;
    return this.zoomed;
  }

  #drawSoon() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      if (!this.grid) return;
      this.#draw();
      this.onView(this.visible);
    });
  }

  #draw() {
    const [start, end] = this.visible;
    const ctx = sized(this.canvas, this.surfer.getWidth(), TOP + HEIGHT);
    const colour = paletteOf(this.element);
    const x = (time) => (time - start) * this.scale;
    this.#drawSegments(ctx, x, start, end, colour);
    if (this.loop) {
      ctx.fillStyle = colour("--loop");
      const width = (this.loop.end - this.loop.start) * this.scale;
      ctx.fillRect(x(this.loop.start), TOP - NUMBERS, width, HEIGHT + NUMBERS);
    }
    this.#drawBars(ctx, x, start, end, colour);
    drawAxis(ctx, x, start, end, LANE, this.scale, colour);
  }

  #drawSegments(ctx, x, start, end, colour) {
    ctx.font = fontOf("600 13px");
    ctx.textBaseline = "middle";
    for (const segment of this.grid.segments) {
      if (segment.end_s < start || segment.start_s > end) continue;
      const left = Math.max(0, x(segment.start_s));
      const right = Math.min(x(end), x(segment.end_s));
      ctx.fillStyle = colour(segment.bars_heard ? `--meter-${segment.meter}` : "--no-bar");
      ctx.fillRect(left + 1, 2, Math.max(1, right - left - 2), LANE - 6);
      ctx.fillStyle = colour("--on-meter");
      const text = segment.bars_heard ? segment.time_signature : "no bar";
      if (right - left > ctx.measureText(text).width + 14) ctx.fillText(text, left + 8, LANE / 2 - 1);
    }
  }

  #drawBars(ctx, x, start, end, colour) {
    const { beats, downbeats, isDownbeat } = this.grid;
    const first = firstFrom(beats, start);
    const last = firstFrom(beats, end);
    const room = (this.scale * (end - start)) / Math.max(1, last - first);
    ctx.fillStyle = colour("--beat");
    for (let i = first; i < last && room >= CLEAR; i++) {
      if (!isDownbeat[i]) ctx.fillRect(Math.round(x(beats[i])), TOP + HEIGHT - 14, 1, 14);
    }
    const from = firstFrom(downbeats, start);
    const to = firstFrom(downbeats, end);
    const barRoom = (this.scale * (end - start)) / Math.max(1, to - from);
    if (barRoom < CLEAR) return;
    const every = Math.ceil(NUMBERED / barRoom);
    ctx.font = fontOf("12px");
    ctx.textBaseline = "top";
    for (let i = from; i < to; i++) {
      ctx.fillStyle = colour("--bar");
      ctx.fillRect(Math.round(x(downbeats[i])) - 1, TOP - NUMBERS, 2, HEIGHT + NUMBERS);
      if (i % every) continue;
      ctx.fillStyle = colour("--ink");
      ctx.fillText(i + 1, x(downbeats[i]) + 4, TOP - NUMBERS + 3);
    }
  }
}

function colours() {
  const colour = paletteOf(document.documentElement);
  return {
    waveColor: colour("--wave"),
    progressColor: colour("--played"),
    cursorColor: colour("--cursor"),
  };
}
