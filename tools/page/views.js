// The views: which questions each asks, and which charts and tables draw the
// answers. A view is a list of panels; a panel asks one question and draws one
// answer. Only the view that is shown asks.
(function(tokenjoule) {
  'use strict';

  const {state, tables} = tokenjoule;
  const {el, fill} = tokenjoule.dom;

  // Batches and contexts of curves, and parallelism of the trade-offs.
  const BATCHES = '1:4096:x2';
  const CONTEXTS = '256:262144:x2';
  const CHIPS = [1, 2, 4, 8];

  // Machines beside the chosen one, as a start: other makers, and the last of each.
  const OTHER_MACHINES = ['b200', 'mi300x', 'tpu-v5e'];


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

  // ---- Views

  const analyze = {subcommand: 'analyze', more: () => ({})};

  // Panels: title; subcommand and more() flags, or gather() for several questions,
  // or comparison for both scenarios; chart, the name of a chart, with its
  // options(); before, after and table (folded away): nodes of the answer. Panels
  // stand in the left column, in the right one (side) or across both (wide).
  const VIEWS = [
    {
      name: 'energy', title: 'Where a joule goes', panels: [
        Object.assign({title: 'Energy by term', chart: 'energyBar', table: tables.terms,
          after: tables.factored}, analyze),
        Object.assign({title: 'From a token to bytes, FLOP and time', chart: 'energySankey',
          side: true}, analyze),
        Object.assign({title: 'DRAM share at each boundary', chart: 'dramShare', side: true,
          table: tables.shares}, analyze),
      ],
    },
    {
      name: 'compare', title: 'A and B', two: true, panels: [
        {title: 'What changed the energy', subcommand: 'compare', comparison: true,
          before: tables.differences, chart: 'compareWaterfall',
          options: () => ({nameA: 'A', nameB: 'B'})},
        {title: 'By cause', subcommand: 'compare', comparison: true, side: true, chart: 'compareWaterfall',
          options: () => ({nameA: 'A', nameB: 'B', by: 'cause'})},
        {title: 'Term by term', subcommand: 'compare', comparison: true, wide: true, after: tables.comparison},
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
          after: tables.machines},
      ],
    },
    {
      name: 'memory', title: 'Memory', panels: [
        Object.assign({title: 'What fills the memory', chart: 'memoryMap'}, analyze),
        Object.assign({title: 'Bytes by part', side: true, after: tables.bytes}, analyze),
      ],
    },
    {
      name: 'operators', title: 'Operators', panels: [
        Object.assign({title: 'The step by operator', wide: true, chart: 'layers', options: sortOptions}, analyze),
      ],
    },
    {
      name: 'costs', title: 'Cost', panels: [
        Object.assign({title: 'Electricity, money, emissions', wide: true, after: tables.costs}, analyze),
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
        .map((spec) => new tokenjoule.Panel(spec));
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
