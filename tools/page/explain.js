// Where a number comes from: its formula, the constants that enter it with their
// ranges and sources, and how much each of them moves it.
(function(tokenjoule) {
  'use strict';

  const {state, format} = tokenjoule;
  const {el, fill} = tokenjoule.dom;

  const FIRST_ROWS = 12;

  // As in the tool's tables.
  const LABELS = {
    energy_per_token_j: 'Energy per token',
    step_time_s: 'Step time',
    tokens_per_s: 'Throughput',
    power_w: 'Power',
    stack_energy_share: 'DRAM share',
    dram_energy_share: 'DRAM and path share',
    arithmetic_intensity_flop_per_byte: 'Arithmetic intensity',
    ridge_point_flop_per_byte: 'Ridge point',
    max_batch: 'Largest batch',
    area_mm2: 'Silicon area',
    cost_usd: 'Cost of the machine',
    snr_db: 'Signal-to-noise ratio',
  };

  const slot = new tokenjoule.Slot();
  let panel, name = '', opener = null, all = false, command = '';

  function titleOf(what) {
    if (LABELS[what]) return LABELS[what];
    if (!/^[A-Z_]+$/.test(what)) return what.replace(/^hardware\./, '');
    const term = format.term(what);
    return term[0].toUpperCase() + term.slice(1);
  }

  // The formula, one definition a line: the wanted one, then its symbols.
  function formulas(text) {
    if (!text) return null;
    const lines = text.replace(/ x /g, ' × ').split('\n').map((line) => {
      const at = line.indexOf(' = ');
      return at < 0 ? [el('dd', {}, line)] :
          [el('dt', {}, el('code', {}, line.slice(0, at))), el('dd', {}, line.slice(at + 3))];
    });
    const rest = lines.slice(1);
    return el('div', {class: 'formula'}, el('dl', {}, lines[0]), rest.length ?
        el('details', {open: rest.length < 3}, el('summary', {}, 'Symbols in it'),
            el('dl', {}, rest)) : null);
  }

  function elasticityText(entry) {
    if (!entry.elasticity) return '';
    const change = entry.elasticity;
    return (change > 0 ? '+' : '−') + format.number(Math.abs(change)) + ' %';
  }

  function row(entry, withElasticity) {
    const range = format.numberRange(entry.low, entry.high);
    const input = tokenjoule.recorded ? null : el('input', {
      type: 'text', class: 'value', value: String(entry.value), 'aria-label': 'Set ' + entry.path,
      spellcheck: 'false',
      onchange: () => {
        if (input.value.trim() !== '' && input.value.trim() !== String(entry.value)) {
          tokenjoule.fields.add(entry.path + '=' + input.value.trim());
        }
      },
    });
    return el('li', {class: 'constant'},
        el('div', {class: 'first'}, el('code', {}, entry.path.replace(/^hardware\./, '')),
            withElasticity ? el('span', {class: 'elasticity'}, elasticityText(entry)) : null),
        el('div', {class: 'second'}, input || el('strong', {}, format.number(entry.value)),
            el('span', {class: 'range'}, range ? 'range ' + range : 'no range'),
            el('span', {class: 'kind ' + entry.kind.toLowerCase()}, entry.kind.toLowerCase())),
        el('p', {class: 'source'}, entry.citation, entry.date ? ' (' + entry.date + ')' : ''));
  }

  function draw(envelope) {
    const answer = envelope.answer;
    command = envelope.command || '';
    const entries = answer.entries || [];
    const weighed = entries.some((entry) => entry.elasticity);
    const shown = all ? entries : entries.slice(0, FIRST_ROWS);
    const body = panel.querySelector('.body');
    const top = body.scrollTop;
    const elsewhere = recordedElsewhere();
    fill(body,
        elsewhere ? el('p', {class: 'hint'}, 'As recorded at the boundary “' +
            format.boundary(elsewhere) + '”.') : null,
        formulas(answer.formula),
        entries.length ? el('h3', {}, weighed ? 'Constants, the most influential first' :
            entries.length === 1 ? 'The constant' : 'Constants') : el('p', {},
            'No constant enters it: it follows from the model and the setup.'),
        weighed ? el('p', {class: 'hint'}, 'On the right: how much it changes when the constant ' +
            'grows by 1 %' + (answer.setup ? ', for ' + answer.setup : '') + '.') : null,
        el('ol', {class: 'constants'}, shown.map((entry) => row(entry, weighed))),
        entries.length > shown.length ? el('button', {
          type: 'button', class: 'button', onclick: () => {
            all = true;
            draw(envelope);
          },
        }, 'Show all ' + entries.length) : null,
        command ? tokenjoule.exporting.commandLine(command) : null);
    body.scrollTop = top;
  }

  // In a report, the boundary that an explanation was recorded at, if it is not
  // the one that the page shows.
  function recordedElsewhere() {
    if (!tokenjoule.recorded) return '';
    const found = tokenjoule.recorded.requests.find((one) => one.subcommand === 'explain' &&
        (one.positional || [])[0] === name);
    const boundary = (found && (found.flags || {}).boundary) || 'board';
    return boundary === state.study.boundary ? '' : boundary;
  }

  function ask() {
    const request = state.request(state.study.editing, {});
    request.positional = [name];
    slot.run(() => tokenjoule.ask('explain', request), draw, (fault) => {
      fill(panel.querySelector('.body'), el('ul', {class: 'faults'},
          fault.faults.map((text) => el('li', {}, text))));
    });
  }

  function open(what, from) {
    name = what;
    all = false;
    opener = from || document.activeElement;
    fill(panel,
        el('div', {class: 'head'}, el('h2', {id: 'explain-title', tabindex: '-1'}, titleOf(what)),
            el('button', {type: 'button', class: 'button close', onclick: close}, 'Close')),
        el('div', {class: 'body', tabindex: '0', role: 'region', 'aria-label': 'Explanation'},
            el('p', {class: 'hint'}, 'Asking …')));
    panel.hidden = false;
    document.body.classList.add('explaining');
    panel.querySelector('h2').focus();
    ask();
  }

  function close() {
    if (panel.hidden) return;
    panel.hidden = true;
    document.body.classList.remove('explaining');
    slot.cancel();
    // The element may have been drawn anew meanwhile.
    const target = opener && opener.isConnected ? opener :
        document.querySelector('[data-figure="' + CSS.escape(name) + '"]');
    if (target) target.focus();
    opener = null;
  }

  function start() {
    panel = document.getElementById('explain');
    panel.setAttribute('role', 'dialog');
    panel.setAttribute('aria-labelledby', 'explain-title');
    // One listener for all numbers on the page; those of charts call open.
    document.addEventListener('click', (event) => {
      const target = event.target.closest('button.figure');
      if (target) open(target.getAttribute('data-figure'), target);
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') close();
    });
    state.listen((study, why) => {
      if (!panel.hidden && why !== 'view') ask();
    });
  }

  tokenjoule.explain = {start, open, close};
})(window.tokenjoule);
