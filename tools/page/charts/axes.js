// What charts are drawn on: axes, areas with two axes, and rows of bars.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;
const round = kit.round;

// ------------------------------------------------------------------- Axes

// Values to write at a logarithmic axis: decades, with 2 and 5 if there are few.
const logTicks = (domain, room) => {
  const from = Math.floor(Math.log10(domain[0]) + 1e-9),
        to = Math.ceil(Math.log10(domain[1]) - 1e-9);
  const decades = Math.log10(domain[1] / domain[0]);
  const inside = (v) => v >= domain[0] * (1 - 1e-9) && v <= domain[1] * (1 + 1e-9);
  for (const factors of [[1, 1.2, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks = [];
    for (let e = from; e <= to; ++e) {
      for (const f of factors) {
        const tick = Number((f * Math.pow(10, e)).toPrecision(3));
        if (inside(tick)) ticks.push(tick);
      }
    }
    if (ticks.length <= Math.max(2, room) &&
        (factors.length < 7 || ticks.length < 2 || decades <= 1.05)) {
      if (ticks.length >= 2 || factors.length === 7) return ticks;
    }
    if (factors.length === 1) {
      const step = Math.ceil(ticks.length / Math.max(2, room));
      return ticks.filter((_, i) => i % step === 0);
    }
  }
  return [];
};

kit.ticks = (scale, room) => scale.base ? logTicks(scale.domain(), room) :
                                          scale.ticks(Math.max(2, Math.min(10, room * 0.6)));

// A scale over values, and how its ticks are written. `spec`: log, zero (the
// axis begins at 0), free (it begins and ends where the values do), unit (with SI
// prefix) or format, title.
kit.scale = (values, spec) => {
  let shown = values.filter((v) => kit.number(v) !== undefined && (!spec.log || kit.number(v) > 0));
  if (shown.length === 0) shown = spec.log ? [1, 10] : [0, 1];
  let [low, high] = d3.extent(shown);
  if (spec.log) {
    if (high / low < 1.5) {
      low /= 1.5;
      high *= 1.5;
    }
    const pad = Math.pow(high / low, spec.pad === undefined ? 0.04 : spec.pad);
    low /= pad;
    high *= pad;
  } else {
    if (spec.zero || (low >= 0 && !spec.free)) low = Math.min(0, low);
    if (high <= low) high = low + (Math.abs(low) || 1);
    const pad = (high - low) * (spec.pad === undefined ? 0.04 : spec.pad);
    if (low < 0 || spec.free) low -= pad;
    high += pad;
  }
  const scale = (spec.log ? d3.scaleLog() : d3.scaleLinear()).domain([low, high]);
  let format = spec.format, title = spec.title;
  if (!format) {
    const size = spec.log ? Math.sqrt(low * high) : Math.max(Math.abs(low), Math.abs(high));
    const {factor, symbol} = spec.unit === '' ? {factor: 1, symbol: ''} : kit.prefix(size);
    format = (v) => kit.digits(v / factor, 4);
    if (spec.unit) title = spec.title + ', ' + symbol + spec.unit;
  }
  return {scale, format, title};
};

// Vertical grid lines and the axis below them. Returns the position below.
kit.axisBelow = (parent, frame, axis, area) => {
  const {scale, format, title} = axis;
  const [x0, x1] = [Math.min(...scale.range()), Math.max(...scale.range())];
  const size = frame.small;
  const widest = (ticks) => d3.max(ticks, (t) => kit.textWidth(frame, format(t), size)) || 0;
  let room = Math.floor((x1 - x0) / (size * 2.5));
  let ticks = kit.ticks(scale, room);
  while (room > 2 && ticks.length * (widest(ticks) + size * 0.7) > x1 - x0)
    ticks = kit.ticks(scale, --room);
  let free = -Infinity;
  for (const tick of ticks) {
    const x = scale(tick), text = format(tick), width = kit.textWidth(frame, text, size);
    kit.vertical(parent, x, area.top, area.bottom, {color: kit.color('grid')});
    const left = Math.max(1, Math.min(x - width / 2, frame.width - width - 1));
    if (left < free) continue;
    kit.text(parent, frame, left, area.bottom + size + 3, text, {size, fill: kit.color('muted')});
    free = left + width + 3;
  }
  let y = area.bottom + size + 6;
  if (title) {
    const lines = kit.wrapped(frame, title, frame.width - 8, size);
    const width = d3.max(lines, (line) => kit.textWidth(frame, line, size));
    const middle = Math.max(width / 2 + 1, Math.min((x0 + x1) / 2, frame.width - width / 2 - 1));
    y = kit.lines(
            parent, frame, middle, y + size + 2, lines,
            {size, anchor: 'middle', fill: kit.color('ink')}) -
        size;
  }
  return y + 4;
};

// Horizontal grid lines with values on their left, and the title above.
kit.axisLeft = (parent, frame, axis, area) => {
  const {scale, format} = axis;
  const size = frame.small;
  const room = Math.floor((area.bottom - area.top) / (size * 2.4));
  let free = Infinity;
  for (const tick of kit.ticks(scale, room)) {
    const y = scale(tick);
    kit.horizontal(parent, y, area.left, area.right, {color: kit.color('grid')});
    if (y + size * 0.6 > free) continue;
    kit.text(
        parent, frame, area.left - 6, y + size * 0.35, format(tick),
        {size, anchor: 'end', fill: kit.color('muted')});
    free = y - size * 0.6;
  }
};

// Width of the values beside a vertical axis of a height.
const labelRoom = (frame, axis, height) => {
  const labels = kit.ticks(axis.scale, Math.floor(height / (frame.small * 2.4))).map(axis.format);
  return Math.ceil(d3.max(labels, (text) => kit.textWidth(frame, text, frame.small)) || 0);
};
kit.labelRoom = (frame, spec, height) => labelRoom(frame, kit.scale(spec.values, spec), height);

// An area with two axes. `spec`: top, height, x and y (as in kit.scale, with
// `values`), right: pixels kept free at the right, labels: least width of the
// values at the left. Draws the axes; returns scales, area and the position below.
kit.plot = (frame, spec) => {
  const size = frame.small;
  const x = kit.scale(spec.x.values, spec.x), y = kit.scale(spec.y.values, spec.y);
  const left = spec.left || 0;
  const width = spec.width || frame.width - left;
  let top = spec.top;
  const grid = frame.svg.append('g');
  const titles = kit.wrapped(frame, y.title || '', width - 8, size, 600);
  top = kit.lines(grid, frame, left + 2, top + size, titles, {size, weight: 600}) - size + 6;
  y.scale.range([top + spec.height, top]);
  const wide = Math.max(spec.labels || 0, labelRoom(frame, y, spec.height));
  const area = {
    left: left + wide + 10,
    right: left + width - (spec.right || 10),
    top,
    bottom: top + spec.height
  };
  x.scale.range([area.left, area.right]);
  const bottom = kit.axisBelow(grid, frame, x, area);
  kit.axisLeft(grid, frame, y, area);
  const body = frame.svg.append('g');
  return {x: x.scale, y: y.scale, area, bottom, body, grid};
};
})();
