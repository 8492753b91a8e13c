// Words in charts that avoid each other: labels beside points, names at the ends of
// lines, legends.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// ----------------------------------------------------------------- Labels

const meets = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

// Places beside a point where a text could stand, with what each costs: ever
// further up and down, to the right, to the left, and above or below.
const placesBeside = (item, width, height, step) => {
  const places = [], r = (item.r || 4) + 3;
  for (let i = 0; i <= 12; ++i) {
    for (const up of i ? [-1, 1] : [-1]) {
      const top = item.y + up * i * step - height / 2;
      places.push({left: item.x + r, top, cost: i});
      places.push({left: item.x - r - width, top, cost: i + 0.4});
      const clear = Math.abs(top + height / 2 - item.y) >= r - 2 + height / 2;
      if (clear) places.push({left: item.x - width / 2, top, cost: i - 0.5});
    }
  }
  for (const place of places) {
    place.right = place.left + width;
    place.bottom = place.top + height;
  }
  return places;
};

// Points along lines, a few pixels apart.
const pointsAlong = (lines) => {
  const points = [];
  for (const line of lines) {
    for (let i = 1; i < line.length; ++i) {
      const [a, b] = [line[i - 1], line[i]];
      const steps = Math.max(1, Math.min(200, Math.hypot(b[0] - a[0], b[1] - a[1]) / 6));
      for (let s = 0; s <= steps; ++s) points.push(d3.interpolateArray(a, b)(s / steps).slice());
    }
  }
  return points;
};

// The line from a point to its text where that stands further away.
const tie = (parent, item, box) => {
  const beside = item.x < box.left || item.x > box.right;
  const middle = (box.top + box.bottom) / 2;
  const x = item.x < box.left ? box.left - 1 : item.x > box.right ? box.right + 1 : item.x;
  const y = beside ? middle : middle < item.y ? box.bottom : box.top;
  kit.path(parent, [[item.x, item.y], [x, y]], {color: kit.color('muted'), width: 0.75});
};

// Writes texts beside points where they meet neither each other nor `taken`
// boxes, inside an area, away from `lines` (arrays of [x, y]) if possible. A text
// without a place is left out; it is still in the tip of its mark. Items: x, y,
// r, text (a string, or several that stand below each other), fill, weight, near
// (not so far away that a line would tie it to its point); the first come first.
kit.labels = (parent, frame, items, area, taken, lines = []) => {
  const size = frame.small, step = Math.round(size * 1.2);
  const inside = (box) => box.left >= area.left && box.right <= area.right && box.top >= area.top &&
      box.bottom <= area.bottom;
  const along = pointsAlong(lines);
  const crossed = (box) =>
      along.some(([x, y]) => x > box.left && x < box.right && y > box.top && y < box.bottom);
  const boxes = taken.concat(items.map((item) => {
    const r = item.r || 4;
    return {left: item.x - r, right: item.x + r, top: item.y - r, bottom: item.y + r};
  }));
  for (const item of items) {
    if (!item.text) continue;
    const texts = [].concat(item.text);
    const width = d3.max(texts, (text) => kit.textWidth(frame, text, size, item.weight));
    const cost = (box) => box.cost + (crossed(box) ? 5 : 0);
    const places = placesBeside(item, width, texts.length * step, step / 2)
                       .filter(
                           (box) => !(item.near && box.cost > 3) && inside(box) &&
                               !boxes.some((other) => meets(box, other)));
    if (places.length === 0) continue;
    const best = places.reduce((a, b) => (cost(b) < cost(a) ? b : a));
    boxes.push(best);
    if (best.cost > 3) tie(parent, item, best);
    texts.forEach(
        (text, i) => kit.text(
            parent, frame, best.left, best.top + i * step + size * 0.95, text,
            {size, fill: item.fill, weight: item.weight, halo: true}));
  }
};

// Vertical positions, at least `gap` apart and within [from, to], that are near
// the wanted ones. `wanted` is sorted; if there is no room, null.
kit.apart = (wanted, gap, from, to) => {
  if (wanted.length === 0) return [];
  if ((wanted.length - 1) * gap > to - from + 1e-6) return null;
  // Pools of neighbours that touch move together to their mean.
  const pools = [];
  wanted.forEach((y, i) => {
    pools.push({first: i, count: 1, sum: y - i * gap});
    while (pools.length > 1) {
      const b = pools[pools.length - 1], a = pools[pools.length - 2];
      if (a.sum / a.count <= b.sum / b.count) break;
      pools.pop();
      a.count += b.count;
      a.sum += b.sum;
    }
  });
  const places = [];
  for (const pool of pools) {
    for (let i = 0; i < pool.count; ++i)
      places.push(pool.sum / pool.count + (pool.first + i) * gap);
  }
  const n = places.length;
  for (let i = 0; i < n; ++i) places[i] = Math.max(places[i], from + i * gap);
  for (let i = n - 1; i >= 0; --i) places[i] = Math.min(places[i], to - (n - 1 - i) * gap);
  return places;
};

// Names of lines at their ends, to the right of an area, apart from each other
// and tied to their ends. Items: x, y, text (one or more lines of it), fill.
kit.endLabels = (parent, frame, items, left, top, bottom, width) => {
  const size = frame.small, step = Math.round(size * 1.2);
  const sorted = items
                     .map((item) => Object.assign({}, item, {
                       lines: kit.wrapped(frame, item.text, width, size, 600),
                     }))
                     .sort((a, b) => a.y - b.y || (a.text < b.text ? -1 : 1));
  // Each line of text is one place; those of one name stay together because
  // they are wanted at neighbouring heights.
  const tall = Math.max(1, d3.max(sorted, (item) => item.lines.length) || 1);
  let places =
      kit.apart(sorted.map((item) => item.y), step * tall + 2, top + size / 2, bottom - size / 2);
  if (!places) {
    const room = Math.max(1, Math.floor((bottom - top) / (step * tall + 2)));
    sorted.length = Math.min(sorted.length, room);
    places =
        kit.apart(sorted.map((item) => item.y), step * tall + 2, top - size, bottom + size) || [];
  }
  sorted.forEach((item, i) => {
    if (places[i] === undefined) return;
    const y = places[i];
    kit.path(parent, [[item.x + 2, item.y], [left - 2, y]], {color: item.fill, width: 2});
    kit.lines(
        parent, frame, left, y + size * 0.35 - ((item.lines.length - 1) * step) / 2, item.lines,
        {size, weight: 600});
  });
};

// The swatch of a line, for a legend.
kit.lineSwatch = (style) => (g, x, y, box) => kit.horizontal(g, y, x - box / 2, x + box / 2, {
  color: style.color,
  width: style.width || 2.5,
  opacity: style.opacity,
  dash: style.dash ? '4 2' : null
});

// Swatches with names, wrapped over lines; returns the position below.
kit.legend = (frame, y, entries, parent = frame.svg) => {
  const size = frame.small, box = Math.round(size * 0.8);
  let x = 2, line = y + size;
  for (const entry of entries) {
    const lines = kit.wrapped(frame, entry.name, frame.width - box - 12, size);
    const width = box + 5 + d3.max(lines, (text) => kit.textWidth(frame, text, size));
    if (x > 2 && x + width > frame.width - 2) {
      x = 2;
      line += Math.round(size * 1.45);
    }
    if (entry.draw) {
      entry.draw(parent, x + box / 2, line - box / 2 + 1, box);
    } else {
      parent.append('rect')
          .attr('x', x)
          .attr('y', line - box + 1)
          .attr('width', box)
          .attr('height', box)
          .attr('fill', entry.fill)
          .attr('fill-opacity', entry.opacity || null)
          .attr('stroke', entry.stroke || null)
          .attr('stroke-dasharray', entry.dash || null);
    }
    kit.lines(parent, frame, x + box + 5, line, lines, {size});
    line += (lines.length - 1) * Math.round(size * 1.25);
    x += width + Math.round(size * 1.2);
  }
  return entries.length ? line + Math.round(size * 0.6) : y;
};
})();
