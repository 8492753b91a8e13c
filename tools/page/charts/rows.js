// Rows of bars on a common scale: most charts of a term, a part or a constant each.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;
const round = kit.round;

// Rows below each other: a label, a bar or whatever `row.draw` draws on a common
// scale, and a value. On narrow charts label and value stand above the bar.
// A row with `heading` or `gap` has no bar; `note` is small print below one. spec:
// top, left, width, values, log, zero, unit, title, format as in kit.scale; lineAt: a
// value at which a line stands. Returns the position below.
kit.rows = (frame, rows, spec) => {
  const axis = kit.scale(spec.values, spec);
  const columns = columnsOf(frame, rows, spec);
  const {x0, x1, left, width, gap, narrow} = columns;
  axis.scale.range([x0, x1]);
  const lineX = spec.lineAt === undefined ? undefined : axis.scale(spec.lineAt);
  columns.noteX = lineX === undefined ? x0 : lineX + 5;
  const grid = frame.svg.append('g');
  let y = spec.top, first = null;
  for (const row of rows) {
    if (row.gap) {
      y += gap;
    } else if (row.heading !== undefined) {
      const lines = kit.wrapped(frame, row.heading, width - 4, frame.font, 600);
      const at = y + frame.font + gap * 0.7;
      y = kit.lines(frame.svg, frame, left + 2, at, lines, {weight: 600}) - frame.font + 4;
    } else {
      if (first === null) first = y;
      y = drawRow(frame, row, columns, axis.scale, lineX, y);
    }
  }
  y += 2;
  if (lineX !== undefined && !narrow) kit.vertical(frame.svg, lineX, first, y);
  return kit.axisBelow(grid, frame, axis, {top: first === null ? spec.top : first, bottom: y});
};

const valueWidth = (frame, row) =>
    (row.value ? kit.textWidth(frame, row.value, frame.font, row.weight) : 0);

// Where labels end and values begin: as wide as they are, up to a third each.
const columnsOf = (frame, rows, spec) => {
  const gap = Math.round(frame.font * 0.6);
  const left = spec.left || 0, width = spec.width || frame.width - left;
  if (width < 520) {
    return {left, width, gap, narrow: true, x0: left + 2, x1: left + width - 4};
  }
  const bars = rows.filter((row) => row.heading === undefined && !row.gap);
  const values = Math.min(d3.max(bars, (row) => valueWidth(frame, row)) || 0, width * 0.34);
  const labels = Math.min(
      d3.max(bars, (row) => kit.textWidth(frame, row.label, frame.font, row.weight)) || 0,
      width * 0.33);
  return {
    left,
    width,
    gap,
    labels,
    values,
    narrow: false,
    x0: left + labels + gap,
    x1: left + width - values - gap - 2
  };
};

// A row from a position on; returns the position below it.
const drawRow = (frame, row, columns, scale, lineX, top) => {
  const {left, width, narrow, x0, x1, noteX} = columns;
  const g = frame.svg.append('g');
  const hit = g.append('rect')
                  .attr('class', 'tj-hit')
                  .attr('fill', kit.color('ink'))
                  .attr('fill-opacity', 0);
  const {barY, below} = (narrow ? wordsAbove : wordsBeside)(frame, g, row, columns, top);
  const bottom = note(frame, g, row, noteX, below, left + width - noteX - 4) + (narrow ? 3 : 0);
  hit.attr('x', left)
      .attr('y', round(top))
      .attr('width', round(width))
      .attr('height', round(bottom - top));
  const middle = barY + frame.bar / 2;
  row.draw(g, {x: scale, y: barY, height: frame.bar, middle, x0, x1});
  // On narrow charts labels lie above bars: the line leaves them free.
  if (narrow && lineX !== undefined) kit.vertical(g, lineX, barY - 1, barY + frame.bar + 1);
  kit.mark(frame, g, row.mark);
  return bottom;
};

// Label and value on lines of their own; the bar below them.
const wordsAbove = (frame, g, row, {left, width, gap}, top) => {
  const own = valueWidth(frame, row), beside = own + gap < width * 0.6;
  const room = width - 4 - (beside ? own + gap : 0);
  const lines = kit.wrapped(frame, row.label, room, frame.font, row.weight);
  const baseline = top + frame.font + 2;
  let y = kit.lines(g, frame, left + 2, baseline, lines, {weight: row.weight});
  if (row.value && beside) {
    const style = {anchor: 'end', weight: row.weight};
    kit.text(g, frame, left + width - 4, baseline, row.value, style);
  } else if (row.value) {
    const values = kit.wrapped(frame, row.value, width - 4);
    y = kit.lines(g, frame, left + 2, y, values, {fill: kit.color('muted')});
  }
  const barY = y - frame.font + 4;
  return {barY, below: barY + frame.bar + 4};
};

// Label at the left of the bar, value at its right.
const wordsBeside = (frame, g, row, {left, labels, values, gap, x1}, top) => {
  const line = Math.round(frame.font * 1.25);
  const lines = kit.wrapped(frame, row.label, labels, frame.font, row.weight);
  const texts = row.value ? kit.wrapped(frame, row.value, values, frame.font, row.weight) : [];
  const tall = Math.max(frame.row, Math.max(lines.length, texts.length) * line + 6);
  const middle = top + tall / 2;
  const baseline = (count) => middle - ((count - 1) * line) / 2 + frame.font * 0.36;
  const style = {anchor: 'end', weight: row.weight};
  kit.lines(g, frame, left + labels, baseline(lines.length), lines, style);
  kit.lines(g, frame, x1 + gap, baseline(texts.length), texts, {weight: row.weight});
  return {barY: middle - frame.bar / 2, below: top + tall - (row.note ? 4 : 0)};
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
