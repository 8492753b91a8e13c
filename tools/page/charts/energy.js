// Where a joule goes: a stacked bar by term, a flow from the total to its causes,
// and the DRAM share at each boundary.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

// Terms of an answer inside its boundary that are not zero, in the order in
// which boundaries take them in, those of a group together.
const insideTerms = (report) => {
  if (!report) return [];
  const order = kit.groups.map((group) => group.name);
  return kit.items(report.energy_terms)
      .filter((row) => kit.number(row.energy_per_token_j, 0) > 0)
      .map(
          (row) => Object.assign(
              {energy: row.energy_per_token_j, low: row.low, high: row.high}, kit.term(row.term)))
      .sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
};

// What lies outside an answer's boundary: the terms of `whole`, the same answer
// at the facility's boundary; without it, what each larger boundary adds.
const outsideParts = (report, whole) => {
  const boundary = kit.boundOf(report);
  if (whole) return insideTerms(whole).filter((term) => !kit.contains(boundary, term.boundary));
  const adds = {
    memory_path: ['path to memory', 'path', 'dram-phy'],
    chip: ['on chip, compute and links', 'on-chip', 'on-chip-network'],
    board: [kit.term('STATIC').label, 'standing', 'static'],
    node: [kit.term('HOST').label, 'node', 'host'],
    facility: [kit.term('FACILITY').label, 'node', 'facility']
  };
  const rows = kit.items(report.energy_by_boundary);
  const parts = [];
  rows.forEach((row, i) => {
    if (i === 0 || kit.contains(boundary, row.boundary) || !adds[row.boundary]) return;
    const energy =
        kit.number(row.energy_per_token_j, 0) - kit.number(rows[i - 1].energy_per_token_j, 0);
    const [label, group, color] = adds[row.boundary];
    if (energy > 0)
      parts.push(
          {figure: null, label, group, energy, boundary: row.boundary, color: kit.color(color)});
  });
  return parts;
};

const shareOf = (part, total) => (total > 0 ? kit.percent(part / total) + ' of the total' : '');

// Options: whole, the same answer at the facility's boundary, whose terms are
// shown outside the boundary with their ranges.
kit.chart('energyBar', (frame, report) => {
  const total = report && kit.number(report.energy_per_token_j);
  if (total === undefined) return 'This answer has no energy per token.';
  const inside = insideTerms(report);
  if (inside.length === 0)
    return 'No energy is spent inside the boundary "' + kit.boundaryName(kit.boundOf(report)) +
        '".';
  const outside = outsideParts(report, frame.options.whole);
  const work = kit.work(report), boundary = kit.boundaryName(kit.boundOf(report));
  let y = kit.begin(frame, 'Energy per ' + work + ' by term, ' + boundary);
  y = totals(frame, report, total, work, boundary, y);
  y = stackedBar(frame, inside, outside, total, y + 4);
  y = termRows(frame, inside, outside, total, work, y + 8);
  const none = kit.items(report.energy_terms)
                   .filter((row) => kit.number(row.energy_per_token_j) === 0)
                   .map((row) => kit.term(row.term).label);
  frame.height = none.length ? kit.paragraph(frame, y + 2, 'None of: ' + none.join(', ') + '.') : y;
});

const totals = (frame, report, total, work, boundary, top) => {
  const size = Math.round(frame.font * 1.7);
  const g = frame.svg.append('g');
  const name = kit.si(total, 'J') + ' per ' + work;
  kit.text(g, frame, 2, top + size, name, {size, weight: 700});
  let y = top + size + 4;
  const lines = [];
  if (kit.hasRange(total, report.energy_per_token_j_low, report.energy_per_token_j_high)) {
    lines.push(
        'range ' + kit.si(report.energy_per_token_j_low, 'J') + ' to ' +
        kit.si(report.energy_per_token_j_high, 'J'));
  }
  const text = ['boundary: ' + boundary].concat(lines).join(', ');
  y = kit.paragraph(frame, y, text);
  kit.mark(frame, g, {key: 'total', name, lines: [text], figure: 'energy_per_token_j'});
  return y;
};

const stackedBar = (frame, inside, outside, total, top) => {
  const all = inside.concat(outside);
  const sum = d3.sum(all, (part) => part.energy);
  const x = d3.scaleLinear().domain([0, sum]).range([2, frame.width - 3]);
  const height = Math.round(frame.font * 2.6), size = frame.small;
  // Names of groups above their segments, where they fit.
  const y = top + size + 8;
  let at = 0, start = 0;
  const bar = frame.svg.append('g');
  all.forEach((part, i) => {
    const own = i >= inside.length;
    const x0 = x(at), x1 = x(at + part.energy);
    const rect = bar.append('rect')
                     .attr('x', kit.round(x0))
                     .attr('y', y)
                     .attr('width', kit.round(Math.max(0.5, x1 - x0)))
                     .attr('height', height)
                     .attr('fill', part.color)
                     .attr('fill-opacity', own ? 0.25 : 1)
                     .attr('stroke', own ? part.color : kit.color('surface'))
                     .attr('stroke-width', 1)
                     .attr('stroke-dasharray', own ? '3 2' : null);
    kit.mark(frame, rect, {
      plain: true,
      key: 'bar-' + part.label,
      name: part.label,
      figure: part.figure,
      lines: [
        kit.range(part.energy, part.low, part.high, 'J'),
        own ? 'outside the boundary; the ' + kit.boundaryName(part.boundary) + ' adds it' :
              shareOf(part.energy, total)
      ]
    });
    at += part.energy;
    const next = all[i + 1];
    if (next && next.group === part.group && (i + 1 < inside.length) === !own) return;
    const group = kit.groups.find((g) => g.name === part.group);
    const text = group ? group.label : part.group;
    if (x(at) - x(start) > kit.textWidth(frame, text, size) + 6) {
      kit.text(
          bar, frame, (x(start) + x(at)) / 2, y - 5, text,
          {size, anchor: 'middle', fill: kit.color('muted')});
    }
    start = at;
  });
  // The boundary: all to its left counts.
  let below = y + height + 4;
  if (outside.length) {
    const edge = x(d3.sum(inside, (part) => part.energy));
    kit.vertical(frame.svg, edge, y - 3, y + height + 6, {width: 2});
    const text = 'outside the boundary: ' + kit.si(d3.sum(outside, (part) => part.energy), 'J');
    const width = kit.textWidth(frame, text, size);
    const left = Math.max(2, Math.min(edge + 4, frame.width - width - 2));
    kit.text(frame.svg, frame, left, below + size + 2, text, {size, fill: kit.color('muted')});
    below += size + 8;
  }
  return below;
};

const termRows = (frame, inside, outside, total, work, top) => {
  const rows = [];
  const row = (part, own) => ({
    label: part.label,
    value: kit.range(part.energy, part.low, part.high, 'J'),
    draw: (g, place) => {
      kit.bar(g, place, 0, part.energy, {
        fill: part.color,
        opacity: own ? 0.25 : 1,
        stroke: own ? part.color : null,
        dash: own ? '3 2' : null
      });
      if (kit.hasRange(part.energy, part.low, part.high))
        kit.whisker(g, place, part.low, part.high);
    },
    mark: {
      key: 'row-' + part.label,
      name: part.label,
      figure: part.figure,
      lines: [
        kit.range(part.energy, part.low, part.high, 'J') + ' per ' + work,
        own ? 'outside the boundary' : shareOf(part.energy, total)
      ]
    },
  });
  for (const group of kit.groups) {
    const parts = inside.filter((part) => part.group === group.name);
    if (parts.length === 0) continue;
    const sum = d3.sum(parts, (part) => part.energy);
    if (parts.length > 1)
      rows.push({heading: group.label + ', ' + kit.si(sum, 'J') + ', ' + kit.percent(sum / total)});
    else if (rows.length)
      rows.push({gap: true});
    parts.forEach((part) => rows.push(row(part, false)));
  }
  if (outside.length) {
    rows.push({heading: 'outside the boundary'});
    outside.forEach((part) => rows.push(row(part, true)));
  }
  const values =
      inside.concat(outside).flatMap((part) => [0, part.energy, kit.number(part.high, 0)]);
  return kit.rows(frame, rows, {top, values, zero: true, unit: 'J', title: 'energy per ' + work});
};

// ------------------------------------------------------------------ Sankey

// The flow of a joule: total, groups, terms, causes. Narrow charts leave out the
// groups.
kit.chart('energySankey', (frame, report) => {
  const total = report && kit.number(report.energy_per_token_j);
  const terms = report ? insideTerms(report) : [];
  if (!(total > 0) || terms.length === 0) return 'No energy is spent inside the boundary.';
  const work = kit.work(report);
  const graph = flows(frame, report, terms, total, work);
  const top = kit.begin(frame, 'Flow of the energy per ' + work + ' from total to causes');
  const size = frame.small, header = size + 8;
  const most = d3.max(d3.nest().key((n) => n.column).entries(graph.nodes), (c) => c.values.length);
  const height = Math.max(frame.width * (frame.narrow ? 0.9 : 0.42), most * size * 2.1);
  const columns = d3.max(graph.nodes, (n) => n.column) + 1;
  const labelRoom = Math.min(frame.width * (frame.narrow ? 0.27 : 0.2), frame.font * 10);
  const thick = frame.narrow ? 10 : 16;
  d3.sankey()
      .nodeId((n) => n.id)
      .nodeWidth(thick)
      .nodePadding(Math.min(14, size))
      .nodeAlign((n) => n.column)
      .nodeSort(null)
      .linkSort(null)
      .extent([[2, top + header], [frame.width - labelRoom - 2, top + header + height]])(graph);
  const step = (frame.width - labelRoom - 4 - thick) / (columns - 1);
  for (const node of graph.nodes) {
    const room = (node.column === columns - 1 ? labelRoom : step) - thick - 8;
    node.lines = kit.wrapped(frame, node.label + ' ' + kit.percent(node.value / total), room, size);
  }
  const bottom = settle(graph, top + header, top + header + height, size);
  const titles =
      columns === 4 ? ['total', 'groups', 'terms', 'causes'] : ['total', 'terms', 'causes'];
  titles.forEach((text, i) => {
    kit.text(
        frame.svg, frame, 2 + i * step, top + size, text,
        {size, weight: 600, fill: kit.color('muted')});
  });
  drawLinks(frame, graph);
  drawNodes(frame, graph, total);
  frame.height = bottom + size;
});

// Terms and causes with less than this share of the total are put together.
const LEAST_SHARE = 0.004;

// Nodes in columns and the links between them; what is added twice adds up.
class Flow {
  constructor() {
    this.nodes = new Map();
    this.links = new Map();
  }
  node(id, column, more) {
    if (!this.nodes.has(id)) {
      this.nodes.set(id, Object.assign({id, column, color: kit.color('muted')}, more));
    }
    return id;
  }
  link(source, target, value, color) {
    const key = source + '\n' + target;
    const link = this.links.get(key) || {source, target, value: 0, color};
    link.value += value;
    this.links.set(key, link);
  }
  // As d3.sankey takes it. What was put together comes last in its column.
  graph() {
    return {
      nodes: [...this.nodes.values()].sort((a, b) => Boolean(a.last) - Boolean(b.last)),
      links: [...this.links.values()]
    };
  }
}

const flows = (frame, report, terms, total, work) => {
  const flow = new Flow(), groups = !frame.narrow, column = groups ? 2 : 1;
  flow.node('total', 0, {label: 'one ' + work, figure: 'energy_per_token_j'});
  const causes =
      kit.items(report.energy_causes).filter((c) => kit.number(c.energy_per_token_j, 0) > 0);
  const small = [], order = kit.groups.map((group) => group.name);
  const sorted = terms.slice().sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
  for (const term of sorted) {
    const id = termNode(flow, term, column, total, small);
    const group = kit.groups.find((one) => one.name === term.group);
    if (groups) {
      flow.node('group ' + group.name, 1, {label: group.label, color: group.color});
      flow.link('total', 'group ' + group.name, term.energy, group.color);
    }
    flow.link(groups ? 'group ' + group.name : 'total', id, term.energy, term.color);
    addCauses(flow, term, id, causes.filter((c) => c.term === term.name), column + 1, total);
  }
  return flow.graph();
};

const termNode = (flow, term, column, total, small) => {
  if (term.energy >= LEAST_SHARE * total) {
    const {label, figure, color, low, high} = term;
    return flow.node('term ' + term.name, column, {label, figure, color, low, high});
  }
  small.push(term.label + ' ' + kit.si(term.energy, 'J'));
  return flow.node('term rest', column, {label: 'smaller terms', small, last: true});
};

const addCauses = (flow, term, from, causes, column, total) => {
  for (const cause of causes) {
    const to = cause.energy_per_token_j < LEAST_SHARE * total ?
        flow.node('cause minor', column, {label: 'minor causes', last: true}) :
        flow.node('cause ' + cause.cause, column, {label: kit.name(cause.cause)});
    flow.link(from, to, cause.energy_per_token_j, term.color);
  }
  const unknown = term.energy - d3.sum(causes, (c) => c.energy_per_token_j);
  if (unknown > 1e-6 * term.energy) {
    const to = flow.node('cause unnamed', column, {label: 'not attributed', last: true});
    flow.link(from, to, unknown, term.color);
  }
};

// Moves nodes of a column apart so that their labels have room, and their links
// with them; returns the lowest position, which is below `bottom` where labels
// need more than that.
const settle = (graph, top, bottom, size) => {
  const need = (node) => Math.max(node.y1 - node.y0, node.lines.length * size * 1.2) + 4;
  const columns = d3.nest().key((n) => n.column).entries(graph.nodes).map((c) => c.values);
  const lowest = Math.max(bottom, top + d3.max(columns, (nodes) => d3.sum(nodes, need)));
  for (const nodes of columns) {
    nodes.sort((a, b) => a.y0 - b.y0);
    let y = top;
    for (const node of nodes) {
      move(node, Math.max(0, y - node.y0));
      y = node.y0 + need(node);
    }
    y = lowest;
    for (const node of nodes.slice().reverse()) {
      move(node, Math.min(0, y - need(node) - node.y0));
      y = node.y0;
    }
  }
  return lowest;
};

const move = (node, dy) => {
  node.y0 += dy;
  node.y1 += dy;
  for (const link of node.sourceLinks) link.y0 += dy;
  for (const link of node.targetLinks) link.y1 += dy;
};

const drawLinks = (frame, graph) => {
  const path = d3.sankeyLinkHorizontal();
  const g = frame.svg.append('g').attr('fill', 'none');
  for (const link of graph.links) {
    g.append('path')
        .attr('d', path(link))
        .attr('stroke', link.color)
        .attr('stroke-width', kit.round(Math.max(0.5, link.width)))
        .attr('stroke-opacity', 0.4);
  }
};

const drawNodes = (frame, graph, total) => {
  const size = frame.small;
  for (const node of graph.nodes) {
    const g = frame.svg.append('g');
    g.append('rect')
        .attr('x', kit.round(node.x0))
        .attr('y', kit.round(node.y0))
        .attr('width', kit.round(node.x1 - node.x0))
        .attr('height', kit.round(Math.max(1, node.y1 - node.y0)))
        .attr('fill', node.color);
    const name = node.label + ', ' + kit.si(node.value, 'J');
    // Beside the middle of a tall node; of a low one, from its top down.
    const tall = node.lines.length * size * 1.2;
    const first = Math.max(node.y0, (node.y0 + node.y1 - tall) / 2) + size * 0.95;
    node.lines.forEach(
        (line, i) =>
            kit.text(g, frame, node.x1 + 4, first + i * size * 1.2, line, {size, halo: true}));
    kit.mark(frame, g, {
      plain: true,
      key: node.id,
      name,
      figure: node.figure,
      lines: [
        shareOf(node.value, total), node.small ? node.small.join(', ') : '',
        kit.hasRange(node.value, node.low, node.high) ?
            'range ' + kit.si(node.low, 'J') + ' to ' + kit.si(node.high, 'J') :
            ''
      ]
    });
  }
};

// --------------------------------------------------------------- DRAM share

// The share of the memory in the energy inside each boundary, as a band.
kit.chart('dramShare', (frame, report) => {
  const rows = report ? shareRows(report) : [];
  if (rows.length === 0)
    return 'This machine has no DRAM that decoding uses, so it has no DRAM share.';
  let y = kit.begin(frame, 'Share of the memory in the energy per ' + kit.work(report));
  y = kit.legend(frame, y, [
    {
      name: rows[0].memory + ' devices alone',
      draw: (g, x, at, box) => kit.disc(g, x, at, box * 0.45, kit.color('dram-column'))
    },
    {
      name: 'with PHY, controller and fabric',
      draw: (g, x, at, box) => kit.diamond(g, x, at, box * 0.55, kit.color('dram-phy'))
    },
  ]);
  frame.height = kit.rows(frame, rows, {
    top: y + 2,
    values: [0, 1],
    zero: true,
    pad: 0.02,
    format: (v) => Math.round(100 * v) + ' %',
    title: 'share of the energy inside the boundary'
  });
});

const shareRows = (report) => {
  const chosen = kit.boundOf(report);
  const boundaries = kit.items(report.dram_share_by_boundary);
  if (boundaries.length) {
    return boundaries.map(
        (row) => shareRow(
            kit.boundaryName(row.boundary), row.boundary === chosen, 'DRAM',
            [row.stack_energy_share, row.stack_energy_share_low, row.stack_energy_share_high],
            row.boundary === 'stack' ?
                [] :
                [row.dram_energy_share, row.dram_energy_share_low, row.dram_energy_share_high],
            'dram_energy_share'));
  }
  const memory = report.memory_share;
  if (!memory || kit.number(memory.energy_share) === undefined) return [];
  return [shareRow(
      'board', true, kit.name(memory.memory),
      [memory.energy_share, memory.energy_share_low, memory.energy_share_high],
      [memory.with_path, memory.with_path_low, memory.with_path_high], null)];
};

const shareText = ([value, low, high]) => {
  if (kit.number(value) === undefined) return '';
  if (!kit.hasRange(value, low, high)) return kit.percent(value);
  return kit.percent(value) + ' (' + kit.digits(100 * low, 2) + ' to ' + kit.digits(100 * high, 2) +
      ')';
};

const shareRow = (label, chosen, memory, devices, path, figure) => ({
  memory,
  label: chosen ? label + ' (chosen)' : label,
  weight: chosen ? 700 : 400,
  value: shareText(path.length ? path : devices),
  draw: (g, place) => {
    band(g, place, path, kit.color('dram-phy'), 0.45, 0.9);
    band(g, place, devices, kit.color('dram-column'), 0.4, 0.5);
    if (kit.number(path[0]) !== undefined)
      kit.diamond(g, place.x(path[0]), place.middle, place.height * 0.42, kit.color('dram-phy'));
    if (kit.number(devices[0]) !== undefined)
      kit.disc(g, place.x(devices[0]), place.middle, place.height * 0.34, kit.color('dram-column'));
  },
  mark: {
    key: 'share-' + label,
    name: 'share inside the boundary ' + label,
    figure,
    lines: [
      memory + ' devices alone: ' + shareText(devices),
      shareText(path) ? 'with PHY, controller and fabric: ' + shareText(path) : ''
    ]
  },
});

const band = (g, place, [value, low, high], color, opacity, thick) => {
  if (kit.hasRange(value, low, high))
    kit.bar(g, place, low, high, {fill: color, opacity, share: thick});
};
})();
