"use strict";
/* The drawings are complete without this script. It adds what a pointer or the arrow
   keys read out, and sets off one line when its legend entry is pointed at. All text
   enters through textContent. */
(() => {
  const READOUTS = JSON.parse(document.getElementById("readouts").textContent);

  const make = (tag, parent, text) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  };

  /* The plotting areas of a drawing, relative to its box. */
  const panelsOf = (plot) => {
    const box = plot.getBoundingClientRect();
    return [...plot.querySelectorAll("path.background")]
      .map((path) => path.getBoundingClientRect())
      .filter((area) => area.width > 70 && area.height > 50)
      .map((area) => ({
        left: area.left - box.left, top: area.top - box.top,
        width: area.width, height: area.height,
      }));
  };

  const place = (tip, plot, x, y) => {
    const room = plot.clientWidth;
    const left = x + 14 + tip.offsetWidth > room ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, Math.min(y, plot.clientHeight - tip.offsetHeight))}px`;
  };

  const nearest = (at, share) => {
    let low = 0, high = at.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (at[middle] <= share) low = middle; else high = middle;
    }
    return share - at[low] < at[high] - share ? low : high;
  };

  const follow = (plot, readout) => {
    const at = readout.at, labels = readout.labels.split("|");
    const traces = readout.traces.map((t) => ({ ...t, texts: t.texts.split("|") }));
    const tip = make("div", plot), lines = [];
    tip.className = "tip";
    tip.hidden = true;
    let current = -1;

    const show = (index, panels) => {
      current = index;
      while (lines.length < panels.length) {
        lines.push(make("div", plot));
        lines.at(-1).className = "crosshair";
      }
      panels.forEach((area, i) => {
        lines[i].hidden = false;
        lines[i].style.left = `${area.left + at[index] * area.width}px`;
        lines[i].style.top = `${area.top}px`;
        lines[i].style.height = `${area.height}px`;
      });
      tip.textContent = "";
      make("b", tip, labels[index]);
      for (const trace of traces) {
        const row = make("span", tip);
        make("i", row).style.background = trace.colour;
        make("span", row, trace.name).style.display = "block";
        make("em", row, trace.texts[index]);
      }
      tip.hidden = false;
    };
    const hide = () => {
      tip.hidden = true;
      lines.forEach((line) => { line.hidden = true; });
    };

    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect(), panels = panelsOf(plot);
      const x = event.clientX - box.left, y = event.clientY - box.top;
      const area = panels.find((p) => x >= p.left && x <= p.left + p.width &&
        y >= Math.min(...panels.map((q) => q.top)) &&
        y <= Math.max(...panels.map((q) => q.top + q.height)));
      if (!area) { hide(); return; }
      show(nearest(at, (x - area.left) / area.width), panels);
      place(tip, plot, x, y);
    });
    plot.addEventListener("pointerleave", hide);
    plot.closest(".scroll").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const panels = panelsOf(plot), last = at.length - 1;
      const next = Math.max(0, Math.min(last, (current < 0 ? last : current) + step));
      show(next, panels);
      place(tip, plot, panels[0].left + at[next] * panels[0].width, panels[0].top);
    });
    plot.closest(".scroll").addEventListener("blur", hide);
  };

  /* Marks that carry a sentence: dots and bars. */
  const point = (plot) => {
    const marks = [...plot.querySelectorAll(".mark-symbol > path[aria-label], .mark-rect > path[aria-label]")];
    if (!marks.length) return;
    const tip = make("div", plot);
    tip.className = "tip sentence";
    tip.hidden = true;
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      let best = null, least = 26;
      for (const mark of marks) {
        const area = mark.getBoundingClientRect();
        const dx = Math.max(area.left - event.clientX, 0, event.clientX - area.right);
        const dy = Math.max(area.top - event.clientY, 0, event.clientY - area.bottom);
        const distance = Math.hypot(dx, dy * 2);
        if (distance < least) { least = distance; best = mark; }
      }
      tip.hidden = !best;
      if (!best) return;
      tip.textContent = best.getAttribute("aria-label");
      place(tip, plot, event.clientX - box.left, event.clientY - box.top + 12);
    });
    plot.addEventListener("pointerleave", () => { tip.hidden = true; });
  };

  /* Pointing at a legend entry dims every mark of another colour. */
  const legend = (plot) => {
    const colourOf = (node) =>
      [node.getAttribute("stroke"), node.getAttribute("fill")].find((c) => c && c.startsWith("var("));
    const entries = [...plot.querySelectorAll(".role-legend-symbol path")];
    const words = [...plot.querySelectorAll(".role-legend-label text")];
    const marks = [...plot.querySelectorAll(".mark-line path, .mark-area path, .mark-symbol path, .mark-rect path, .mark-rule line")]
      .filter((node) => !node.closest("[class*=role-axis], [class*=role-legend]") && colourOf(node));
    entries.forEach((symbol, index) => {
      for (const node of [symbol, words[index]]) {
        if (!node) continue;
        node.style.pointerEvents = "all";
        node.classList.add("legend-entry");
        node.addEventListener("pointerenter", () =>
          marks.forEach((m) => m.classList.toggle("dim", colourOf(m) !== colourOf(symbol))));
        node.addEventListener("pointerleave", () =>
          marks.forEach((m) => m.classList.remove("dim")));
      }
    });
  };

  for (const plot of document.querySelectorAll(".plot")) {
    const readout = READOUTS[plot.dataset.readout];
    if (readout) follow(plot, readout); else point(plot);
    legend(plot);
  }
  document.documentElement.dataset.ready = "true";
})();
