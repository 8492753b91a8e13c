// Answers as tables and sentences, beside the charts of them.
(function(tokenjoule) {
  'use strict';

  const {format, state} = tokenjoule;
  const {el, figure, table} = tokenjoule.dom;

  const byBoundary = (report) => 'at the ' + format.boundary(report.scenario.boundary);

  function bandCell(value, low, high) {
    return [format.percent(value), ' ',
      el('span', {class: 'range'}, format.percentRange(low, high))];
  }

  function termTable(report) {
    const total = report.energy_per_token_j;
    const rows = report.energy_terms.filter((term) => term.energy_per_token_j > 0).map((term) => [
      figure(term.term, format.term(term.term)),
      format.si(term.energy_per_token_j, 'J'),
      format.range(term.low, term.high, 'J'),
      format.percent(term.energy_per_token_j / total),
    ]);
    rows.push({className: 'total', cells: [
      figure('energy_per_token_j', 'total'), format.si(total, 'J'),
      format.range(report.energy_per_token_j_low, report.energy_per_token_j_high, 'J'),
      format.percent(1),
    ]});
    return table('Energy per ' + tokenjoule.headline.unitOf(report) + ' ' + byBoundary(report),
        [{label: 'term'}, {label: 'energy', number: true}, {label: 'range', number: true},
         {label: 'share', number: true}], rows);
  }

  function factored(report) {
    const f = report.factorization;
    if (!f || !f.operations_per_token) return null;
    return el('p', {class: 'factored'}, 'Factored: ',
        format.si(f.operations_per_token, 'FLOP'), ' × (',
        format.si(f.energy_per_operation_j, 'J/FLOP'), ' + ',
        format.number(f.memory_accesses_per_operation), ' byte/FLOP × ',
        format.si(f.energy_per_access_j, 'J/byte'), ') = ', format.si(f.product_j, 'J'),
        '; plus ', format.si(f.standing_j, 'J'),
        ' that does not depend on the work: idle power, links, losses.');
  }

  function shareTable(report) {
    if (!(report.dram_share_by_boundary || []).length) return null;
    const energies = new Map(report.energy_by_boundary.map(
        (one) => [one.boundary, one.energy_per_token_j]));
    return table('DRAM share by boundary', [
      {label: 'boundary'}, {label: 'energy', number: true}, {label: 'DRAM alone', number: true},
      {label: 'with memory path', number: true},
    ], report.dram_share_by_boundary.map((one) => ({
      className: one.boundary === report.scenario.boundary ? 'chosen' : '',
      cells: [
        format.boundary(one.boundary), format.si(energies.get(one.boundary), 'J'),
        bandCell(one.stack_energy_share, one.stack_energy_share_low, one.stack_energy_share_high),
        one.dram_energy_share > 0 ? bandCell(one.dram_energy_share, one.dram_energy_share_low,
            one.dram_energy_share_high) : '',
      ],
    })));
  }

  function bytesTable(report) {
    const sum = report.parts.reduce((total, part) => total + part.held_bytes, 0);
    const caches = report.memory_used_bytes - sum - (report.idle_array_bytes || 0);
    const rows = report.parts.map((part) => [part.part, part.read_bytes_per_step, part.held_bytes])
        .concat([
          ['KV cache and recurrent state', report.kv_read_bytes_per_step +
              report.state_bytes_per_step, caches],
          ['cells left idle', 0, report.idle_array_bytes],
        ].filter(([, read, held]) => read > 0 || held > 1))
        .map(([name, read, held]) => [name, format.si(read, 'B'), format.si(held, 'B')]);
    rows.push({className: 'total', cells: ['in all; read with writes and spills',
      format.si(report.dram_bytes_per_step, 'B'), format.si(report.memory_used_bytes, 'B')]});
    return table('Bytes by part of the model, all chips', [{label: 'part'},
      {label: 'read per step', number: true}, {label: 'held', number: true}], rows);
  }

  function sourceList(costs) {
    return (costs.sources || []).length ? [el('h4', {}, 'Where the prices come from'),
      el('ul', {class: 'sources'}, costs.sources.map((text) => el('li', {}, text)))] : null;
  }

  // Fields of a RunningCost with the factor and unit that they are written in; a
  // price has the unit that it was given in.
  const COST_ROWS = [
    ['Electricity, at the facility', 'electricity_kwh', 1000, 'Wh'],
    ['Price of that electricity', 'electricity_price', 1, ''],
    ['Price of the chips’ time', 'chips_price', 1, ''],
    ['Price, in all', 'price', 1, ''],
    ['Emissions of that electricity, CO₂e', 'co2e_g', 1, 'g'],
  ];

  function costCell(cost, [, name, factor, unit]) {
    if (!format.known(cost[name])) return '';
    const [value, low, high] = ['', '_low', '_high'].map((end) => cost[name + end] * factor);
    return [unit ? format.si(value, unit) : format.number(value), ' ', el('span', {class: 'range'},
        unit ? format.range(low, high, unit) : format.numberRange(low, high))];
  }

  function costTable(report) {
    const costs = report.costs;
    if (!costs || !costs.per_million_tokens) {
      return el('p', {}, 'This answer has no costs.');
    }
    const columns = [costs.per_million_tokens].concat(costs.per_request || []);
    const rows = COST_ROWS.filter(([, name]) => columns.some((cost) => format.known(cost[name])))
        .map((row) => [row[0]].concat(columns.map((cost) => costCell(cost, row))));
    const word = tokenjoule.headline.unitOf(report);
    const further = [
      ['Energy per request', costs.energy_per_request_j],
      ['Energy per token of the prompt', costs.energy_per_input_token_j],
      ['Energy per token of the output', costs.energy_per_output_token_j],
    ].filter(([, value]) => format.known(value));
    return [
      table('What decoding costs', [{label: ''},
        {label: 'per million ' + word + 's', number: true}].concat(
        costs.per_request ? [{label: 'per request', number: true}] : []), rows),
      further.length ? table('Energy of a request ' + byBoundary(report),
          [{label: ''}, {label: 'energy', number: true}],
          further.map(([label, value]) => [label, format.si(value, 'J')])) : null,
      format.known(costs.prefill_energy_share) ? el('p', {}, 'Reading the prompt takes ' +
          format.percent(costs.prefill_energy_share) + ' of a request’s energy. The system ' +
          'completes ' + format.number(costs.requests_per_s) + ' requests/s at this batch.') :
          el('p', {class: 'hint'}, 'With lengths of prompt and output, this page also says ' +
              'what a request costs.'),
      el('p', {class: 'hint'}, 'Electricity is counted at the facility, where it is metered and ' +
          'paid, whatever the boundary is. Prices are in whatever currency they are given in.'),
      tokenjoule.recorded ? null : el('p', {}, el('button', {type: 'button', class: 'button',
        id: 'set-prices', onclick: () => tokenjoule.controls.show('price-per-kwh'),
      }, 'Set prices and carbon')),
      sourceList(costs),
    ];
  }

  function machineTable(study) {
    const per = tokenjoule.headline.timePerToken;
    const rows = study.rows.map((report) => [
      report.hardware,
      format.si(report.energy_per_token_j, 'J'),
      format.range(report.energy_per_token_j_low, report.energy_per_token_j_high, 'J'),
      report.fits ? format.si(per(report, report.step_time_s), 's') : 'does not fit',
      report.fits ? format.number(report.tokens_per_s / report.num_chips) : '',
      format.whole(report.max_batch), report.evidence,
    ]);
    return table('The machines in numbers', [{label: 'machine'}, {label: 'energy', number: true},
      {label: 'range', number: true}, {label: 'time per token', number: true},
      {label: 'tokens/s per chip', number: true}, {label: 'largest batch', number: true},
      {label: 'evidence'}], rows);
  }

  function planTable(study) {
    const money = study.rows.some((row) => format.known((row.per_request || {}).price));
    const rows = study.rows.map((row) => [
      row.hardware, row.weights, ['tp', 'pp', 'ep'].filter((way) => row[way] > 1)
          .map((way) => way + ' ' + row[way]).join(', ') || '1 chip',
      format.whole(row.replicas), format.whole(row.chips), format.number(row.batch),
      format.number(row.time_per_token_ms) + ' ms',
      format.number(row.time_to_first_token_ms) + ' ms',
      [format.si(row.energy_per_request_j, 'J'), ' ', el('span', {class: 'range'}, format.range(
          row.energy_per_request_j_low, row.energy_per_request_j_high, 'J'))],
      format.percent(row.idle_energy_share),
    ].concat(money ? [format.number((row.per_request || {}).price)] : [],
        tokenjoule.recorded ? [] : [useButton(row)]));
    return [
      table('The best way of each machine', [{label: 'machine'}, {label: 'weights'},
        {label: 'replica'}, {label: 'replicas', number: true}, {label: 'chips', number: true},
        {label: 'batch', number: true}, {label: 'per token', number: true},
        {label: 'first token', number: true}, {label: 'energy per request', number: true},
        {label: 'of it idle', number: true},
      ].concat(money ? [{label: 'price per request', number: true}] : [],
          tokenjoule.recorded ? [] : [{label: ''}]), rows),
      el('p', {class: 'hint'}, 'The plan chooses machine, runtime, weights, parallelism and ' +
          'batch. Those of the setup, and changed numbers of its machine, do not count here.'),
    ];
  }

  // What a plan chooses, as the flags of its command line; the rest is the setup's.
  const CHOSEN = ['hardware', 'runtime', 'weights', 'activations', 'batch', 'tp', 'pp', 'ep'];

  // Takes a way of a plan into the setup.
  function useButton(row) {
    return el('button', {type: 'button', class: 'button', 'aria-label': 'Use ' + row.hardware,
      onclick: () => state.set('plan', (study) => {
        const scenario = study[study.editing];
        for (const flag of CHOSEN.concat(
            ['pipeline', 'context', 'set', 'dp', 'split', 'offload', 'scenario'])) {
          delete scenario[flag];
        }
        for (const flag of CHOSEN) {
          const found = new RegExp(' --' + flag + '=([\\w.:+-]+)').exec(row.command);
          if (found) scenario[flag] = found[1];
        }
        study.view = 'energy';
      })}, 'Use');
  }

  function compareTable(comparison) {
    // Below this, J, a change is rounding.
    const noise = 1e-9 * comparison.a.energy_per_token_j;
    const counts = (one) => Math.abs(one.change_j) > noise;
    const boundary = byBoundary(comparison.a);
    const rows = comparison.terms.filter(counts).map((term) => [
      figure(term.term, format.term(term.term)), format.si(term.a_j, 'J'),
      format.si(term.b_j, 'J'), signed(term.change_j),
      term.causes.filter(counts).slice(0, 3).map((cause) =>
        cause.cause + ' ' + signed(cause.change_j)).join('; '),
    ]);
    rows.push({className: 'total', cells: ['total',
      format.si(comparison.a.energy_per_token_j, 'J'),
      format.si(comparison.b.energy_per_token_j, 'J'), signed(comparison.energy_change_j), '']});
    return table('Energy per token ' + boundary + ', from A to B', [
      {label: 'term'}, {label: 'A', number: true}, {label: 'B', number: true},
      {label: 'change', number: true}, {label: 'why', words: true}], rows);
  }

  function signed(value) {
    return (value > 0 ? '+' : '') + format.si(value, 'J');
  }

  function differenceList(comparison) {
    return [el('p', {class: 'summary'}, comparison.summary),
      el('ul', {class: 'differences'}, comparison.differences.map((text) => el('li', {}, text)))];
  }

  tokenjoule.tables = {
    terms: termTable, factored, shares: shareTable, bytes: bytesTable, costs: costTable,
    machines: machineTable, plan: planTable, comparison: compareTable, differences: differenceList,
  };
})(window.tokenjoule);
