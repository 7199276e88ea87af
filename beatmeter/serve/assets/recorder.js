// On the audio thread: hands on what the microphone hears, mixed to mono.

class Recorder extends AudioWorkletProcessor {
  process([channels]) {
    if (channels.length) {
      const mono = channels[0].slice();
      for (const channel of channels.slice(1)) channel.forEach((value, i) => { mono[i] += value; });
      this.port.postMessage(mono, [mono.buffer]);
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
