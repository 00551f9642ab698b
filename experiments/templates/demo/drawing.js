// One run's picture of a sound on a time axis: spectrogram, then a lane a class, or posteriors of symbols.
(() => {
  "use strict";
  const LEFT = 104, RIGHT = 44, TOP = 112, LANE = 25, ROW = 12, AXIS = 22, MOST_ROWS = 26, LEAST_SHOWN = 0.1;

  const ink = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // A canvas of a height in the page's pixels, sharp on any screen; draws in page pixels.
  function sheet(canvas, height) {
    const width = canvas.parentElement.clientWidth, sharpness = devicePixelRatio || 1;
    canvas.width = Math.round(width * sharpness);
    canvas.height = Math.round(height * sharpness);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(sharpness, sharpness);
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    const inside = Math.max(width - LEFT - RIGHT, 50);
    return { context, width, height, inside };
  }

  const x = (board, seconds, length) => LEFT + board.inside * seconds / length;

  function name(board, text, y, colour) {
    board.context.fillStyle = colour;
    board.context.textAlign = "right";
    let short = text;
    while (short.length > 1 && board.context.measureText(short).width > LEFT - 10) short = `${short.slice(0, -2)}…`;
    board.context.fillText(short, LEFT - 7, y);
  }

  function axis(board, length) {
    const { context, height } = board, step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600].find(of => board.inside * of / length >= 45) ?? 1200;
    context.textAlign = "center";
    for (let tick = 0; tick * step <= length + 1e-9; tick++) {
      const at = x(board, tick * step, length);
      context.fillStyle = ink("line");
      context.fillRect(at, TOP, 1, height - TOP - AXIS + 4);
      context.fillStyle = ink("soft");
      const seconds = Number((tick * step).toFixed(1));
      context.fillText(tick === 0 ? "0 s" : step < 60 ? String(seconds) : `${seconds / 60} min`, at, height - AXIS / 2 + 2);
    }
  }

  function spectrogram(board, picture) {
    board.context.imageSmoothingEnabled = false;
    board.context.drawImage(picture, LEFT, 4, board.inside, TOP - 10);
    name(board, "log-mel", TOP / 2, ink("soft"));
  }

  function line(board, curve, hopSeconds, length, y, height, colour, isFilled) {
    const { context } = board;
    context.beginPath();
    context.moveTo(LEFT, y + height);
    for (let frame = 0; frame < curve.length; frame++) {
      context.lineTo(Math.min(x(board, (frame + 0.5) * hopSeconds, length), LEFT + board.inside), y + height * (1 - curve[frame]));
    }
    context.lineTo(Math.min(x(board, curve.length * hopSeconds, length), LEFT + board.inside), y + height);
    if (isFilled) { context.globalAlpha = 0.18; context.fillStyle = colour; context.fill(); context.globalAlpha = 1; }
    context.strokeStyle = colour;
    context.stroke();
  }

  const box = (board, { onset, offset }, length) => [x(board, onset, length), Math.max(x(board, offset, length) - x(board, onset, length), 2)];

  // A lane a class: grey the network's curve, coloured the curve that thresholds are laid on, boxes the events,
  // bars below what an example's listener marked; at the right the highest probability of the class in a clip.
  function lanes(canvas, { system, found, length, picture, references }) {
    const board = sheet(canvas, TOP + LANE * system.classes.length + AXIS), { context } = board;
    spectrogram(board, picture);
    axis(board, length);
    system.classes.forEach((label, column) => {
      const y = TOP + LANE * column + 3, height = LANE - 7, isTagged = found.tagged[column];
      name(board, label, y + height / 2, ink(isTagged ? "ink" : "soft"));
      context.textAlign = "left";
      context.fillText(found.clip[column].toFixed(2), LEFT + board.inside + 7, y + height / 2);
      for (const event of found.events.filter(of => of.label === label)) {
        const [left, width] = box(board, event, length);
        context.globalAlpha = 0.3;
        context.fillStyle = ink("predicted");
        context.fillRect(left, y - 1, width, height + 2);
        context.globalAlpha = 1;
        context.strokeStyle = ink("predicted");
        context.strokeRect(left + 0.5, y - 0.5, width - 1, height + 1);
      }
      line(board, found.curves[column], system.hopSeconds, length, y, height, ink("bar"), false);
      if (isTagged) line(board, found.ready[column], system.hopSeconds, length, y, height, ink("accent"), true);
      context.fillStyle = ink("true");
      for (const event of (references ?? []).filter(of => of.label === label)) {
        const [left, width] = box(board, event, length);
        context.fillRect(left, y + height + 1, width, 3);
      }
    });
  }

  // The symbols that reach LEAST_SHOWN somewhere, most likely first; blank last.
  function shownSymbols(found, system) {
    const count = system.symbols.length, most = new Float32Array(count).fill(-Infinity);
    found.logPosteriors.forEach((value, at) => { most[at % count] = Math.max(most[at % count], value); });
    const order = [...most.keys()].filter(symbol => symbol !== 0 && most[symbol] >= Math.log(LEAST_SHOWN)).sort((a, b) => most[b] - most[a]);
    return [...order.slice(0, MOST_ROWS - 1).sort((a, b) => a - b), 0];
  }

  const shownName = symbol => symbol === " " ? "space" : symbol === "<blank>" ? "blank" : symbol;

  // Rows are symbols, dark is likely; the tokens of the best path stand above, each at its frame.
  function posteriors(canvas, { system, found, length, picture }) {
    const rows = shownSymbols(found, system), count = system.symbols.length, tokens = 20;
    const board = sheet(canvas, TOP + tokens + ROW * rows.length + AXIS), { context } = board;
    spectrogram(board, picture);
    axis(board, length);
    const [r, g, b] = ink("heat").split(" "), numFrames = found.logPosteriors.length / count;
    rows.forEach((symbol, row) => {
      const y = TOP + tokens + ROW * row;
      name(board, shownName(system.symbols[symbol]), y + ROW / 2, ink("ink"));
      for (let frame = 0; frame < numFrames; frame++) {
        const probability = Math.exp(found.logPosteriors[frame * count + symbol]);
        if (probability < 0.02) continue;
        const left = x(board, frame * system.hopSeconds, length), right = Math.min(x(board, (frame + 1) * system.hopSeconds, length), LEFT + board.inside);
        context.fillStyle = `rgb(${r} ${g} ${b} / ${probability})`;
        context.fillRect(left, y + 1, Math.max(right - left, 0.7), ROW - 1);
      }
    });
    name(board, "best path", TOP + tokens / 2, ink("soft"));
    context.textAlign = "center";
    context.fillStyle = ink("ink");
    let end = 0;
    for (const { token, frame } of found.tokens) {
      const at = x(board, (frame + 0.5) * system.hopSeconds, length), text = system.symbols[token] === " " ? "·" : system.symbols[token];
      if (at - context.measureText(text).width / 2 < end) continue;  // what would overlap stands in the text below
      context.fillText(text, at, TOP + tokens / 2);
      end = at + context.measureText(text).width / 2;
    }
  }

  earmark.drawing = { lanes, posteriors, LEFT, RIGHT };
})();
