// Overlapped windows and the curves that they make together: experiments/applying/predicting/{windows,joining}.py.
(() => {
  "use strict";

  // Windows that begin on the grid of the curves' frames; the last one is moved back to be as long as the others.
  function cut(numSamples, { frameSamples, windowFrames, overlapFrames }) {
    const windowSamples = frameSamples * windowFrames, windows = [];
    let first = 0;
    for (; numSamples > first * frameSamples + windowSamples; first += windowFrames - overlapFrames) {
      windows.push({ firstFrame: first, begin: first * frameSamples, end: first * frameSamples + windowSamples });
    }
    const last = Math.ceil(Math.max(0, numSamples - windowSamples) / frameSamples);
    return [...windows, { firstFrame: last, begin: last * frameSamples, end: numSamples }];
  }

  const numFrames = window => window.curves[0].length;
  const joinedFrames = windows => windows.at(-1).firstFrame + numFrames(windows.at(-1));

  // No frame near a window's end counts, and over the half of an overlap one fades into the other.
  function weights(windows, overlapFrames) {
    const trimmed = Math.floor(overlapFrames / 4), faded = Math.max(1, overlapFrames - 2 * trimmed);
    const rising = frame => Math.min(Math.max((frame + 0.5 - trimmed) / faded, 0), 1);
    return windows.map((window, number) => Float32Array.from({ length: numFrames(window) }, (_, frame) =>
      (number > 0 ? rising(frame) : 1) * (number < windows.length - 1 ? rising(numFrames(window) - 1 - frame) : 1)));
  }

  // The weighted mean of one class's pieces (null: the window does not have the class); 0 without one.
  function weighted(windows, pieces, overlapFrames) {
    const sum = new Float32Array(joinedFrames(windows)), weight = new Float32Array(sum.length);
    weights(windows, overlapFrames).forEach((shares, number) => {
      if (pieces[number] === null) return;
      shares.forEach((share, frame) => {
        const at = windows[number].firstFrame + frame;
        sum[at] += Math.fround(share * pieces[number][frame]);
        weight[at] += share;
      });
    });
    return sum.map((value, at) => weight[at] > 0 ? value / weight[at] : value);
  }

  // One class's curve of the whole file.
  function joined(windows, column, overlapFrames) {
    if (windows.length === 1) return windows[0].curves[column];
    return weighted(windows, windows.map(window => window.curves[column]), overlapFrames);
  }

  // Log posteriors of the whole file, (T * V): from the middle of an overlap on the later window's.
  function spliced(windows, overlapFrames, numSymbols) {
    const frames = [];
    windows.forEach((window, number) => {
      const from = number === 0 ? 0 : overlapFrames - Math.floor(overlapFrames / 2);
      const begin = window.firstFrame + from;
      frames.length = Math.min(frames.length, begin);
      for (let at = frames.length; at < window.firstFrame + window.logPosteriors.length / numSymbols; at++) {
        const row = (at - window.firstFrame) * numSymbols;
        frames.push(window.logPosteriors.subarray(row, row + numSymbols));
      }
    });
    const whole = new Float32Array(frames.length * numSymbols);
    frames.forEach((row, at) => whole.set(row, at * numSymbols));
    return whole;
  }

  earmark.windows = { cut, joined, weighted, spliced };
})();
