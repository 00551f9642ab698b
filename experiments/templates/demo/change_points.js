// Boxes between the extremes of a curve's change: lightning_modules/decoding/sound_events/change_points.py.
(() => {
  "use strict";
  const nineDigits = value => Number(value.toFixed(9));

  function sums(values) {
    const total = new Float64Array(values.length + 1);
    values.forEach((value, at) => { total[at + 1] = total[at] + value; });
    return total;
  }

  // Edges (0 is before the first frame) at which the change is extreme: onset, offset, onset, …
  function changeEdges(curve, halfStep) {
    const zeros = Array(halfStep).fill(0), total = sums([...zeros, ...curve, ...zeros]), change = [0];
    for (let at = 0; at + 2 * halfStep < total.length; at++) {
      change.push(nineDigits((total[at + 2 * halfStep] - 2 * total[at + halfStep] + total[at]) / halfStep));
    }
    change.push(0);
    const moved = [];
    for (let at = 0; at + 1 < change.length; at++) if (change[at + 1] !== change[at]) moved.push(at);
    const signs = moved.map(at => Math.sign(change[at + 1] - change[at]));
    return moved.filter((_, turn) => turn + 1 < moved.length && signs[turn + 1] !== signs[turn]);
  }

  // Neighbours are one box where the gap between them is filled, the fullest gap first.
  function mergeBoxes(curve, edges, absolute, relative) {
    const total = sums(curve), left = [...edges];
    const mean = (first, last) => nineDigits((total[last] - total[first]) / (last - first));
    while (left.length > 2) {
      let best = null;
      for (let at = 1; at + 2 < left.length; at += 2) {
        const higher = Math.max(mean(left[at - 1], left[at]), mean(left[at + 1], left[at + 2]));
        const gap = mean(left[at], left[at + 1]);
        if (!(higher - gap <= absolute || higher <= relative * gap)) continue;
        if (best === null || higher - gap < best[0]) best = [higher - gap, at];
      }
      if (best === null) break;
      left.splice(best[1], 2);
    }
    const boxes = [];
    for (let at = 0; at + 1 < left.length; at += 2) boxes.push([left[at], left[at + 1], mean(left[at], left[at + 1])]);
    return boxes;
  }

  function spans(curve, setting, hopSeconds) {
    const ready = setting.rescaled ? earmark.postProcessing.rescaled(curve) : curve;
    const positive = Float64Array.from(ready, value => Math.max(value, 0));
    const halfStep = Math.max(1, earmark.postProcessing.grid(hopSeconds).nearestEdge(setting.step_seconds / 2));
    const boxes = mergeBoxes(positive, changeEdges(positive, halfStep), setting.merge_absolute, setting.merge_relative);
    const best = boxes.reduce((highest, box) => Math.max(highest, box[2]), 0);
    const lowest = setting.keeps_one ? Math.min(setting.threshold, best) : setting.threshold;
    return boxes.filter(box => box[2] >= lowest);
  }

  earmark.changePoints = { spans };
})();
