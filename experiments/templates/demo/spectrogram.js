// A log-mel spectrogram for the eye, on a canvas as wide as asked.
(() => {
  "use strict";
  const BANDS = 96, FLOOR_DECIBELS = -75;
  const STOPS = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];

  const colour = level => {
    const at = Math.min(Math.max(level, 0), 1) * (STOPS.length - 1), stop = Math.min(Math.floor(at), STOPS.length - 2);
    return STOPS[stop].map((value, part) => value + (STOPS[stop + 1][part] - value) * (at - stop));
  };

  // In place, of a power of two.
  function fft(re, im) {
    const n = re.length;
    for (let i = 1, j = 0; i < n; i++) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
    }
    for (let size = 2; size <= n; size *= 2) {
      for (let k = 0; k < size / 2; k++) {
        const cos = Math.cos(-2 * Math.PI * k / size), sin = Math.sin(-2 * Math.PI * k / size);
        for (let a = k, b = k + size / 2; a < n; a += size, b += size) {
          const x = re[b] * cos - im[b] * sin, y = re[b] * sin + im[b] * cos;
          re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
        }
      }
    }
  }

  // Powers of `width` windows, evenly over the samples, in bands that are even in mel.
  function powers(samples, rate, width) {
    const size = 2 ** Math.round(Math.log2(rate * 0.04)), window = Float64Array.from({ length: size }, (_, k) => 0.5 - 0.5 * Math.cos(2 * Math.PI * k / size));
    const mel = hz => 2595 * Math.log10(1 + hz / 700), hz = value => 700 * (10 ** (value / 2595) - 1), top = mel(rate / 2);
    const edges = Array.from({ length: BANDS + 1 }, (_, band) => hz(top * band / BANDS) / rate * size);
    const values = new Float32Array(width * BANDS), re = new Float64Array(size), im = new Float64Array(size);
    for (let x = 0; x < width; x++) {
      const begin = Math.round((x + 0.5) / width * samples.length - size / 2);
      for (let k = 0; k < size; k++) { re[k] = (samples[begin + k] ?? 0) * window[k]; im[k] = 0; }
      fft(re, im);
      for (let band = 0; band < BANDS; band++) {
        const first = Math.floor(edges[band]), last = Math.max(first + 1, Math.floor(edges[band + 1]));
        let most = 1e-12;
        for (let k = first; k < last; k++) most = Math.max(most, re[k] ** 2 + im[k] ** 2);
        values[x * BANDS + band] = 10 * Math.log10(most);
      }
    }
    return values;
  }

  function picture(samples, rate, width) {
    const canvas = document.createElement("canvas"), values = powers(samples, rate, width);
    canvas.width = width;
    canvas.height = BANDS;
    const context = canvas.getContext("2d"), image = context.createImageData(width, BANDS);
    const loudest = values.reduce((most, value) => Math.max(most, value), -120);
    for (let x = 0; x < width; x++) for (let band = 0; band < BANDS; band++) {
      image.data.set([...colour((values[x * BANDS + band] - loudest) / -FLOOR_DECIBELS + 1), 255], 4 * ((BANDS - 1 - band) * width + x));
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  earmark.spectrogram = { picture, colour };
})();
