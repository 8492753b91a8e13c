// The setup: a control for each setting, the choice between two scenarios, and
// faults beside the settings that they are about.
(function(tokenjoule) {
  'use strict';

  const {settings, state, format} = tokenjoule;
  const {el, fill, id} = tokenjoule.dom;

  const GROUPS = [
    ['what', 'What runs'],
    ['load', 'Load'],
    ['formats', 'Number formats'],
    ['chips', 'Parallelism, chips'],
  ];
  const MORE_GROUPS = [
    ['prices', 'Prices and carbon'],
    ['more-formats', 'More formats'],
    ['more-serving', 'Serving'],
    ['more-speculation', 'Speculative decoding'],
    ['more-memory', 'Memory'],
    ['more-machine', 'Clock and power'],
    ['more-quality', 'Quality'],
  ];

  // Entries of `list` by kind.
  let lists = {};
  // The last good answer of the scenario that the controls edit: it says what
  // settings are where none is given.
  let report = null;
  // What the controls on the page are: {setting, node, input, refresh}.
  const controls = [];
  let host, scenarioBox, faultBox;

  function editing() {
    return state.study[state.study.editing];
  }

  function own(flag) {
    const value = editing()[flag];
    return value === undefined ? '' : value;
  }

  // The value that counts: that of the scenario or, for the second one, of the
  // first.
  function counts(flag) {
    const value = state.merged(state.study.editing)[flag];
    return value === undefined ? '' : value;
  }

  function assign(flag, text) {
    const value = String(text).trim();
    if (value === own(flag)) return;
    // A model and a machine there must be.
    const needed = flag === 'model' || flag === 'hardware';
    if (value === '' && needed && state.study.editing === 'a' && !editing().scenario) {
      refresh();
      return;
    }
    state.set(state.study.editing + '.' + flag, (study) => {
      if (value === '') delete study[study.editing][flag];
      else study[study.editing][flag] = value;
    });
  }

  // What a setting is if none is given, from the answer.
  function effective(setting) {
    if (!report) return setting.usual || '';
    if (setting.flag === 'model') return report.model;
    if (setting.flag === 'hardware') return report.hardware;
    if (setting.flag === 'runtime') return report.runtime || setting.usual || '';
    let value = report.scenario;
    for (const part of (setting.field || 'no field').split('.')) {
      value = value === undefined || value === null ? undefined : value[part];
    }
    if (value === undefined || value === '' || value === 0 || value === false) {
      return setting.usual || '';
    }
    return typeof value === 'number' ? String(value) : String(value).toLowerCase();
  }

  // What an empty control says.
  function placeholder(setting) {
    if (state.study.editing === 'b') {
      const first = state.study.a[setting.flag];
      return 'as in A' + (first === undefined ? '' : ': ' + first);
    }
    return effective(setting);
  }

  // A control's frame: label, reset button, place for its faults.
  function frame(setting, input, ...content) {
    const hint = setting.hint ? el('p', {class: 'hint', id: id('hint')}, setting.hint) : null;
    if (hint) input.setAttribute('aria-describedby', hint.id);
    const reset = el('button', {
      type: 'button', class: 'reset', hidden: true,
      onclick: () => {
        assign(setting.flag, '');
        input.focus();
      },
    }, 'reset');
    const fault = el('ul', {class: 'fault', hidden: true});
    const node = el('div', {class: 'control ' + setting.kind, 'data-flag': setting.flag},
        el('div', {class: 'label'}, el('label', {for: input.id}, setting.label), reset),
        content, hint, fault);
    return {setting, node, input, reset, fault};
  }

  function refreshFrame(control) {
    const {setting} = control;
    const given = own(setting.flag) !== '';
    const required = (setting.flag === 'model' || setting.flag === 'hardware') &&
        state.study.editing === 'a';

    control.node.classList.toggle('given', given && !required);
    control.reset.hidden = !given || required;
    control.reset.textContent = state.study.editing === 'b' ? 'as in A' : 'default';
    control.reset.setAttribute('aria-label', setting.label + ': ' + control.reset.textContent);
  }

  function textControl(setting) {
    const input = el('input', {
      id: id('set'), type: 'text', spellcheck: 'false', autocomplete: 'off', class: 'value',
      inputmode: setting.kind === 'integer' ? 'numeric' : null,
      onchange: () => assign(setting.flag, input.value),
    });
    const control = frame(setting, input, input);
    control.refresh = () => {
      if (document.activeElement !== input || input.value === '') input.value = own(setting.flag);
      input.placeholder = placeholder(setting);
    };
    return control;
  }

  function ladderControl(setting) {
    const values = settings.ladder(setting);
    const nearest = (number) => {
      let best = 0;
      values.forEach((value, i) => {
        if (Math.abs(Math.log((value + 1) / (number + 1))) <
            Math.abs(Math.log((values[best] + 1) / (number + 1)))) best = i;
      });
      return best;
    };
    const input = el('input', {
      id: id('set'), type: 'text', spellcheck: 'false', autocomplete: 'off', class: 'value',
      onchange: () => assign(setting.flag, input.value),
    });
    const slider = el('input', {
      type: 'range', min: '0', max: String(values.length - 1), step: '1',
      'aria-label': setting.label + ', ' + setting.unit,
      oninput: () => {
        const value = values[Number(slider.value)];
        input.value = value === 0 ? '' : String(value);
        assign(setting.flag, input.value);
      },
    });
    const control = frame(setting, input,
        el('div', {class: 'slide'}, slider, input, el('span', {class: 'unit'}, setting.unit)));
    control.refresh = () => {
      if (document.activeElement !== input || input.value === '') input.value = own(setting.flag);
      const given = counts(setting.flag);
      input.placeholder = placeholder(setting);
      const number = settings.numberOf(given === '' ? effective(setting) : given);
      const at = Number.isNaN(number) ? 0 : nearest(number);
      if (document.activeElement !== slider) slider.value = String(at);
      slider.setAttribute('aria-valuetext',
          Number.isNaN(number) ? effective(setting) : format.whole(number) + ' ' + setting.unit);
    };
    return control;
  }

  function choiceControl(setting) {
    const usual = el('option', {value: ''}, '');
    const input = el('select', {
      id: id('set'), class: 'value', onchange: () => assign(setting.flag, input.value),
    }, usual, setting.options.map((option) => el('option', {value: option}, option)));
    const control = frame(setting, input, input);
    control.refresh = () => {
      usual.textContent = state.study.editing === 'b' ? placeholder(setting) : setting.usual;
      input.value = own(setting.flag);
    };
    return control;
  }

  function switchControl(setting) {
    const input = el('input', {
      id: id('set'), type: 'checkbox',
      onchange: () => assign(setting.flag,
          input.checked ? 'true' : state.study.editing === 'b' ? 'false' : ''),
    });
    const control = frame(setting, input, input);
    control.refresh = () => {
      input.checked = counts(setting.flag) === 'true';
    };
    return control;
  }

  // Entries of the kinds of a setting that match what is typed, the best first.
  function matches(setting, text) {
    const files = Object.keys(state.study.documents)
        .filter((name) => setting.file &&
            tokenjoule.files.recognise(state.study.documents[name]).flag === setting.flag)
        .map((name) => ({name, description: 'a file that you opened', also: []}));
    return tokenjoule.combobox.matches(
        files.concat(...setting.of.map((kind) => lists[kind] || [])), text);
  }

  function nameControl(setting) {
    const box = new tokenjoule.combobox.Combobox({
      label: setting.label,
      entries: (text) => matches(setting, text),
      chosen: () => counts(setting.flag),
      shown: () => own(setting.flag),
      onChoose: (value) => assign(setting.flag, value),
    });
    const control = frame(setting, box.input, box.node);
    control.refresh = () => {
      box.refresh();
      box.input.placeholder = placeholder(setting);
      const entry = [].concat(...setting.of.map((kind) => lists[kind] || []))
          .find((one) => one.name === counts(setting.flag));
      box.input.title = entry ? entry.description : '';
    };
    control.renew = () => box.renew();
    control.forget = () => box.forget();
    return control;
  }

  const MAKERS = {
    name: nameControl, ladder: ladderControl, integer: textControl, text: textControl,
    choice: choiceControl, switch: switchControl,
  };

  function group([name, title], tag) {
    const made = settings.all.filter((setting) => setting.group === name)
        .map((setting) => MAKERS[setting.kind](setting));
    controls.push(...made);
    return el('fieldset', {class: 'group ' + name}, el('legend', {}, title),
        el('div', {class: 'members'}, made.map((control) => control.node)), tag);
  }

  // Two scenarios.

  function showScenarios() {
    const study = state.study;
    if (!study.b) {
      fill(scenarioBox, el('button', {
        type: 'button', class: 'button wide', id: 'second',
        onclick: () => state.set('second', (all) => {
          all.b = {};
          all.editing = 'b';
          all.view = 'compare';
        }),
      }, 'Compare with a second scenario'));
      return;
    }
    const choice = (which, title) => el('label', {},
        el('input', {type: 'radio', name: 'scenario', value: which,
          checked: study.editing === which, onchange: () => state.set('editing', (all) => {
            all.editing = which;
          })}),
        el('span', {}, title));
    const focused = scenarioBox.contains(document.activeElement) ?
        document.activeElement.value : '';
    fill(scenarioBox,
        el('fieldset', {class: 'segments', role: 'radiogroup'},
            el('legend', {}, 'Settings of scenario'),
            choice('a', 'A'), choice('b', 'B')),
        el('button', {type: 'button', class: 'button', id: 'one', onclick: () =>
          state.set('second', (all) => {
            all.b = null;
            all.editing = 'a';
            if (all.view === 'compare') all.view = 'energy';
          })}, 'Remove B'),
        el('p', {class: 'hint'}, 'B is A with the changes made here.'));
    if (focused) {
      scenarioBox.querySelector('[value="' + (focused === 'b' ? 'b' : 'a') + '"]').focus();
    }
  }

  // Faults beside the controls that they are about, and all of them on top.
  function flagOf(fault) {
    const found = /--([a-z][a-z_.-]*)/.exec(fault);
    const named = /\bscenario: ([a-z_]+(?:\.[a-z_]+)?)/.exec(fault);
    const unknown = /\bunknown (model|hardware|runtime|format)\b/.exec(fault);
    let flag = '';
    if (named) {
      const setting = settings.all.find((one) => one.field === named[1]);
      flag = setting ? setting.flag : '';
    } else if (unknown) {
      flag = unknown[1];
    } else if (found) {
      flag = found[1].replace(/^to\./, '').replace(/_/g, '-');
    }
    return settings.byFlag.has(flag) ? flag : '';
  }

  function showFaults(faults) {
    fill(faultBox, faults.length === 0 ? null : [
      el('p', {class: 'title'}, 'This setup has no answer:'),
      el('ul', {}, faults.map((fault) => el('li', {}, fault))),
    ]);
    faultBox.hidden = faults.length === 0;
    const byFlag = new Map();
    for (const fault of faults) {
      const flag = flagOf(fault);
      if (flag) byFlag.set(flag, (byFlag.get(flag) || []).concat([fault]));
    }
    for (const control of controls) {
      const own = byFlag.get(control.setting.flag) || [];
      fill(control.fault, own.map((text) => el('li', {},
          text.replace(/^(--[\w.-]+|scenario: [\w.]+): /, ''))));
      control.fault.hidden = own.length === 0;
      if (own.length) control.input.setAttribute('aria-invalid', 'true');
      else control.input.removeAttribute('aria-invalid');
      if (own.length) {
        for (let up = control.node.parentNode; up; up = up.parentNode) {
          if (up.tagName === 'DETAILS') up.open = true;
        }
      }
    }
    // They are read where they can be mended.
    if (faults.length) document.getElementById('setup').open = true;
  }

  function refresh() {
    showScenarios();
    for (const control of controls) {
      control.refresh();
      refreshFrame(control);
    }
  }

  // The answer that says what defaults are.
  function showDefaults(answer) {
    report = answer;
    refresh();
  }

  async function loadLists() {
    const envelope = await tokenjoule.ask('list', {flags: {}});
    lists = {};
    for (const entry of envelope.answer.entries) {
      (lists[entry.kind] = lists[entry.kind] || []).push(entry);
    }
    refresh();
    for (const control of controls) {
      if (control.renew) control.renew();
    }
  }

  function start() {
    host = document.getElementById('controls');
    host.addEventListener('submit', (event) => event.preventDefault());
    scenarioBox = el('div', {class: 'scenarios'});
    faultBox = el('div', {class: 'faults', role: 'alert', hidden: true});
    const more = el('details', {class: 'more'}, el('summary', {}, 'More settings'),
        MORE_GROUPS.map((one) => group(one)));
    fill(host, scenarioBox, faultBox,
        GROUPS.map((one) => group(one, one[0] === 'what' ? tokenjoule.files.control() : null)),
        more,
        tokenjoule.fields.control());
    tokenjoule.files.listenForDrops();
    state.listen((study, why) => {
      if (why === 'link' || why === 'editing' || why === 'second') {
        for (const control of controls) {
          if (control.forget) control.forget();
          control.input.value = own(control.setting.flag);
        }
      }
      refresh();
      tokenjoule.fields.refresh();
    });
    refresh();
  }

  // Unfolds what holds the control of a flag, and goes there.
  function show(flag) {
    const control = controls.find((one) => one.setting.flag === flag);
    for (let up = control.node.parentNode; up; up = up.parentNode) {
      if (up.tagName === 'DETAILS') up.open = true;
    }
    control.input.scrollIntoView({block: 'center'});
    control.input.focus();
  }

  tokenjoule.controls = {start, show, loadLists, showDefaults, showFaults};
})(window.tokenjoule);
