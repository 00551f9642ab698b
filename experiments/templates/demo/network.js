// A run's network in onnxruntime-web: one thread, everything out of this page's own files.
(() => {
  "use strict";

  // Bytes of a gzip file in base64, as data.js and libraries.js hold them: file:// pages may fetch nothing.
  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  let runtime = null;
  function prepared() {
    runtime ??= (async () => {
      const loader = new Blob([await unpacked(earmark.runtime.loader)], { type: "text/javascript" });
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.proxy = false;
      ort.env.wasm.wasmBinary = await unpacked(earmark.runtime.wasm);
      ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(loader) };
    })();
    return runtime;
  }

  const sessions = new Map();
  async function session(system) {
    await prepared();
    if (!sessions.has(system)) sessions.set(system, await ort.InferenceSession.create(await unpacked(system.model)));
    return sessions.get(system);
  }

  // (T * C) by class: one Float32Array each.
  const columns = (values, count) => Array.from({ length: count }, (_, column) =>
    Float32Array.from({ length: values.length / count }, (_, frame) => values[frame * count + column]));

  // What the network says of one window: { curves, clip } or { logPosteriors }. Throws where it gives no numbers.
  async function heard(system, samples) {
    const network = await session(system);
    const feeds = { [system.input]: new ort.Tensor("float32", samples, [1, samples.length]) };
    const said = await network.run(feeds);
    const values = system.outputs.map(name => said[name].data);
    if (values.some(of => of.some(value => Number.isNaN(value)))) throw new Error("the network gave no numbers");
    if (system.kind === "text") return { logPosteriors: values[0], curves: [{ length: said[system.outputs[0]].dims[1] }] };
    return { curves: columns(values[0], system.classes.length), clip: values[1] };
  }

  earmark.network = { heard, unpacked };
})();
