// From one class's frame curve to its events: lightning_modules/decoding/sound_events/events.py, number for number.
// numpy keeps the curves in float32 and compares thresholds in float32, and so does Math.fround here.
var earmark = globalThis.earmark ?? {};
globalThis.earmark = earmark;
(() => {
  "use strict";
  const FLATTEST = Math.fround(0.8);

  // Seconds as frames, quotients rounded to a millionth of a frame first: FrameGrid.
  const quotient = (seconds, hopSeconds) => Number((seconds / hopSeconds).toFixed(6));
  const grid = hopSeconds => ({
    covering: seconds => Math.ceil(quotient(seconds, hopSeconds)),
    whole: seconds => Math.floor(quotient(seconds, hopSeconds)),
    nearestEdge: seconds => Math.floor(quotient(seconds, hopSeconds) + 0.5),
    odd: seconds => 2 * Math.floor(quotient(seconds, 2 * hopSeconds)) + 1,
  });

  // The curve's value at a frame, its ends repeated.
  const repeated = (curve, frame) => curve[Math.min(Math.max(frame, 0), curve.length - 1)];

  function median(curve, numFrames) {
    if (numFrames === 1) return curve;
    const half = (numFrames - 1) / 2, window = new Float32Array(numFrames);
    return curve.map((_, at) => {
      for (let k = 0; k < numFrames; k++) window[k] = repeated(curve, at + k - half);
      return window.sort()[half];  // a typed array sorts by number
    });
  }

  // A running sum in double precision, as scipy's: adding up every window anew would round elsewhere.
  function mean(curve, numFrames) {
    if (numFrames === 1) return curve;
    const half = (numFrames - 1) / 2, smooth = new Float32Array(curve.length);
    let sum = 0;
    for (let k = -half; k <= half; k++) sum += repeated(curve, k);
    smooth[0] = sum / numFrames;
    for (let at = 1; at < curve.length; at++) {
      sum += repeated(curve, at + half) - repeated(curve, at - 1 - half);
      smooth[at] = sum / numFrames;
    }
    return smooth;
  }

  // To a peak of 1, the lowest frame to 0 unless the curve is flat.
  function rescaled(curve) {
    let peak = -Infinity, lowest = Infinity;
    for (const value of curve) { peak = Math.max(peak, value); lowest = Math.min(lowest, value); }
    const floor = Math.min(lowest, Math.fround(FLATTEST * peak)), range = Math.fround(peak - floor);
    return curve.map(value => Math.fround(value - floor) / (range > 0 ? range : 1));
  }

  // [first, last) of the frames that pass a test.
  function runs(curve, passes) {
    const found = [];
    for (let at = 0; at < curve.length; at++) {
      if (!passes(curve[at])) continue;
      const first = at;
      while (at < curve.length && passes(curve[at])) at++;
      found.push([first, at]);
    }
    return found;
  }

  function hysteresis(curve, setting) {
    const low = Math.fround(setting.low_threshold), high = Math.fround(setting.high_threshold), kept = [];
    for (const [first, last] of runs(curve, value => value >= low)) {
      let peak = first;
      while (peak < last && !(curve[peak] >= high)) peak++;
      if (peak < last) kept.push([setting.hysteresis === "switch" ? peak : first, last]);
    }
    return kept;
  }

  function closeGaps(spans, longest) {
    const joined = [];
    for (const [first, last] of spans) {
      if (joined.length && first - joined.at(-1)[1] <= longest) joined.at(-1)[1] = last;
      else joined.push([first, last]);
    }
    return joined;
  }

  function dropShort(spans, shortest, keepsOne) {
    const longest = spans.reduce((most, [first, last]) => Math.max(most, last - first), 0);
    const least = keepsOne ? Math.min(shortest, longest) : shortest;
    return spans.filter(([first, last]) => last - first >= least);
  }

  // The curve that the thresholds are laid on: smoothed, and rescaled or not.
  function ready(curve, setting, hopSeconds) {
    const frames = grid(hopSeconds);
    const smooth = mean(median(curve, frames.odd(setting.median_seconds)), frames.odd(setting.window_seconds));
    return setting.rescaled ? rescaled(smooth) : smooth;
  }

  // [first, last) in frames.
  function spans(curve, setting, hopSeconds) {
    if (setting.kind === "change_points") return earmark.changePoints.spans(curve, setting, hopSeconds);
    const frames = grid(hopSeconds), active = hysteresis(ready(curve, setting, hopSeconds), setting);
    const closed = closeGaps(active, frames.whole(setting.longest_gap_seconds));
    return dropShort(closed, frames.covering(setting.shortest_event_seconds), setting.keeps_one);
  }

  const order = (a, b) => a.onset - b.onset || a.offset - b.offset || (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);

  // Events of all classes, sorted. curves: a Float32Array a class; tagged: whether each class may have events;
  // settings: one a class. The last frame may reach past the clip, and is cut at endSeconds.
  function events({ curves, tagged, classes, settings, hopSeconds, endSeconds }) {
    const found = [];
    classes.forEach((label, column) => {
      if (!tagged[column] || !curves[column].length) return;
      for (const [first, last] of spans(curves[column], settings[column], hopSeconds)) {
        const onset = first * hopSeconds;
        if (onset < endSeconds) found.push({ onset, offset: Math.min(last * hopSeconds, endSeconds), label });
      }
    });
    return found.sort(order);
  }

  // The classes whose clip probability reaches the gate; without one every class may have events.
  const tags = (clip, gate) => Array.from(clip, (probability, column) => gate === null || probability >= gate[column]);

  earmark.postProcessing = { events, grid, ready, rescaled, tags };
})();
