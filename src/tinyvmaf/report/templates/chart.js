// SPDX-License-Identifier: Apache-2.0
// Draws the page's one chart from the data that the page carries. Nothing is fetched.
(() => {
  "use strict";
  const { spec } = JSON.parse(document.getElementById("data").textContent);
  const options = {
    actions: false,
    ast: true, // expressions are interpreted, so that the page's policy may forbid eval
    defaultStyle: false,
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  };
  const buttons = [...document.querySelectorAll(".moments button")];
  spec.autosize = { type: "fit-x", contains: "padding" };

  globalThis.vegaEmbed(document.getElementById("chart"), spec, options).then(({ view }) => {
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const chosen = button.getAttribute("aria-pressed") === "true";
        for (const each of buttons) each.setAttribute("aria-pressed", "false");
        button.setAttribute("aria-pressed", String(!chosen));
        view.signal("moment", chosen ? -1 : Number(button.dataset.time)).runAsync();
      });
    }
  });
})();
