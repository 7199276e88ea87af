// What the signals say: a table of meters and signals, shaded by score, which follows the playhead;
// and one row of it over the whole recording, where there is more than one excerpt.

import { AXIS, clock, drawAxis, fontOf, paletteOf, shareText, sized } from "./drawing.js";

const METER_LANE = 18; // pixels of a meter's lane
const LABELS = 26; // pixels for the meters at the left

export const ENSEMBLE = "ensemble";

export class Heat {
  constructor(data, table, caption, canvas, seek, onChoice) {
    Object.assign(this, { data, table, caption, canvas, onChoice });
    this.follow = data.spans.length > 1;
    this.row = ENSEMBLE;
    this.shown = {}; // no span yet
    const scores = data.signals.map((signal) => [signal.name, signal.scores]);
    this.whole = { scores: data.scores, signals: Object.fromEntries(scores) };
    for (const button of table.querySelectorAll("button")) {
      button.addEventListener("click", () => this.choose(button.value));
    }
    if (canvas) {
      this.playhead = canvas.parentElement.appendChild(document.createElement("div"));
      this.playhead.className = "playhead";
      new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
      canvas.addEventListener("click", (event) => seek(this.#timeAt(event)));
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#fill(this.shown);
      this.draw();
    });
    this.at(0);
    this.draw(); // at its height before it is observed: that draws it anew when its width changes
  }

  /** Show what was heard at a time. */
  at(time) {
    this.time = time;
    const { spans } = this.data;
    const middle = (span) => Math.abs(time - (span.start_s + span.end_s) / 2);
    const holding = spans.filter((span) => span.start_s <= time && time <= span.end_s);
    const nearest = holding.reduce((a, b) => (a && middle(a) <= middle(b) ? a : b), null);
    this.isGap = spans.length > 0 && nearest === null;
    const span = this.follow ? nearest : this.whole;
    if (span !== this.shown) this.#fill(span);
    if (this.canvas) this.#movePlayhead();
  }

  /** Show one row over time. */
  choose(name) {
    this.row = name;
    for (const button of this.table.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", button.value === name);
    }
    this.onChoice(name);
    this.draw();
  }

  /** Show a span, or the whole recording; null is a gap in which nothing was heard. */
  #fill(span) {
    this.shown = span;
    this.caption.textContent = this.#captionOf(span);
    const turn = Number(paletteOf(this.table)("--turn"));
    for (const row of this.table.tBodies[0].rows) {
      const scores = span && sharesOf(span, row.dataset.signal);
      const best = scores ? Math.max(...scores) : NaN;
      [...row.querySelectorAll("td.share")].forEach((cell, i) => {
        const share = scores?.[i];
        cell.textContent = share === undefined ? "·" : shareText(share);
        cell.style.setProperty("--share", share ?? 0);
        cell.classList.toggle("full", share >= turn);
        cell.classList.toggle("best", share === best);
      });
    }
  }

  #captionOf(span) {
    if (span === null) return "Nothing was heard here: of a long recording, only excerpts are.";
    if (span === this.whole) return "The whole recording.";
    return `${clock(span.start_s)} to ${clock(span.end_s)}, at the playhead.`;
  }

  draw() {
    if (!this.canvas) return;
    const { meters, spans, duration_s: duration } = this.data;
    const width = this.canvas.parentElement.clientWidth;
    const height = METER_LANE * meters.length + AXIS;
    const ctx = sized(this.canvas, width, height);
    const colour = paletteOf(this.canvas);
    this.scale = (width - LABELS) / duration;
    const x = (time) => LABELS + time * this.scale;
    ctx.font = fontOf("12px");
    ctx.textBaseline = "middle";
    meters.forEach((meter, i) => {
      ctx.fillStyle = colour("--lane");
      ctx.fillRect(LABELS, i * METER_LANE + 1, width - LABELS, METER_LANE - 2);
      ctx.fillStyle = colour("--ink");
      ctx.fillText(meter, 2, (i + 0.5) * METER_LANE);
    });
    ctx.fillStyle = colour("--heat");
    spans.forEach((span, n) => {
      const scores = sharesOf(span, this.row);
      const end = Math.min(span.end_s, spans[n + 1]?.start_s ?? duration);
      scores?.forEach((share, i) => {
        ctx.globalAlpha = Math.min(1, share);
        ctx.fillRect(x(span.start_s), i * METER_LANE + 1, (end - span.start_s) * this.scale, METER_LANE - 2);
      });
    });
    ctx.globalAlpha = 1;
    drawAxis(ctx, x, 0, duration, METER_LANE * meters.length, this.scale, colour);
    this.#movePlayhead();
  }

  #movePlayhead() {
    const height = METER_LANE * this.data.meters.length;
    this.playhead.style.height = `${height}px`;
    this.playhead.style.transform = `translateX(${LABELS + this.time * this.scale - 1}px)`;
  }

  #timeAt(event) {
    return (event.clientX - this.canvas.getBoundingClientRect().left - LABELS) / this.scale;
  }
}

/** What a signal, or the ensemble, gave to each meter in a span; null or undefined where it said nothing. */
export function sharesOf(span, name) {
  return name === ENSEMBLE ? span.scores : span.signals[name];
}
