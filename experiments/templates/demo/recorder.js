// The microphone: what is recorded stays on this page.
(() => {
  "use strict";
  const MOST_SECONDS = 300;
  const WORDS = {
    NotFoundError: "No microphone was found. Plug one in, or choose a file.",
    NotAllowedError: "The microphone is not allowed on this page. Allow it in the browser's settings for this page, or choose a file.",
    NotReadableError: "The microphone is in use by another program, or switched off.",
    SecurityError: "This browser allows no microphone on pages of this kind. Choose a file.",
  };

  // Records until stop() or MOST_SECONDS; tell(seconds) comes every quarter of a second. Throws Refusal.
  async function start(tell) {
    const { Refusal } = earmark.sounds;
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) {
      throw new Refusal("This browser cannot record on this page. Choose a file.");
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch (error) {
      throw new Refusal(WORDS[error.name] ?? `The microphone cannot be used (${error.name}).`);
    }
    const recorder = new MediaRecorder(stream), parts = [], began = performance.now();
    const timer = setInterval(() => {
      const seconds = (performance.now() - began) / 1000;
      tell(seconds);
      if (seconds >= MOST_SECONDS && recorder.state === "recording") recorder.stop();
    }, 250);
    recorder.ondataavailable = event => parts.push(event.data);
    const done = new Promise(resolve => {
      recorder.onstop = () => {
        clearInterval(timer);
        for (const track of stream.getTracks()) track.stop();
        resolve(new Blob(parts, { type: recorder.mimeType }));
      };
    });
    recorder.start();
    return { stop: () => { if (recorder.state === "recording") recorder.stop(); }, done };
  }

  earmark.recorder = { start };
})();
