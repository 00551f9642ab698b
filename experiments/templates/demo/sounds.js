// From a file or a recording to one channel at a network's rate; whatever is refused is refused in words.
(() => {
  "use strict";
  const MOST_BYTES = 50e6, MOST_SECONDS = 1800, SILENT = 1 / 32768;

  class Refusal extends Error {}

  const megabytes = bytes => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 0)} MB`;

  // Before anything is read: browsers hold a decoded sound in memory as a whole.
  function checkSize(name, bytes) {
    if (bytes > MOST_BYTES) {
      throw new Refusal(`${name} has ${megabytes(bytes)}; this page takes up to ${megabytes(MOST_BYTES)}. Cut it, or use “earmark predict” or “earmark transcribe”, which take files of hours.`);
    }
    if (bytes === 0) throw new Refusal(`${name} is empty.`);
  }

  // A WAV of whole samples as it is: browsers scale positive and negative samples differently. Null for anything else.
  function wav(buffer) {
    const view = new DataView(buffer);
    const name = at => String.fromCharCode(...new Uint8Array(buffer, at, 4));
    if (buffer.byteLength < 12 || name(0) !== "RIFF" || name(8) !== "WAVE") return null;
    let format = null;
    for (let at = 12; at + 8 <= buffer.byteLength;) {
      const size = view.getUint32(at + 4, true), body = at + 8;
      if (name(at) === "fmt " && size >= 16 && body + 16 <= buffer.byteLength) {
        format = { tag: view.getUint16(body, true), channels: view.getUint16(body + 2, true), rate: view.getUint32(body + 4, true), bits: view.getUint16(body + 14, true) };
      }
      if (name(at) === "data") {
        if (format === null || format.tag !== 1 || format.bits !== 16 || format.channels === 0) return null;
        const numSamples = Math.floor(Math.min(size, buffer.byteLength - body) / (2 * format.channels));
        const channels = Array.from({ length: format.channels }, (_, channel) => Float32Array.from({ length: numSamples }, (_, sample) =>
          view.getInt16(body + 2 * (sample * format.channels + channel), true) / 32768));
        return { rate: format.rate, channels, isCut: size !== 0 && size < 0xffffff00 && size > buffer.byteLength - body };
      }
      at = body + size + size % 2;
    }
    return null;
  }

  // To the nearest whole number, halves to the even one: numpy's.
  function nearest(value) {
    const up = Math.round(value);
    return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
  }

  // The mean of all channels, at 16 bits as training hears it.
  function mono(channels) {
    const mixed = new Float32Array(channels[0].length);
    for (const channel of channels) channel.forEach((value, at) => { mixed[at] += value; });
    return mixed.map(sum => Math.min(Math.max(nearest(Math.fround(sum / channels.length) * 32768), -32768), 32767) / 32768);
  }

  // Decoded by the browser, and resampled by it to the rate.
  async function decoded(name, buffer, rate) {
    let sound;
    try {
      sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(buffer.slice(0));
    } catch {
      throw new Refusal(`${name} cannot be read: it is broken, or no kind of sound that this browser knows. WAV, FLAC, MP3, Ogg and M4A usually are.`);
    }
    return Array.from({ length: sound.numberOfChannels }, (_, channel) => sound.getChannelData(channel));
  }

  // Seconds of a blob by its header; Infinity where it does not say (recordings of some browsers).
  const headerSeconds = url => new Promise(resolve => {
    const probe = new Audio();
    probe.preload = "metadata";
    probe.onloadedmetadata = () => resolve(probe.duration);
    probe.onerror = () => resolve(Infinity);
    probe.src = url;
  });

  // { name, url, blob, seconds, atRate: Map of rate -> samples, notes }. Throws Refusal with a sentence for people.
  async function read(name, blob, rates) {
    checkSize(name, blob.size);
    const url = URL.createObjectURL(blob);
    const tooLong = seconds => new Refusal(`${name} lasts ${(seconds / 60).toFixed(0)} minutes; this page takes up to ${MOST_SECONDS / 60}. Cut it, or use “earmark predict” or “earmark transcribe”.`);
    const said = await headerSeconds(url);
    if (Number.isFinite(said) && said > MOST_SECONDS) throw tooLong(said);
    const buffer = await blob.arrayBuffer(), plain = wav(buffer), atRate = new Map(), notes = [];
    if (plain?.isCut) throw new Refusal(`${name} is broken: it ends before the length that its header says.`);
    for (const rate of new Set(rates)) {
      const exact = plain !== null && plain.rate === rate;
      atRate.set(rate, mono(exact ? plain.channels : await decoded(name, buffer, rate)));
      if (plain !== null && !exact) notes.push(`resampled by this browser from ${plain.rate} to ${rate} Hz`);
    }
    const [rate, samples] = [...atRate][0], seconds = samples.length / rate;
    if (seconds > MOST_SECONDS) throw tooLong(seconds);
    if (samples.length === 0) throw new Refusal(`${name} has no samples.`);
    if (samples.every(value => Math.abs(value) < SILENT)) notes.push("silent throughout: what is shown below is no finding");
    return { name, url, blob, seconds, atRate, notes };
  }

  earmark.sounds = { read, Refusal };
})();
