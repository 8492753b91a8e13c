// The views: which questions each asks, and which charts and tables draw the
// answers. A view is a list of panels; a panel asks one question and draws one
// answer. Only the view that is shown asks.
(function(tokenjoule) {
  'use strict';

  const {state, format, exporting} = tokenjoule;
  const {el, fill, figure, table} = tokenjoule.dom;

  // Batches and contexts of curves, and parallelism of the trade-offs.
  const BATCHES = '1:4096:x2';
  const CONTEXTS = '256:262144:x2';
  const CHIPS = [1, 2, 4, 8];
  // Width of exported charts, px: half of a slide.
  const EXPORT_WIDTH = 960;

  // Machines beside the chosen one, as a start: other makers, and the last of each.
  const OTHER_MACHINES = ['b200', 'mi300x', 'tpu-v5e'];

  const byBoundary = (report) => 'at the ' + format.boundary(report.scenario.boundary);
  const answerOf = (envelope) => envelope.answer;

  // What a setting is in the answer, for a mark in a chart.
  function number(name) {
    const report = shownReport;
    return report ? report.scenario[name] : undefined;
  }

  // Whether the rows of an answer differ in a field of their scenario.
  function varies(name) {
    return (answer) => new Set((answer.rows || []).concat(
        ...(answer.series || []).map((one) => one.rows || []))
        .map((row) => row.scenario[name])).size > 1;
  }

  function limitFlags() {
    return state.study.limit ? {'max-time-per-token-ms': state.study.limit} : {};
  }

  // The machines that are laid side by side, with commas.
  function machineNames() {
    const own = state.merged(state.study.editing).hardware || '';
    return state.study.machines ||
        [...new Set([own].concat(OTHER_MACHINES))].filter((name) => name).join(',');
  }

  function machinesControl() {
    machinesInput = el('input', {
      type: 'text', id: 'machines', class: 'value', spellcheck: 'false',
      onchange: () => state.set('machines', (study) => {
        study.machines = machinesInput.value.replace(/\s+/g, '');
      }),
    });
    return el('p', {class: 'limit'}, el('label', {for: 'machines'}, 'Machines, with commas'),
        machinesInput);
  }

  function setLimit(ms) {
    state.set('limit', (study) => {
      study.limit = ms > 0 ? String(Number(ms.toPrecision(3))) : '';
    });
  }

  // ---- Tables

  function bandCell(value, low, high) {
    return [format.percent(value), ' ', el('span', {class: 'range'}, format.percentRange(low, high))];
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

  const COST_ROWS = [
    ['Electricity, at the facility', 'electricity_kwh', (x) => format.number(x) + ' kWh'],
    ['Price of that electricity', 'electricity_price', (x) => format.number(x)],
    ['Price of the chips’ time', 'chips_price', (x) => format.number(x)],
    ['Price, in all', 'price', (x) => format.number(x)],
    ['Emissions of that electricity', 'co2e_g', (x) => format.si(x, 'g') + ' CO₂e'],
  ];

  function costTable(report) {
    const costs = report.costs;
    if (!costs || !costs.per_million_tokens) {
      return el('p', {}, 'This answer has no costs.');
    }
    const columns = [costs.per_million_tokens].concat(costs.per_request || []);
    const cell = (cost, name, write) => {
      if (!format.known(cost[name])) return '';
      const low = cost[name + '_low'], high = cost[name + '_high'];
      return [write(cost[name]), ' ', el('span', {class: 'range'},
          format.known(low) && low !== high ? format.numberRange(low, high) : '')];
    };
    const rows = COST_ROWS.filter(([, name]) => columns.some((cost) => format.known(cost[name])))
        .map(([label, name, write]) => [label].concat(
            columns.map((cost) => cell(cost, name, write))));
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
          format.percent(costs.prefill_energy_share) + ' of a request’s energy. The system completes ' +
          format.number(costs.requests_per_s) + ' requests/s at this batch.') :
          el('p', {class: 'hint'}, 'With lengths of prompt and output, this page also says what a ' +
              'request costs.'),
      el('p', {class: 'hint'}, 'Electricity is counted at the facility, where it is metered and ' +
          'paid, whatever the boundary is. Prices are in whatever currency they are given in.'),
      tokenjoule.recorded ? null : el('p', {}, el('button', {type: 'button', class: 'button',
        onclick: () => tokenjoule.controls.show('price-per-kwh')}, 'Set prices and carbon')),
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
    return [
      table('The machines in numbers', [{label: 'machine'}, {label: 'energy', number: true},
        {label: 'range', number: true}, {label: 'time per token', number: true},
        {label: 'tokens/s per chip', number: true}, {label: 'largest batch', number: true},
        {label: 'evidence'}], rows),
      (study.left_out || []).length ? el('ul', {class: 'left-out'}, study.left_out.map(
          (one) => el('li', {}, el('strong', {}, one.hardware), ': ', one.reason))) : null,
    ];
  }

  function compareTable(comparison) {
    const boundary = byBoundary(comparison.a);
    const rows = comparison.terms.filter((term) => term.change_j !== 0).map((term) => [
      figure(term.term, format.term(term.term)), format.si(term.a_j, 'J'),
      format.si(term.b_j, 'J'), signed(term.change_j),
      term.causes.filter((cause) => cause.change_j !== 0).slice(0, 3).map((cause) =>
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

  // ---- Views

  const analyze = {subcommand: 'analyze', more: () => ({})};

  // Panels: title; subcommand and more() flags, or gather() for several questions,
  // or comparison for both scenarios; chart, the name of a chart, with its
  // options(); before, after and table (folded away): nodes of the answer. Panels
  // stand in the left column, in the right one (side) or across both (wide).
  const VIEWS = [
    {
      name: 'energy', title: 'Where a joule goes', panels: [
        Object.assign({title: 'Energy by term', chart: 'energyBar', table: termTable,
          after: factored}, analyze),
        Object.assign({title: 'From a token to bytes, FLOP and time', chart: 'energySankey',
          side: true}, analyze),
        Object.assign({title: 'DRAM share at each boundary', chart: 'dramShare', side: true,
          table: shareTable}, analyze),
      ],
    },
    {
      name: 'compare', title: 'A and B', two: true, panels: [
        {title: 'What changed the energy', subcommand: 'compare', comparison: true,
          before: differenceList, chart: 'compareWaterfall',
          options: () => ({nameA: 'A', nameB: 'B'})},
        {title: 'By cause', subcommand: 'compare', comparison: true, side: true, chart: 'compareWaterfall',
          options: () => ({nameA: 'A', nameB: 'B', by: 'cause'})},
        {title: 'Term by term', subcommand: 'compare', comparison: true, wide: true, after: compareTable},
      ],
    },
    {
      name: 'levers', title: 'What could change it', panels: [
        {title: 'Ceiling: what remains if a part were free', subcommand: 'ceiling',
          chart: 'ceiling', before: (answer) => el('p', {class: 'summary'}, answer.summary)},
        {title: 'Sensitivity: each constant over its range', subcommand: 'sensitivity',
          chart: 'tornado'},
        {title: 'Tricks: known and proposed savings', subcommand: 'tricks', more: limitFlags,
          side: true, chart: 'tricks', before: (answer) => el('p', {class: 'summary'}, answer.summary)},
      ],
    },
    {
      name: 'curves', title: 'Batch and context', limit: true, panels: [
        {title: 'Energy over batch', subcommand: 'batch',
          more: () => Object.assign({batch: BATCHES}, limitFlags()), chart: 'curves',
          options: () => ({x: 'batch', marker: number('batch')}), shows: varies('batch')},
        {title: 'Time over batch', subcommand: 'batch',
          more: () => Object.assign({batch: BATCHES}, limitFlags()), chart: 'curves',
          options: () => ({x: 'batch', y: 'time', marker: number('batch')}),
          shows: varies('batch')},
        {title: 'Energy over context', subcommand: 'batch', side: true, more: () => ({context: CONTEXTS}),
          chart: 'curves', options: () => ({x: 'context', marker: number('context')}),
          shows: varies('context')},
        {title: 'Time over context', subcommand: 'batch', side: true, more: () => ({context: CONTEXTS}),
          chart: 'curves', options: () => ({x: 'context', y: 'time', marker: number('context')}),
          shows: varies('context')},
      ],
    },
    {
      name: 'roofline', title: 'Roofline', panels: [
        Object.assign({title: 'Rate: what limits each operator', chart: 'roofline'}, analyze),
        Object.assign({title: 'Energy: what a FLOP takes', side: true, chart: 'energyRoofline'}, analyze),
      ],
    },
    {
      name: 'tradeoffs', title: 'Speed and energy', limit: true, panels: [
        {title: 'Throughput per chip, and energy, against speed per user', gather: gatherChips,
          recordedAs: 'batch', wide: true, chart: 'pareto', options: limitOptions},
      ],
    },
    {
      name: 'machines', title: 'Machines', machines: true, panels: [
        {title: 'The same setup on several machines', subcommand: 'analyze',
          more: () => ({hardware: machineNames()}), rows: true, wide: true, chart: 'machines',
          before: (answer) => answer.summary ?
              el('p', {class: 'summary'}, answer.summary) : null,
          after: machineTable},
      ],
    },
    {
      name: 'memory', title: 'Memory', panels: [
        Object.assign({title: 'What fills the memory', chart: 'memoryMap'}, analyze),
        Object.assign({title: 'Bytes by part', side: true, after: bytesTable}, analyze),
      ],
    },
    {
      name: 'operators', title: 'Operators', panels: [
        Object.assign({title: 'The step by operator', wide: true, chart: 'layers', options: sortOptions}, analyze),
      ],
    },
    {
      name: 'costs', title: 'Cost', panels: [
        Object.assign({title: 'Electricity, money, emissions', wide: true, after: costTable}, analyze),
      ],
    },
    {
      name: 'front', title: 'Design space', recorded: true, panels: [
        {title: 'The Pareto front', wide: true, subcommand: 'sweep', chart: 'sweep'},
      ],
    },
  ];

  // How the table of operators is sorted, kept while the setup changes.
  let sort = null;

  function sortOptions() {
    return {sort, onSort: (next) => {
      sort = next;
    }};
  }

  function limitOptions() {
    return {limitMs: Number(state.study.limit) || null, onLimit: setLimit};
  }

  // The same setup on 1, 2, 4 and 8 chips of tensor parallelism, and on as many as
  // are set; those that have no answer are said.
  async function gatherChips() {
    const own = Number(state.merged(state.study.editing).tp || 1);
    const all = [...new Set(CHIPS.concat(own))].sort((x, y) => x - y);
    const series = [], missing = [];
    let command = '';
    for (const tp of all) {
      const more = {batch: BATCHES, tp: String(tp), ranges: 'false'};
      try {
        const envelope = await tokenjoule.ask('batch', state.request(state.study.editing, more));
        const first = envelope.answer.rows[0];
        series.push({label: 'tp ' + tp, model: first.model, hardware: first.hardware,
          rows: envelope.answer.rows});
        command = command || envelope.command;
      } catch (fault) {
        if (!(fault instanceof tokenjoule.Fault)) throw fault;
        missing.push('tp ' + tp + ': ' + fault.faults.join('; '));
      }
    }
    if (!series.length) throw new tokenjoule.Fault(missing, 3);
    return {answer: {series, missing}, command};
  }

  // ---- Panels

  class Panel {
    constructor(spec) {
      this.spec = spec;
      this.slot = new tokenjoule.Slot();
      this.envelope = null;
      this.before = el('div', {class: 'before'});
      this.chart = el('div', {class: 'chart'});
      this.after = el('div', {class: 'after'});
      this.fault = el('ul', {class: 'faults', role: 'status', hidden: true});
      this.menu = this.makeMenu();
      this.node = el('section', {class: 'panel' + (spec.chart ? '' : ' words'), 'data-panel': spec.title,
        'aria-label': spec.title},
        el('div', {class: 'panel-head'}, el('h3', {}, spec.title), this.menu),
        this.fault, this.before, this.chart, this.after);
      this.chart.hidden = !spec.chart;
    }

    makeMenu() {
      const {spec} = this;
      const item = (label, action) => el('button', {type: 'button', onclick: () => {
        menu.open = false;
        menu.querySelector('summary').focus();
        action();
      }}, label);
      const name = (end) => exporting.fileName(this.report, spec.chart || spec.subcommand, end);
      const items = [];
      if (spec.chart) {
        items.push(item('SVG', () => this.exported((host) => exporting.saveSvg(host, name('svg')))));
        items.push(item('PNG', () => this.exported((host) => exporting.savePng(host, name('png')))));
      }
      if (spec.subcommand && !tokenjoule.recorded) {
        items.push(item('CSV', () => this.saveCsv(name('csv'))));
      }
      items.push(item('JSON', () => this.envelope && exporting.save(name('json'),
          JSON.stringify(this.envelope.answer, null, 1) + '\n', 'application/json')));
      const command = exporting.copyButton('Command', () => (this.envelope || {}).command || '');
      const menu = el('details', {class: 'menu', onkeydown: (event) => {
        if (event.key !== 'Escape' || !menu.open) return;
        menu.open = false;
        menu.querySelector('summary').focus();
        event.stopPropagation();
      }}, el('summary', {'aria-label': 'Export: ' + spec.title}, 'Export'),
          el('div', {class: 'items'}, items, command));
      return menu;
    }

    // Draws the chart once more, with its headings and as wide as on paper.
    exported(use) {
      if (!this.envelope) return;
      const host = el('div', {class: 'offstage', 'aria-hidden': 'true'});
      document.body.append(host);
      const heading = this.report ?
          tokenjoule.charts.heading(this.report, this.spec.title) : {title: this.spec.title};
      this.drawChart(host, Object.assign({width: EXPORT_WIDTH}, heading));
      use(host);
      host.remove();
    }

    saveCsv(name) {
      const request = this.request({format: 'csv'});
      tokenjoule.ask(this.spec.subcommand, request).then(
          (envelope) => exporting.save(name, envelope.answer, 'text/csv'),
          (fault) => this.showFault(fault));
    }

    request(more) {
      if (this.spec.comparison) {
        const request = state.comparison();
        Object.assign(request.flags, more);
        return request;
      }
      return state.request(state.study.editing,
          Object.assign({}, this.spec.more ? this.spec.more() : {}, more));
    }

    update(report) {
      this.report = report;
      const {spec} = this;
      if (spec.comparison && !state.differs()) {
        this.showFault({faults: ['B is as A so far. Change a setting of scenario B.']});
        return;
      }
      const question = spec.gather && !tokenjoule.recorded ? spec.gather :
          () => tokenjoule.ask(spec.subcommand || spec.recordedAs, this.request({}));
      this.node.setAttribute('aria-busy', 'true');
      this.slot.run(question, (envelope) => {
        this.envelope = envelope;
        this.fault.hidden = true;
        this.node.setAttribute('aria-busy', 'false');
        this.node.classList.remove('stale');
        this.node.hidden = Boolean(spec.shows) && !spec.shows(envelope.answer);
        if (!this.node.hidden) this.draw();
      }, (fault) => this.showFault(fault));
    }

    showFault(fault) {
      this.node.setAttribute('aria-busy', 'false');
      this.node.classList.add('stale');
      this.fault.hidden = false;
      fill(this.fault, (fault.faults || [String(fault)]).map((text) => el('li', {}, text)));
    }

    drawChart(host, more) {
      const {spec} = this;
      const options = Object.assign({
        onFigure: (what) => tokenjoule.explain.open(what),
        label: spec.title,
      }, spec.options ? spec.options(this.report) : {}, more);
      tokenjoule.charts[spec.chart](host, this.envelope.answer, options);
    }

    draw() {
      const {spec} = this;
      const answer = answerOf(this.envelope);
      fill(this.before, spec.before ? spec.before(answer) : null);
      if (spec.chart) this.drawChart(this.chart, {});
      const open = Boolean(this.after.querySelector('.as-table[open]'));
      const rows = spec.table ? spec.table(answer) : null;
      fill(this.after, spec.after ? spec.after(answer) : null,
          rows ? el('details', {class: 'as-table', open}, el('summary', {}, 'As a table'), rows) : null,
          (answer.missing || []).map((text) => el('p', {class: 'hint'}, text)));
    }
  }

  // ---- The tabs, and the view that is shown.

  // The answer that the view is about.
  let shownReport = null;

  let tabs, host, shown = '', panels = [], limitInput = null, machinesInput = null;

  // What a report has answers of; several machines side by side are another kind
  // of answer of `analyze`.
  function recordedKinds() {
    return new Set(tokenjoule.recorded.requests.map((one) => one.subcommand +
        (one.subcommand === 'analyze' && one.envelope.answer.rows ? ' rows' : '')));
  }

  function kindOf(spec) {
    return (spec.subcommand || spec.recordedAs) + (spec.rows ? ' rows' : '');
  }

  // Views that have something to show.
  function available() {
    return VIEWS.filter((view) => {
      if (view.two && !state.study.b) return false;
      if (!tokenjoule.recorded) return !view.recorded;
      const has = recordedKinds();
      return view.panels.some((panel) => has.has(kindOf(panel)));
    });
  }

  function select(name) {
    state.set('view', (study) => {
      study.view = name;
    });
  }

  function drawTabs() {
    const views = available();
    const names = views.map((view) => view.name).join(' ');
    if (tabs.dataset.names !== names) {
      tabs.dataset.names = names;
      fill(tabs, el('div', {role: 'tablist', 'aria-label': 'Views', onkeydown: onTabKey},
          views.map((view) => el('button', {
            type: 'button', role: 'tab', id: 'tab-' + view.name, 'aria-controls': 'view',
            'data-view': view.name, onclick: () => select(view.name),
          }, view.title))));
    }
    for (const tab of tabs.querySelectorAll('[role=tab]')) {
      const chosen = tab.dataset.view === state.study.view;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      const list = tab.parentNode;
      if (chosen && list.scrollWidth > list.clientWidth) {
        list.scrollLeft = tab.offsetLeft - list.offsetLeft - 40;
      }
    }
  }

  function onTabKey(event) {
    const all = [...tabs.querySelectorAll('[role=tab]')];
    const at = all.indexOf(document.activeElement);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1}[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const tab = all[(to + all.length) % all.length];
    tab.focus();
    select(tab.dataset.view);
  }

  function limitControl() {
    limitInput = el('input', {
      type: 'text', id: 'limit', class: 'value', inputmode: 'decimal', placeholder: 'no limit',
      onchange: () => {
        const ms = Number(limitInput.value.trim() || 0);
        if (ms >= 0) setLimit(ms);
        else limitInput.value = state.study.limit;
      },
    });
    return el('p', {class: 'limit'}, el('label', {for: 'limit'}, 'Longest time per token, ms'),
        limitInput, shown === 'tradeoffs' ?
            el('span', {class: 'hint'}, 'or drag the line in the chart') : null);
  }

  function build(view) {
    shown = view.name;
    limitInput = machinesInput = null;
    for (const panel of panels) panel.slot.cancel();
    const has = tokenjoule.recorded ? recordedKinds() : null;
    panels = view.panels.filter((spec) => !has || has.has(kindOf(spec)))
        .map((spec) => new Panel(spec));
    host.setAttribute('role', 'tabpanel');
    host.setAttribute('aria-labelledby', 'tab-' + view.name);
    host.className = 'view ' + view.name;
    fill(host, el('p', {class: 'which-shown'}),
        view.limit && !tokenjoule.recorded ? limitControl() : null,
        view.machines && !tokenjoule.recorded ? machinesControl() : null,
        ['main', 'side', 'wide'].map((column) => {
          const inside = panels.filter((panel) => column ===
              (panel.spec.wide ? 'wide' : panel.spec.side ? 'side' : 'main'));
          return inside.length ? el('div', {class: 'column ' + column},
              inside.map((panel) => panel.node)) : null;
        }));
  }

  // Shows the view for the answers; called when either has changed.
  function update(reports) {
    const views = available();
    const view = views.find((one) => one.name === state.study.view) || views[0];
    if (!view || (!reports.length && !tokenjoule.recorded)) return;
    if (view.name !== state.study.view) state.study.view = view.name;
    drawTabs();
    if (shown !== view.name) build(view);
    const second = state.study.editing === 'b' && reports[1];
    const report = second ? reports[1] : reports[0];
    shownReport = report || null;
    const line = host.querySelector('.which-shown');
    const fits = !report || report.fits;
    line.hidden = !(state.study.b && !view.two) && fits;
    fill(line, state.study.b && !view.two ? 'Shown for scenario ' + (second ? 'B' : 'A') + '. ' : null,
        fits ? null : 'It does not fit. These figures are what a step would take if the memory were ' +
            'large enough.');
    // Another view of a setup without an answer has nothing to ask.
    if (document.body.classList.contains('stale')) {
      line.hidden = false;
      fill(line, 'This setup has no answer; the reasons stand beside the settings.');
      for (const panel of panels) panel.node.hidden = !panel.envelope;
      return;
    }
    if (limitInput && document.activeElement !== limitInput) limitInput.value = state.study.limit;
    if (machinesInput && document.activeElement !== machinesInput) {
      machinesInput.value = machineNames();
    }
    for (const panel of panels) {
      panel.node.hidden = false;
      panel.update(report);
    }
  }

  function start() {
    tabs = document.getElementById('tabs');
    host = document.getElementById('view');
    // One menu at a time.
    document.addEventListener('click', (event) => {
      for (const menu of document.querySelectorAll('.menu[open]')) {
        if (!menu.contains(event.target)) menu.open = false;
      }
    });
  }

  tokenjoule.views = {start, update, names: () => VIEWS.map((view) => view.name)};
})(window.tokenjoule);
