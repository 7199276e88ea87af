// The tables beside the plots, filled when they are opened: bars of the grid, scores over time.

import { clock, shareText } from "./drawing.js";
import { firstFrom } from "./clicks.js";
import { ENSEMBLE, sharesOf } from "./heat.js";

export class Tables {
  constructor(data, seek) {
    this.data = data;
    this.seek = seek;
    this.row = ENSEMBLE;
    this.bars = document.getElementById("bars");
    this.bars.closest("details").addEventListener("toggle", () => this.#fillBars());
    this.spans = document.getElementById("spans");
    this.spans?.closest("details").addEventListener("toggle", () => this.choose(this.row));
  }

  /** Tell the bars of another grid. */
  show(grid) {
    this.grid = grid;
    this.#fillBars();
  }

  #fillBars() {
    if (!this.bars.closest("details").open) return;
    const { downbeats, beats } = this.grid;
    const times = downbeats.length ? downbeats : beats; // no bar is heard
    const rows = times.map((time, i) => {
      const next = times[i + 1] ?? Infinity;
      const count = firstFrom(beats, next) - firstFrom(beats, time);
      const length = Number.isFinite(next) ? (next - time).toFixed(2) : "";
      return [i + 1, this.#link(time), length, count];
    });
    fill(this.bars, rows);
  }

  /** Tell one signal, or the ensemble, over time. */
  choose(row) {
    this.row = row;
    if (!this.spans?.closest("details").open) return;
    const rows = this.data.spans.map((span) => {
      const shares = sharesOf(span, row) ?? span.scores.map(() => NaN);
      const texts = shares.map((share) => (Number.isNaN(share) ? "·" : shareText(share)));
      return [this.#link(span.start_s), clock(span.end_s), ...texts];
    });
    fill(this.spans, rows);
  }

  #link(time) {
    const button = document.createElement("button");
    button.className = "link";
    button.textContent = clock(time, 2);
    button.addEventListener("click", () => this.seek(time));
    return button;
  }
}

function fill(body, rows) {
  body.replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      for (const cell of cells) row.insertCell().append(cell);
      return row;
    }),
  );
}
