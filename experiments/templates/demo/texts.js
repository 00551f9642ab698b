// CTC's best path as text with times: lightning_modules/decoding/ctc/greedy.py and texts.py.
(() => {
  "use strict";
  const BLANK = 0, MARK = "▁";  // what begins the words of subwords

  const isTag = symbol => [...symbol].length > 2 && symbol.startsWith("<") && symbol.endsWith(">")
    && symbol !== "<blank>" && symbol !== "<unk>";

  // The likeliest symbol of each frame, repeats merged, blanks removed; a token's frame is the first of its run.
  function greedy(logPosteriors, numSymbols) {
    const tokens = [];
    let before = BLANK;
    for (let frame = 0; (frame + 1) * numSymbols <= logPosteriors.length; frame++) {
      const at = frame * numSymbols;
      let best = 0;
      for (let symbol = 1; symbol < numSymbols; symbol++) if (logPosteriors[at + symbol] > logPosteriors[at + best]) best = symbol;
      if (best !== BLANK && best !== before) tokens.push({ token: best, frame });
      before = best;
    }
    return tokens;
  }

  function spell(tokens, symbols) {
    const pieces = tokens.map(({ token }) => symbols[token]).filter(symbol => !isTag(symbol));
    const words = symbols[1] !== MARK && symbols.some((symbol, token) => token !== BLANK && [...symbol].length > 1 && !isTag(symbol));
    return pieces.join(words ? " " : "").replaceAll(MARK, symbols[1] === MARK ? " " : MARK).split(/\s+/).filter(Boolean).join(" ");
  }

  earmark.texts = { greedy, spell, isTag, BLANK };
})();
