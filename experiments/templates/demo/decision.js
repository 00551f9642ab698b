// Events of a file from the curves of its windows: experiments/applying/predicting/decision.py.
(() => {
  "use strict";
  const { events: eventsOf, ready, rescaled, tags } = earmark.postProcessing;

  // Of one window the run's own post-processing. Of several: curves joined and smoothed as one, the classes of a window
  // and its stretch to its peak hold where it counts, thresholds and gaps work on the whole; keeps_one is off.
  function settled(setting, windows, tagged, column, system) {
    if (windows.length === 1) return [setting, windows[0].curves[column]];
    const curve = earmark.windows.joined(windows, column, system.windows.overlapFrames);
    const plain = { ...setting, rescaled: false };
    const smooth = setting.kind === "thresholds" ? ready(curve, plain, system.hopSeconds) : curve;
    const pieces = windows.map((window, number) => {
      if (!tagged[number][column]) return null;
      const piece = smooth.slice(window.firstFrame, window.firstFrame + window.curves[column].length);
      return setting.rescaled ? rescaled(piece) : piece;
    });
    const left = { ...plain, keeps_one: false, median_seconds: 0, window_seconds: 0 };
    return [left, earmark.windows.weighted(windows, pieces, system.windows.overlapFrames)];
  }

  // { events, curves, ready, tagged, clip }: curves as the network gives them and as thresholds are laid on, a class each;
  // clip is the highest probability that a window gives each class.
  function decide(windows, system, endSeconds) {
    const byWindow = windows.map(window => tags(window.clip, system.gate)), { classes, hopSeconds } = system;
    const tagged = classes.map((_, column) => byWindow.some(of => of[column]));
    const settled_ = classes.map((_, column) => settled(system.settings[column], windows, byWindow, column, system));
    const settings = settled_.map(([setting]) => setting), curves = settled_.map(([, curve]) => curve);
    return {
      events: eventsOf({ curves, tagged, classes, settings, hopSeconds, endSeconds }),
      curves: classes.map((_, column) => earmark.windows.joined(windows, column, system.windows.overlapFrames)),
      ready: curves.map((curve, column) => settings[column].kind === "thresholds" ? ready(curve, settings[column], hopSeconds) : curve),
      tagged,
      clip: classes.map((_, column) => Math.max(...windows.map(window => window.clip[column]))),
    };
  }

  earmark.decision = { decide };
})();
