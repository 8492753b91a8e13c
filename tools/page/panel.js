// A panel of a view: asks one question, draws its answer, and exports both.
(function(tokenjoule) {
  'use strict';

  const {state, exporting} = tokenjoule;
  const {el, fill} = tokenjoule.dom;

  // Width of exported charts, px: half of a slide.
  const EXPORT_WIDTH = 960;

  class Panel {
    // onShown() is called when the panel has been shown or hidden.
    constructor(spec, onShown) {
      this.onShown = onShown;
      this.spec = spec;
      this.slot = new tokenjoule.Slot();
      this.envelope = null;
      this.before = el('div', {class: 'before'});
      this.chart = el('div', {class: 'chart'});
      this.after = el('div', {class: 'after'});
      this.fault = el('ul', {class: 'faults', role: 'status', hidden: true});
      this.menu = this.makeMenu();
      this.node = el('section',
        {class: 'panel', 'data-panel': spec.title, 'aria-label': spec.title},
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
      if (spec.chart && !spec.words) {
        items.push(
            item('SVG', () => this.exported((host) => exporting.saveSvg(host, name('svg')))),
            item('PNG', () => this.exported((host) => exporting.savePng(host, name('png')))));
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
      const request = state.request(state.study.editing, {});
      for (const flag of this.spec.omits || []) delete request.flags[flag];
      Object.assign(request.flags, this.spec.more ? this.spec.more() : {}, more);
      return request;
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
        this.show(!spec.shows || spec.shows(envelope.answer));
        if (!this.node.hidden) this.draw();
      }, (fault) => this.showFault(fault));
    }

    show(shown) {
      if (this.node.hidden === !shown) return;
      this.node.hidden = !shown;
      this.onShown();
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
      const answer = this.envelope.answer;
      fill(this.before, spec.before ? spec.before(answer) : null);
      if (spec.chart) this.drawChart(this.chart, {});
      const open = Boolean(this.after.querySelector('.as-table[open]'));
      const rows = spec.table ? spec.table(answer) : null;
      fill(this.after, spec.after ? spec.after(answer) : null,
          rows ? el('details', {class: 'as-table', open},
              el('summary', {}, 'As a table'), rows) : null,
          (answer.missing || []).map((text) => el('p', {class: 'hint'}, text)));
    }
  }

  tokenjoule.Panel = Panel;
})(window.tokenjoule);
