// The whole recording in a narrow strip: its loudness, its segments, the part that the waveform
// shows, and the playhead. A click, or dragging, goes there.

import { paletteOf, sized } from "./drawing.js";
import { bytesOf } from "./sound.js";

const BAND = 10; // pixels of the segments
const LOUDNESS = 30; // pixels of the loudness
const STEP = 3; // pixels from bar to bar, and how wide a bar is
const BAR_WIDTH = 2;

export class Overview {
  constructor(element, duration, told, seek) {
    this.duration = duration;
    this.peaks = bytesOf(told.peaks);
    this.visible = [0, duration];
    this.canvas = element.appendChild(document.createElement("canvas"));
    this.window = element.appendChild(document.createElement("div"));
    this.window.className = "window";
    this.playhead = element.appendChild(document.createElement("div"));
    this.playhead.className = "playhead";
    this.element = element;
    const go = (event) => {
      const { left, width } = element.getBoundingClientRect();
      seek(Math.min(1, Math.max(0, (event.clientX - left) / width)) * duration);
    };
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      go(event);
    });
    element.addEventListener("pointermove", (event) => event.buttons && go(event));
    new ResizeObserver(() => this.draw()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Draw the segments of a grid. */
  show(grid) {
    this.grid = grid;
    this.draw();
  }

  /** Mark the times that the waveform shows. */
  mark([start, end]) {
    this.visible = [start, end];
    const width = this.element.clientWidth;
    this.window.style.transform = `translateX(${(start / this.duration) * width}px)`;
    this.window.style.width = `${Math.max(3, ((end - start) / this.duration) * width)}px`;
  }

  at(time) {
    const x = (time / this.duration) * this.element.clientWidth;
    this.playhead.style.transform = `translateX(${x - 1}px)`;
  }

  draw() {
    if (!this.grid) return;
    const width = this.element.clientWidth;
    const ctx = sized(this.canvas, width, BAND + LOUDNESS);
    const colour = paletteOf(this.element);
    const x = (time) => (time / this.duration) * width;
    for (const segment of this.grid.segments) {
      ctx.fillStyle = colour(segment.bars_heard ? `--meter-${segment.meter}` : "--no-bar");
      const span = x(segment.end_s) - x(segment.start_s);
      ctx.fillRect(x(segment.start_s), 0, Math.max(1, span - 1), BAND - 3);
    }
    ctx.fillStyle = colour("--wave");
    const top = Math.max(1, this.peaks.reduce((most, peak) => Math.max(most, peak), 0));
    for (let left = 0; left < width; left += STEP) {
      const first = Math.floor((left / width) * this.peaks.length);
      const last = Math.floor(((left + STEP) / width) * this.peaks.length);
      let most = 0;
      for (let i = first; i < last && i < this.peaks.length; i++) most = Math.max(most, this.peaks[i]);
      const height = Math.max(1, (most / top) * (LOUDNESS - 2));
      ctx.fillRect(left, BAND + (LOUDNESS - height) / 2, BAR_WIDTH, height);
    }
    this.mark(this.visible);
  }
}
