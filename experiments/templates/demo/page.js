// The page: a sound comes in, is played and shown, and every run says what it hears.
(() => {
  "use strict";
  const { systems, examples } = earmark, { read, Refusal } = earmark.sounds;
  const at = id => document.getElementById(id);
  const page = { state: "idle", results: [], notes: [] };
  earmark.page = page;
  let turn = 0, player = null, panels = [], recording = null;

  const make = (tag, text, attributes = {}) => Object.assign(document.createElement(tag), text === null ? {} : { textContent: text }, attributes);
  const seconds = value => value.toFixed(2);

  function say(text, isTrouble = false) {
    at("status").textContent = text;
    at("status").classList.toggle("trouble", isTrouble);
  }

  function move(state) {
    page.state = state;
    document.querySelector("main").ariaBusy = String(state === "reading" || state === "listening");
  }

  // A column a run, with what is known of it before it hears anything.
  function columns() {
    return systems.map(system => {
      const section = make("section", null, { className: "run" }), heading = make("h2", system.title), canvas = make("canvas", null, { role: "img" });
      const picture = make("div", null, { className: "picture", hidden: true }), cursor = make("div", null, { className: "cursor" });
      const text = make("div", null, { className: "found" });
      canvas.setAttribute("aria-label", `${system.title}: ${system.kind === "text" ? "posteriors of symbols" : "curves of classes with events"} over time; the same stands below as text`);
      picture.append(canvas, cursor);
      picture.addEventListener("pointerdown", event => {
        const share = (event.offsetX - earmark.drawing.LEFT) / (picture.clientWidth - earmark.drawing.LEFT - earmark.drawing.RIGHT);
        if (share >= 0 && share <= 1) player?.seekTo(share);
      });
      section.append(heading, make("p", system.summary, { className: "hint" }), picture, text);
      at("runs").append(section);
      return { system, picture, canvas, cursor, text, draw: null };
    });
  }

  function play(sound) {
    player?.destroy();
    const samples = [...sound.atRate.values()][0], accent = getComputedStyle(document.documentElement);
    player = WaveSurfer.create({
      container: at("wave"), height: 64, cursorWidth: 0, normalize: true,
      waveColor: accent.getPropertyValue("--bar").trim(), progressColor: accent.getPropertyValue("--accent").trim(),
    });
    player.on("timeupdate", time => {
      at("time").textContent = `${seconds(time)} of ${seconds(sound.seconds)} s`;
      for (const panel of panels) {
        const inside = panel.picture.clientWidth - earmark.drawing.LEFT - earmark.drawing.RIGHT;
        panel.cursor.style.left = `${earmark.drawing.LEFT + inside * Math.min(time / sound.seconds, 1)}px`;
      }
    });
    for (const [event, text] of [["play", "Pause"], ["pause", "Play"]]) player.on(event, () => { at("play").textContent = text; });
    player.on("error", () => say("This browser cannot play the sound; what was found stands below.", true));
    at("play").disabled = false;
    at("play").textContent = "Play";
    at("time").textContent = `0.00 of ${seconds(sound.seconds)} s`;
    return player.loadBlob(sound.blob, [samples], sound.seconds).catch(() => {});
  }

  const span = (onset, offset, text) => {
    const button = make("button", `${seconds(onset)}–${seconds(offset)} s ${text}`, { type: "button" });
    button.addEventListener("click", () => player?.play(onset, offset));
    return button;
  };

  function listed(items) {
    const list = make("ol", null);
    for (const item of items) { const line = make("li", null); line.append(item); list.append(line); }
    return list;
  }

  // Words of the best path with the time of their first and last token.
  function words({ tokens, system }) {
    const found = [], between = symbol => symbol === " " || earmark.texts.isTag(symbol);
    let open = null;
    for (const { token, frame } of tokens) {
      const symbol = system.symbols[token], starts = symbol.startsWith("▁") || system.unit === "word";
      if (between(symbol)) { open = null; continue; }
      if (open === null || starts) found.push(open = { onset: frame * system.hopSeconds, text: "" });
      open.text += symbol.replace("▁", "");
      open.offset = (frame + 1) * system.hopSeconds;
    }
    return found.filter(word => word.text !== "");
  }

  function show(panel, found, sound, example) {
    const { system } = panel;
    panel.picture.hidden = false;
    panel.draw = () => earmark.drawing[system.kind === "text" ? "posteriors" : "lanes"](panel.canvas, { system, found, length: sound.seconds, picture: sound.pictures.get(system.sampleRate), references: example?.events });
    panel.draw();
    panel.text.replaceChildren();
    if (system.kind === "text") {
      if (example?.text) panel.text.append(make("p", `said: ${example.text}`, { className: "hint" }));
      panel.text.append(make("p", found.text || "(no text)", { className: "text", lang: "und" }));
      panel.text.append(listed(words({ tokens: found.tokens, system }).map(word => span(word.onset, word.offset, word.text))));
    } else {
      panel.text.append(make("p", found.events.length ? `${found.events.length} event${found.events.length === 1 ? "" : "s"}; press one to hear it` : "No event of a known class", { className: "hint" }));
      panel.text.append(listed(found.events.map(event => span(event.onset, event.offset, event.label))));
    }
  }

  function decided(system, windows, sound) {
    if (system.kind === "events") {
      const last = windows.at(-1), heardSeconds = (last.firstFrame + last.curves[0].length) * system.hopSeconds;
      return earmark.decision.decide(windows, system, Math.min(heardSeconds, sound.seconds));
    }
    const logPosteriors = earmark.windows.spliced(windows, system.windows.overlapFrames, system.symbols.length);
    const tokens = earmark.texts.greedy(logPosteriors, system.symbols.length);
    return { logPosteriors, tokens, text: earmark.texts.spell(tokens, system.symbols) };
  }

  // Lets the page draw and answer keys between two windows.
  const breath = () => new Promise(resolve => setTimeout(resolve, 0));

  async function listen(panel, sound, example, isMine) {
    const { system } = panel, samples = sound.atRate.get(system.sampleRate), windows = [];
    const cuts = earmark.windows.cut(samples.length, system.windows);
    for (const { firstFrame, begin, end } of cuts) {
      await breath();
      const said = await earmark.network.heard(system, samples.slice(begin, end));
      if (!isMine()) return null;
      windows.push({ firstFrame, ...said });
      show(panel, decided(system, windows, sound), sound, example);
      if (windows.length < cuts.length) say(`${system.title}: ${windows.length} of ${cuts.length} windows heard`);
    }
    return decided(system, windows, sound);
  }

  function summary(results) {
    return systems.map((system, number) => {
      const found = results[number];
      if (system.kind === "text") return `${system.title}: “${found.text}”`;
      return `${system.title}: ${found.events.length} event${found.events.length === 1 ? "" : "s"}`;
    }).join(" · ");
  }

  // A blob from anywhere; of an example it is known what is true. What cannot be heard is said in words, and the page stays as it was.
  async function hear(name, blob, example = null) {
    const mine = ++turn, isMine = () => mine === turn;
    move("reading");
    say(`Reading ${name} …`);
    try {
      const sound = await read(name, blob, systems.map(system => system.sampleRate));
      if (!isMine()) return;
      sound.pictures = new Map([...sound.atRate].map(([rate, samples]) => [rate, earmark.spectrogram.picture(samples, rate, 800)]));
      page.sound = sound;
      page.notes = sound.notes;
      page.results = [];
      at("name").textContent = [name, ...sound.notes].join(" · ");
      await play(sound);
      for (const panel of panels) { panel.text.replaceChildren(); panel.picture.hidden = true; panel.draw = null; }
      at("legend").hidden = !example?.events;
      move("listening");
      const results = [];
      for (const panel of panels) {
        say(`${panel.system.title} listens …`);
        const found = await listen(panel, sound, example, isMine);
        if (found === null) return;
        results.push(found);
      }
      page.results = results;
      say([summary(results), ...sound.notes].join(". "));
      move("done");
    } catch (error) {
      if (!isMine()) return;
      move("refused");
      say(error instanceof Refusal ? error.message : `This did not work: ${error.message}`, true);
    }
  }

  async function record() {
    if (recording !== null) { recording.stop(); return; }
    try {
      recording = await earmark.recorder.start(time => { at("record").textContent = `Stop recording (${time.toFixed(0)} s)`; });
      at("record").textContent = "Stop recording";
      say("Recording. Press the button again to stop; five minutes are the most. Nothing leaves this page.");
      const blob = await recording.done;
      recording = null;
      at("record").textContent = "Record";
      await hear("Your recording", blob);
    } catch (error) {
      recording = null;
      move("refused");
      say(error instanceof Refusal ? error.message : `Recording did not work: ${error.message}`, true);
    }
  }

  function first(files) {
    if (files.length === 0) { say("That is no file. Drop a sound file.", true); return; }
    hear(files[0].name + (files.length > 1 ? ` (the first of ${files.length})` : ""), files[0]);
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || player === null) return;
    const isControl = event.target.closest("button, summary, a, input") !== null;
    if (event.key === " " && !isControl) player.playPause();
    else if (event.key === "ArrowLeft") player.skip(event.shiftKey ? -0.1 : -1);
    else if (event.key === "ArrowRight") player.skip(event.shiftKey ? 0.1 : 1);
    else if (event.key === "Home") player.setTime(0);
    else return;
    event.preventDefault();
  }

  function begin() {
    if (!globalThis.WebAssembly || !globalThis.DecompressionStream || !globalThis.OfflineAudioContext) {
      say("This browser is too old for this page: it lacks WebAssembly, DecompressionStream or Web Audio. Any browser since 2023 has them.", true);
      return;
    }
    panels = columns();
    at("key").hidden = systems.every(system => system.kind === "text");
    at("choose").addEventListener("click", () => at("file").click());
    at("file").addEventListener("change", () => { if (at("file").files.length) first([...at("file").files]); at("file").value = ""; });
    at("record").addEventListener("click", record);
    at("play").addEventListener("click", () => player?.playPause());
    examples.forEach(example => {
      const button = make("button", example.title, { type: "button", title: example.licence });
      button.addEventListener("click", async () => hear(example.title, new Blob([await earmark.network.unpacked(example.sound)], { type: "audio/wav" }), example));
      at("examples").append(button);
    });
    at("example-group").hidden = examples.length === 0;
    addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("over"); });
    addEventListener("dragleave", event => { if (event.relatedTarget === null) document.body.classList.remove("over"); });
    addEventListener("drop", event => { event.preventDefault(); document.body.classList.remove("over"); first([...event.dataTransfer.files]); });
    addEventListener("keydown", keys);
    const redraw = () => panels.forEach(panel => panel.draw?.());
    addEventListener("resize", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    for (const id of ["choose", "record"]) at(id).disabled = false;
    say("Ready. Choose an example, drop a sound file, or record.");
  }

  begin();
})();
