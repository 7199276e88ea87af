// The recording's pieces: each is decoded when it is needed, and forgotten when others are.

const KEPT = 4; // decoded pieces: 80 s of mono at 48 kHz are 15 MB

export class Sound {
  /** @param {{piece_s: number, margin_s: number, count: number, url: ?string}} told */
  constructor(told, duration) {
    this.told = told;
    this.duration = duration;
    this.decoded = new Map(); // number -> promise of an AudioBuffer, the latest used last
  }

  /** The number of the piece that holds a time. */
  numberAt(time) {
    return Math.min(this.told.count - 1, Math.floor(time / this.told.piece_s + 1e-9));
  }

  /** When a piece ends, in seconds of the recording. */
  endOf(number) {
    return Math.min(this.duration, (number + 1) * this.told.piece_s);
  }

  /** Where in its buffer a time of the recording lies. */
  offsetIn(number, time) {
    return time - number * this.told.piece_s + this.told.margin_s;
  }

  /** The decoded piece: a promise of an AudioBuffer. */
  piece(number, context) {
    const known = this.decoded.get(number);
    this.decoded.delete(number);
    const promise = known ?? this.#load(number, context);
    this.decoded.set(number, promise);
    promise.catch(() => this.decoded.delete(number));
    while (this.decoded.size > KEPT) this.decoded.delete(this.decoded.keys().next().value);
    return promise;
  }

  async #load(number, context) {
    const bytes = this.told.url === null ? embedded(number) : await fetched(this.told.url, number);
    return context.decodeAudioData(bytes);
  }
}

function embedded(number) {
  return bytesOf(document.getElementById(`piece-${number}`).textContent).buffer;
}

async function fetched(url, number) {
  const response = await fetch(`${url}${number}`);
  if (!response.ok) throw new Error(`the sound cannot be fetched (${response.status})`);
  return response.arrayBuffer();
}

/** Bytes of a base64 text. */
export function bytesOf(text) {
  return Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
}
