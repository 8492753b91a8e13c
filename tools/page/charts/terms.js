// The terms of the energy per token as charts show them: label, group, colour and
// the innermost boundary that contains them. Labels and boundaries are those of
// analyzer/machine/terms.h, which a test holds them to.
(function() {
'use strict';

const kit = tokenjoule.charts.kit;

const terms = [
  ['DRAM_ACTIVATE', 'DRAM row activation', 'memory', 'stack'],
  ['DRAM_COLUMN', 'DRAM column and data movement', 'memory', 'stack'],
  ['DRAM_INTERFACE', 'DRAM interface', 'memory', 'stack'],
  ['DRAM_PHY', 'DRAM PHY (host)', 'path', 'memory_path'],
  ['MEMORY_PATH', 'memory path: controller, fabric', 'path', 'memory_path'],
  ['DRAM_BACKGROUND', 'DRAM background and refresh', 'memory', 'stack'],
  ['SRAM', 'on-chip SRAM', 'on-chip', 'chip'],
  ['ON_CHIP_NETWORK', 'on-chip network', 'on-chip', 'chip'],
  ['COMPUTE', 'compute', 'compute', 'chip'],
  ['ADC', 'analog-to-digital conversion', 'compute', 'chip'],
  ['DAC', 'digital-to-analog conversion', 'compute', 'chip'],
  ['ARRAY_WRITE', 'array writes', 'compute', 'chip'],
  ['LINK', 'links between chips', 'on-chip', 'chip'],
  ['STATIC', 'static power and regulators', 'standing', 'board'],
  ['HOST', 'host, NIC, fans, supplies', 'node', 'node'],
  ['FACILITY', 'facility (PUE)', 'node', 'facility'],
].map(([name, label, group, boundary]) => ({
        name,
        figure: name,
        label,
        group,
        boundary,
        color: kit.color(name.toLowerCase().replace(/_/g, '-')),
      }));

const byName = new Map(terms.map((term) => [term.name, term]));

// A term by its name in an answer; an unknown one is shown by that name and cannot be
// explained.
kit.term = (name) => byName.get(name) || {
  name: kit.name(name),
  figure: null,
  label: kit.name(name).toLowerCase().replace(/_/g, ' '),
  group: 'other',
  boundary: 'facility',
  color: kit.color('muted'),
};

// Groups of terms, in the order of the boundaries that contain them.
kit.groups = [
  {name: 'memory', label: 'memory devices', color: kit.color('dram-column')},
  {name: 'path', label: 'path to memory', color: kit.color('dram-phy')},
  {name: 'on-chip', label: 'on chip and links', color: kit.color('sram')},
  {name: 'compute', label: 'compute', color: kit.color('compute')},
  {name: 'standing', label: 'standing power', color: kit.color('static')},
  {name: 'node', label: 'node and facility', color: kit.color('host')},
  {name: 'other', label: 'other', color: kit.color('muted')},
];

kit.boundaries = ['stack', 'memory_path', 'chip', 'board', 'node', 'facility'];

// Whether a boundary contains another, or is it.
kit.contains = (outer, inner) => kit.boundaries.indexOf(inner) <= kit.boundaries.indexOf(outer);

// Words of Bound.Value, and the colour that marks it.
kit.bounds = {
  MEMORY: {label: 'memory', color: kit.color('series-1')},
  COMPUTE: {label: 'compute', color: kit.color('series-2')},
  NETWORK: {label: 'network', color: kit.color('series-3')},
  OVERHEAD: {label: 'overhead', color: kit.color('muted')},
  POWER: {label: 'power', color: kit.color('series-5')},
};
kit.bound = (name) => kit.bounds[name] || {label: 'unknown', color: kit.color('muted')};
})();
