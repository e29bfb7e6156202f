// SPDX-License-Identifier: Apache-2.0
// Runs the page's model: its golden vectors first, then every log that is dropped on the page.
// `ort` is ONNX Runtime Web, which stands above this text in the same script. Nothing is fetched.
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const POINTS = 1500; // more than a screen shows; a longer log is drawn as means of as many parts

  async function start() {
    const packed = new Blob([bytes(element("wasm").textContent)]).stream();
    const unpacked = new Response(packed.pipeThrough(new DecompressionStream("gzip")));
    ort.env.wasm.wasmBinary = await unpacked.arrayBuffer();
    ort.env.wasm.numThreads = 1;
    element("wasm").remove();
    return ort.InferenceSession.create(bytes(data.model));
  }

  async function predict(session, rows) {
    const scores = new Float32Array(rows.length);
    const size = 16384;
    for (let first = 0; first < rows.length; first += size) {
      const part = rows.slice(first, first + size);
      const values = Float32Array.from(part.flat());
      const tensor = new ort.Tensor("float32", values, [part.length, data.features.length]);
      const found = await session.run({ [data.input]: tensor });
      scores.set(found[data.output].data, first);
    }
    return scores;
  }

  async function checkGolden(session) {
    const scores = await predict(session, data.golden.features);
    const misses = data.golden.vmaf.map((value, row) => Math.abs(value - scores[row]));
    const largest = Math.max(...misses);
    const good = misses.filter((miss) => miss <= data.tolerance).length;
    const passed = good === misses.length;
    const check = element("check");
    check.className = passed ? "check pass" : "check fail";
    check.textContent = passed
      ? `Golden vectors: pass. All ${good} scores agree within ${data.tolerance} points ` +
        `(largest difference ${largest.toPrecision(2)}).`
      : `Golden vectors: fail. Only ${good} of ${misses.length} scores agree within ` +
        `${data.tolerance} points (largest difference ${largest.toPrecision(2)}). ` +
        "This browser does not run the model as it should, so no log is scored here.";
    return passed;
  }

  // Frames of a log as objects from a column's name to its text or number.
  function framesOf(text) {
    const begin = text.trimStart();
    if (begin.startsWith("{")) {
      const { frames } = JSON.parse(text);
      if (!Array.isArray(frames)) throw new Error("this JSON has no list of frames");
      return frames.map((frame) => frame.metrics ?? {});
    }
    if (begin.startsWith("<")) {
      const parsed = new DOMParser().parseFromString(text, "text/xml");
      if (parsed.querySelector("parsererror")) throw new Error("this XML is not well-formed");
      return [...parsed.querySelectorAll("frames > frame")].map((frame) =>
        Object.fromEntries([...frame.attributes].map(({ name, value }) => [name, value])),
      );
    }
    const [head, ...lines] = begin.split(/\r?\n/).filter((line) => line.trim() !== "");
    const names = (head ?? "").split(",").map((name) => name.trim());
    if (!names.includes("Frame")) throw new Error("this is neither JSON, XML nor CSV of libvmaf");
    return lines.map((line) =>
      Object.fromEntries(line.split(",").map((value, column) => [names[column], value])),
    );
  }

  function number(frame, name, index) {
    const text = frame[name];
    const value = text === undefined || text === "" || text === null ? NaN : Number(text);
    if (!Number.isFinite(value)) throw new Error(`frame ${index} has no number for ${name}`);
    return value;
  }

  function read(text) {
    const frames = framesOf(text);
    if (frames.length === 0) throw new Error("this log has no frames");
    const columns = data.features.map((name) => {
      const found = [`integer_${name}`, name].find((column) => column in frames[0]);
      if (found === undefined) {
        const names = Object.keys(frames[0]).join(", ");
        throw new Error(`the log has no column for the feature ${name}; it has ${names}`);
      }
      return found;
    });
    const rows = frames.map((frame, index) => columns.map((name) => number(frame, name, index)));
    const teacher = [data.teacher, "vmaf"].find((name) => name in frames[0]);
    const scores = teacher && frames.map((frame, index) => number(frame, teacher, index));
    return { rows, scores };
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  function show(name, { rows, scores }, predicted) {
    element("log").textContent = name;
    element("frames").textContent = `${rows.length} frames`;
    element("model-mean").textContent = mean(predicted).toFixed(2);
    element("teacher-legend").hidden = !scores;
    element("teacher-mean").textContent = scores ? mean(scores).toFixed(2) : "–";
    element("teacher-note").textContent = scores ? "" : "not in this log";
    const misses = scores?.map((value, frame) => predicted[frame] - value);
    const largest = misses?.reduce((worst, miss, frame) =>
      Math.abs(miss) > Math.abs(misses[worst]) ? frame : worst, 0);
    element("rmse").textContent = misses ? Math.sqrt(mean(misses.map((miss) => miss ** 2))).toFixed(3) : "–";
    element("largest").textContent = misses ? misses[largest].toFixed(3) : "–";
    element("largest-frame").textContent = misses ? `in frame ${largest}` : "";
    const outside = rows.filter((row) =>
      row.some((value, column) => value < data.domain[column][0] || value > data.domain[column][1]),
    ).length;
    element("outside").hidden = outside === 0;
    element("outside").textContent =
      `${outside} of ${rows.length} frames have a feature outside the range of the training frames; ` +
      "the model extrapolates there.";
    element("result").hidden = false;
    draw(predicted, scores);
  }

  function parts(values) {
    const count = Math.min(POINTS, values.length);
    return Array.from({ length: count }, (_, part) => {
      const first = Math.floor((part * values.length) / count);
      const last = Math.floor(((part + 1) * values.length) / count);
      return [(first + last - 1) / 2, mean(Array.from(values.slice(first, last)))];
    });
  }

  function svg(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  let drawn = null;
  function draw(predicted, scores) {
    drawn = { predicted, scores };
    const box = element("course");
    box.replaceChildren();
    const { width, height } = box.getBoundingClientRect();
    const [left, right, top, bottom] = [34, 8, 8, 36];
    const all = scores ? [parts(predicted), parts(scores)] : [parts(predicted)];
    const lowest = all.flat().reduce((low, [, value]) => Math.min(low, value), 100);
    const floor = Math.max(0, 10 * Math.floor(lowest / 10));
    const last = Math.max(1, predicted.length - 1);
    const x = (frame) => left + (frame / last) * (width - left - right);
    const y = (value) => top + ((100 - value) / (100 - floor)) * (height - top - bottom);
    const step = 100 - floor > 50 ? 20 : 100 - floor > 20 ? 10 : 5;
    for (let value = 100; value >= floor; value -= step) {
      box.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
      box.append(svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value));
    }
    const marks = width < 600 ? 3 : 6;
    for (let mark = 0; mark <= marks; mark += 1) {
      const frame = Math.round((last * mark) / marks);
      const anchor = mark === 0 ? "start" : mark === marks ? "end" : "middle";
      box.append(svg("text", { x: x(frame), y: height - 20, "text-anchor": anchor }, frame));
    }
    box.append(svg("text", { x: (left + width) / 2, y: height - 3, "text-anchor": "middle" }, "frame"));
    const line = (points) =>
      points.map(([frame, value], at) => `${at ? "L" : "M"}${x(frame).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    if (scores) box.append(svg("path", { class: "teacher", d: line(all[1]) }));
    box.append(svg("path", { class: "model", d: line(all[0]) }));
    const cursor = svg("line", { class: "cursor", y1: top, y2: height - bottom, visibility: "hidden" });
    box.append(cursor);
    element("readout").textContent = "Point at the chart to read a frame.";
    box.onpointermove = (event) => {
      const place = event.clientX - box.getBoundingClientRect().left;
      const share = (place - left) / (width - left - right);
      const frame = Math.round(Math.min(1, Math.max(0, share)) * (predicted.length - 1));
      cursor.setAttribute("x1", x(frame));
      cursor.setAttribute("x2", x(frame));
      cursor.setAttribute("visibility", "visible");
      const own = `frame ${frame}: model ${predicted[frame].toFixed(2)}`;
      element("readout").textContent = scores ? `${own}, libvmaf ${scores[frame].toFixed(2)}` : own;
    };
  }

  function listen(session) {
    const drop = element("drop");
    async function take(file) {
      if (!file) return;
      const begin = performance.now();
      element("problem").hidden = true;
      try {
        const log = read(await file.text());
        show(file.name, log, await predict(session, log.rows));
        document.documentElement.dataset.logDrawnMs = performance.now() - begin;
      } catch (error) {
        element("result").hidden = true;
        element("problem").hidden = false;
        element("problem").textContent = `${file.name}: ${error.message}`;
      }
    }
    element("file").addEventListener("change", (event) => take(event.target.files[0]));
    for (const kind of ["dragenter", "dragover"]) {
      document.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    document.addEventListener("dragleave", () => drop.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      take(event.dataTransfer.files[0]);
    });
    addEventListener("resize", () => drawn && draw(drawn.predicted, drawn.scores));
  }

  start()
    .then(async (session) => {
      const passed = await checkGolden(session);
      element("file").disabled = !passed;
      if (passed) listen(session);
    })
    .catch((error) => {
      element("check").className = "check fail";
      element("check").textContent = `The model does not start in this browser: ${error.message}`;
      element("file").disabled = true;
    })
    .finally(() => {
      document.documentElement.dataset.drawnAfterMs = performance.now();
    });
}
