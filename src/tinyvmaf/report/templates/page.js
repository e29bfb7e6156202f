// SPDX-License-Identifier: Apache-2.0
// Draws the page's charts from the data that the page carries. Nothing is fetched.
(() => {
  "use strict";
  const PANEL = { narrowest: 108, axes: 56, gap: 20 };
  const data = JSON.parse(document.getElementById("data").textContent);
  const frames = data.frames.map(([clip, frame, teacher, predicted]) => ({
    order: clip,
    source: data.clips[clip][0],
    clip: data.clips[clip][1],
    frame,
    teacher,
    predicted,
    error: predicted - teacher,
  }));
  const options = {
    actions: false,
    ast: true, // expressions are interpreted, so that the page's policy may forbid eval
    defaultStyle: false,
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  };

  /** As many panels in a row as fit, all of them as wide as that leaves. */
  function columnsOf(width) {
    const room = width - PANEL.axes;
    return Math.max(2, Math.min(6, Math.floor(room / (PANEL.narrowest + PANEL.gap))));
  }

  function fitted(chart, width) {
    const spec = structuredClone(chart.spec);
    if (chart.usesPoints) {
      spec.datasets = { [data.name]: frames.map((row) => ({ ...row })) };
    }
    if (chart.isGrid) {
      spec.columns = columnsOf(width);
      const panel = Math.floor((width - PANEL.axes) / spec.columns) - PANEL.gap;
      Object.assign(spec.spec, { width: panel, height: panel });
    } else {
      spec.width = "container";
      // On a phone names leave room for the marks, and a legend's entries stand in a column.
      spec.config.axisY.labelLimit = Math.max(90, Math.min(230, 0.42 * width));
      spec.config.legend.direction = width < 480 ? "vertical" : "horizontal";
    }
    return spec;
  }

  async function draw(box) {
    const chart = data.charts[box.dataset.chart];
    const { view } = await vegaEmbed(box, fitted(chart, box.clientWidth), options);
    box.dataset.drawn = "";
    return view;
  }

  async function drawAll() {
    for (const box of document.querySelectorAll("[data-chart]")) {
      try {
        await draw(box);
      } catch (error) {
        console.error(`${box.id}: not drawn`, error);
      }
    }
    document.documentElement.dataset.drawnAfterMs = Math.round(performance.now());
  }

  // Other charts follow their container by themselves; a grid has to be laid out again.
  let waiting;
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      for (const box of document.querySelectorAll("[data-chart]")) {
        if (data.charts[box.dataset.chart].isGrid) draw(box);
      }
    }, 200);
  });
  window.addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });

  drawAll();
})();
