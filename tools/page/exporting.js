// What one takes away: charts as SVG and PNG, answers as CSV and JSON, the
// scenario as a file, and the command line and the link that repeat it.
(function(tokenjoule) {
  'use strict';

  const {settings, state} = tokenjoule;
  const {el} = tokenjoule.dom;

  // Pixels of a PNG per pixel of the page: sharp on a slide.
  const PNG_SCALE = 2;

  function save(name, content, type) {
    const url = URL.createObjectURL(
        content instanceof Blob ? content : new Blob([content], {type: type + ';charset=utf-8'}));
    const link = el('a', {href: url, download: name});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  // A name that says what is in the file.
  function fileName(report, what, end) {
    const parts = ['tokenjoule', what, report && report.model, report && report.hardware];
    return parts.filter((part) => part).map((part) => String(part)
        .replace(/[^A-Za-z0-9.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 60))
        .filter((part) => part).join('_') + '.' + end;
  }

  // The picture of a chart; where it says in words that there is none, so does this.
  function chartOf(host) {
    const svg = host.querySelector('svg');
    if (!svg) tokenjoule.app.say('There is no chart to save: ' + host.textContent);
    return svg;
  }

  function saveSvg(host, name) {
    const svg = chartOf(host);
    if (svg) save(name, tokenjoule.charts.standalone(svg), 'image/svg+xml');
  }

  function savePng(host, name) {
    const svg = chartOf(host);
    if (!svg) return;
    const box = svg.getBoundingClientRect();
    const image = new Image();
    image.onload = () => {
      const canvas = el('canvas', {
        width: String(Math.round(box.width * PNG_SCALE)),
        height: String(Math.round(box.height * PNG_SCALE)),
      });
      canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(name, blob));
    };
    image.onerror = () => tokenjoule.app.say('The chart could not be made into a PNG.');
    image.src = 'data:image/svg+xml;charset=utf-8,' +
        encodeURIComponent(tokenjoule.charts.standalone(svg));
  }

  async function copy(text, button) {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      // Pages over http on other hosts and files have no clipboard to write to.
      const area = el('textarea', {class: 'unseen', 'aria-hidden': 'true'});
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand('copy');
      area.remove();
      button.focus();
    }
    const label = button.textContent;
    if (label === 'Copied' || label === 'Not copied') return;
    button.textContent = done ? 'Copied' : 'Not copied';
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  }

  function copyButton(label, text, more) {
    const button = el('button', Object.assign({
      type: 'button', class: 'button',
      onclick: () => copy(typeof text === 'function' ? text() : text, button),
    }, more || {}), label);
    return button;
  }

  function commandLine(command) {
    return el('div', {class: 'command'}, el('code', {}, command),
        copyButton('Copy', command, {'aria-label': 'Copy the command'}));
  }

  // Strings of a textproto.
  function quoted(text) {
    const escaped = String(text).replace(/[\\"]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g,
        (c) => '\\' + c.charCodeAt(0).toString(8).padStart(3, '0'));
    return '"' + escaped + '"';
  }

  const STRINGS = new Set(['model', 'hardware', 'runtime', 'host', 'weights', 'kv', 'activations',
    'lm_head', 'experts', 'offload', 'split', 'boundary', 'draft_model', 'dense_law']);

  function fieldText(name, value) {
    if (STRINGS.has(name)) return name + ': ' + quoted(value);
    if (name === 'routing' || name === 'mla') {
      return name + ': ' + String(value).toUpperCase().replace(/-/g, '_');
    }
    const number = settings.numberOf(value);
    return name + ': ' + (Number.isNaN(number) ? value : number);
  }

  // A scenario as a file that --scenario takes. It names files that were opened
  // by their names; they belong beside it.
  function scenarioText(which) {
    const scenario = state.merged(which);
    const lines = ['# proto-file: proto/scenario.proto', '# proto-message: Scenario', ''];
    const inside = new Map();
    const sets = (scenario.set || []).slice();
    if (scenario.scenario) {
      lines.push('# Settings beside those of ' + tokenjoule.dom.visible(scenario.scenario) +
          ', which are not repeated here.', '');
    }
    for (const setting of settings.all) {
      const value = scenario[setting.flag];
      if (value === undefined || setting.flag === 'scenario') continue;
      if (setting.field === null) {
        sets.unshift(setting.path + '=' + value);
        continue;
      }
      // The field of the pipeline is that of the machine.
      if (setting.flag === 'hardware' && scenario.pipeline) continue;
      const [outer, inner] = setting.field.split('.');
      if (inner) inside.set(outer, (inside.get(outer) || []).concat([fieldText(inner, value)]));
      else lines.push(fieldText(outer, value));
    }
    if (state.study.boundary !== 'board') lines.push(fieldText('boundary', state.study.boundary));
    for (const [outer, fields] of inside) lines.push(outer + ' { ' + fields.join(' ') + ' }');
    for (const set of sets) lines.push('set: ' + quoted(set));
    return lines.join('\n') + '\n';
  }

  tokenjoule.exporting = {
    save, saveSvg, savePng, fileName, copyButton, commandLine, scenarioText,
  };
})(window.tokenjoule);
