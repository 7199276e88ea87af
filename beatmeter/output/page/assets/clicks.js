// The click track: a click on each beat, a higher one on each downbeat, in the same audio graph as
// the recording and on the same clock, so that neither can drift from the other.

const DOWNBEAT_HZ = 1760; // A6 and A5, as `beatmeter analyze --clicks` has them
const BEAT_HZ = 880;
const CLICK_S = 0.04;
const DECAY_S = 0.008;
const RAMP_S = 0.01; // a level changes so slowly that it makes no sound of its own

export class Clicks {
  constructor(context, output) {
    this.context = context;
    this.gain = new GainNode(context, { gain: 0 });
    this.gain.connect(output);
    this.high = click(context, DOWNBEAT_HZ);
    this.low = click(context, BEAT_HZ);
    this.scheduled = new Set();
  }

  /** @param {number} level 0 to 1; 0 is silence. */
  set level(level) {
    this.gain.gain.setTargetAtTime(level, this.context.currentTime, RAMP_S);
  }

  /** Schedule the clicks of a span that is heard from `at`, in seconds of the context. */
  schedule({ at, start, end }, grid) {
    for (let i = firstFrom(grid.beats, start); i < grid.beats.length && grid.beats[i] < end; i++) {
      const when = at + grid.beats[i] - start;
      if (when < this.context.currentTime) continue;
      const buffer = grid.isDownbeat[i] ? this.high : this.low;
      const source = new AudioBufferSourceNode(this.context, { buffer });
      source.connect(this.gain);
      source.start(when);
      source.onended = () => this.scheduled.delete(source);
      this.scheduled.add(source);
    }
  }

  /** Take back all that has not sounded. */
  cancel() {
    for (const source of this.scheduled) source.stop();
    this.scheduled.clear();
  }
}

/** Index of the first time that is not before another: times ascend. */
export function firstFrom(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function click(context, frequency) {
  const length = Math.round(CLICK_S * context.sampleRate);
  const buffer = new AudioBuffer({ length, sampleRate: context.sampleRate });
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < length; i++) {
    const time = i / context.sampleRate;
    samples[i] = Math.sin(2 * Math.PI * frequency * time) * Math.exp(-time / DECAY_S);
  }
  return buffer;
}
