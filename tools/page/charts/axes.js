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
  let shown = values.filter((v) => kit.number(v) !== undefined && (!spec.log || v > 0));
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

// ------------------------------------------------------------------- Rows

// Rows below each other: a label, a bar or whatever `row.draw` draws on a common
// scale, and a value. On narrow charts label and value stand above the bar.
// A row with `heading` or `gap` has no bar; `note` is small print below one. spec: top, values,
// log, zero, unit, title, format as in kit.scale; noAxis. Returns the position below.
kit.rows = (frame, rows, spec) => {
  const gap = Math.round(frame.font * 0.6);
  const axis = kit.scale(spec.values, spec);
  const left = spec.left || 0, width = spec.width || frame.width - left;
  const narrow = spec.narrow === undefined ? width < 520 : spec.narrow;
  const valueWidth = (row) =>
      (row.value ? kit.textWidth(frame, row.value, frame.font, row.weight) : 0);
  const labelSize = (row) => kit.textWidth(frame, row.label, frame.font, row.weight);
  const bars = rows.filter((row) => row.heading === undefined && !row.gap);
  const values = narrow ? 0 : Math.min(d3.max(bars, valueWidth) || 0, width * 0.34);
  const labels =
      narrow ? 0 : Math.min(d3.max(bars, labelSize) || 0, width * (spec.labelShare || 0.33));
  const x0 = left + (narrow ? 2 : labels + gap);
  const x1 = left + width - (narrow ? 4 : values + gap + 2);
  axis.scale.range([x0, x1]);
  const noteX = spec.lineAt === undefined ? x0 : axis.scale(spec.lineAt) + 5;
  const grid = frame.svg.append('g');
  const line = Math.round(frame.font * 1.25);
  const first = spec.top;
  let y = spec.top;
  for (const row of rows) {
    if (row.gap) {
      y += gap;
      continue;
    }
    if (row.heading !== undefined) {
      const lines = kit.wrapped(frame, row.heading, width - 4, frame.font, 600);
      y = kit.lines(
              frame.svg, frame, left + 2, y + frame.font + gap * 0.7, lines,
              {weight: 600, fill: row.fill}) -
          frame.font + 4;
      continue;
    }
    const g = frame.svg.append('g');
    const hit = g.append('rect')
                    .attr('class', 'tj-hit')
                    .attr('fill', kit.color('ink'))
                    .attr('fill-opacity', 0);
    const start = y;
    let barY;
    if (narrow) {
      const own = valueWidth(row);
      const beside = own + gap < width * 0.6;
      const lines = kit.wrapped(
          frame, row.label, width - 4 - (beside ? own + gap : 0), frame.font, row.weight);
      y = kit.lines(g, frame, left + 2, y + frame.font + 2, lines, {weight: row.weight});
      if (row.value && beside) {
        kit.text(
            g, frame, left + width - 4, start + frame.font + 2, row.value,
            {anchor: 'end', weight: row.weight});
      } else if (row.value) {
        y = kit.lines(
            g, frame, left + 2, y, kit.wrapped(frame, row.value, width - 4),
            {fill: kit.color('muted')});
      }
      barY = y - frame.font + 4;
      y = barY + frame.bar + 4;
      y = note(frame, g, row, noteX, y, left + width - noteX - 4) + 3;
    } else {
      const lines = kit.wrapped(frame, row.label, labels, frame.font, row.weight);
      const texts = row.value ? kit.wrapped(frame, row.value, values, frame.font, row.weight) : [];
      const tall = Math.max(frame.row, Math.max(lines.length, texts.length) * line + 6);
      const middle = y + tall / 2;
      const baseline = (count) => middle - ((count - 1) * line) / 2 + frame.font * 0.36;
      kit.lines(
          g, frame, left + labels, baseline(lines.length), lines,
          {anchor: 'end', weight: row.weight});
      kit.lines(g, frame, x1 + gap, baseline(texts.length), texts, {weight: row.weight});
      barY = middle - frame.bar / 2;
      y = note(frame, g, row, noteX, y + tall - (row.note ? 4 : 0), left + width - noteX - 4);
    }
    hit.attr('x', left)
        .attr('y', round(start))
        .attr('width', round(width))
        .attr('height', round(y - start));
    const lines = spec.lineAt !== undefined && narrow ? [axis.scale(spec.lineAt)] : [];
    row.draw(g, {x: axis.scale, y: barY, height: frame.bar, middle: barY + frame.bar / 2, x0, x1});
    for (const x of lines) {
      // On narrow charts labels lie above bars: the line leaves them free.
      kit.vertical(g, x, barY - 1, barY + frame.bar + 1);
    }
    kit.mark(frame, g, row.mark);
  }
  y += 2;
  if (spec.lineAt !== undefined && !narrow) {
    kit.vertical(frame.svg, axis.scale(spec.lineAt), first, y);
  }
  if (spec.noAxis) return y;
  return kit.axisBelow(grid, frame, axis, {top: first, bottom: y});
};

// Small print of a row, below its bar.
const note = (frame, g, row, x, y, width) => {
  if (!row.note) return y;
  const size = frame.small;
  return kit.lines(
             g, frame, x, y + size, kit.wrapped(frame, row.note, width, size),
             {size, fill: kit.color('muted')}) -
      size + 5;
};

// A bar from one value to another.
kit.bar = (parent, place, from, to, style) => {
  const a = place.x(from), b = place.x(to);
  const thick = place.height * (style.share || 1);
  return parent.append('rect')
      .attr('x', round(Math.min(a, b)))
      .attr('y', round(place.middle - thick / 2))
      .attr(
          'width', round(Math.max(Math.abs(b - a), style.least === undefined ? 0.75 : style.least)))
      .attr('height', round(thick))
      .attr('fill', style.fill || 'none')
      .attr('fill-opacity', style.opacity === undefined ? null : style.opacity)
      .attr('stroke', style.stroke || null)
      .attr('stroke-dasharray', style.dash || null);
};

// A range: a line with caps over a halo, so that it shows on any bar.
kit.whisker = (parent, place, low, high) => {
  const a = place.x(low), b = place.x(high), y = place.middle, cap = place.height * 0.28;
  const points = [[a, y - cap], [a, y + cap], [a, y], [b, y], [b, y - cap], [b, y + cap]];
  kit.path(parent, points, {color: kit.color('surface'), width: 3.5, opacity: 0.7});
  kit.path(parent, points, {width: 1.25});
};
})();
