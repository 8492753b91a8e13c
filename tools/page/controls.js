// The inputs: comboboxes that search as one types, sliders in logarithmic steps
// with values that may be typed, files, and any number of the machine.
(function(tokenjoule) {
  'use strict';

  const {settings, state, format} = tokenjoule;
  const {el, fill, id} = tokenjoule.dom;

  const MOST_OPTIONS = 80;
  const MOST_FIELDS = 40;
  // Descriptions are kilobytes; a checkpoint's weights are not what is asked for.
  const MOST_FILE_BYTES = 4e6;

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
  let host, scenarioBox, faultBox, setBox, fieldBox, fileInput;
  let fields = [];
  const fieldSlot = new tokenjoule.Slot();

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
    const words = text.toLowerCase().split(/\s+/).filter((word) => word);
    const found = [];
    const files = Object.keys(state.study.documents)
        .filter((name) => setting.file &&
            recognise(state.study.documents[name]).flag === setting.flag)
        .map((name) => ({name, description: 'a file that you opened', also: []}));
    for (const entry of files.concat(...setting.of.map((kind) => lists[kind] || []))) {
      const name = entry.name.toLowerCase();
      const all = [name].concat(entry.also || [], [entry.description]).join(' ').toLowerCase();
      if (!words.every((word) => all.includes(word))) continue;
      // The words that are in the name count first, then where it begins.
      const named = words.filter((word) => name.includes(word)).length;
      const rank = words.length === 0 || name === words.join(' ') ? 0 :
          2 * (words.length - named) + (name.startsWith(words[0]) ? 1 : 2);
      found.push({entry, rank});
    }
    found.sort((x, y) => x.rank - y.rank);
    return found.map((one) => one.entry);
  }

  function nameControl(setting) {
    const listId = id('list');
    let options = [], active = -1, typed = false;
    const input = el('input', {
      id: id('set'), type: 'text', role: 'combobox', class: 'value', spellcheck: 'false',
      autocomplete: 'off', 'aria-expanded': 'false', 'aria-controls': listId,
      'aria-autocomplete': 'list',
    });
    const list = el('ul', {id: listId, role: 'listbox', class: 'options', hidden: true,
      'aria-label': setting.label});

    const shown = () => !list.hidden;
    const close = () => {
      list.hidden = true;
      input.setAttribute('aria-expanded', 'false');
      input.removeAttribute('aria-activedescendant');
      active = -1;
    };
    const mark = (index) => {
      active = index;
      [...list.querySelectorAll('[role=option]')].forEach((node, i) => {
        node.setAttribute('aria-selected', String(i === index));
        if (i === index) {
          input.setAttribute('aria-activedescendant', node.id);
          // Not scrollIntoView, which would move the page as well.
          list.scrollTop = Math.max(Math.min(list.scrollTop, node.offsetTop),
              node.offsetTop + node.offsetHeight - list.clientHeight);
        }
      });
      if (index < 0) input.removeAttribute('aria-activedescendant');
    };
    const open = () => {
      options = matches(setting, typed ? input.value : '');
      const rest = options.length - MOST_OPTIONS;
      fill(list, options.slice(0, MOST_OPTIONS).map((entry) => el('li', {
        role: 'option', id: id('option'), 'aria-selected': 'false',
        onmousedown: (event) => {
          event.preventDefault();
          choose(entry.name);
        },
      }, el('span', {class: 'name'}, entry.name),
         el('span', {class: 'about'}, entry.description))),
      rest > 0 ? el('li', {class: 'rest', role: 'presentation'},
          rest + ' more; type to narrow them') : null,
      options.length === 0 ? el('li', {class: 'rest', role: 'presentation'},
          'Nothing in the catalogue matches; press Enter to take it as typed.') : null);
      list.hidden = false;
      input.setAttribute('aria-expanded', 'true');
      mark(typed && input.value.trim() && options.length ? 0 :
          options.slice(0, MOST_OPTIONS).findIndex((entry) => entry.name === counts(setting.flag)));
    };
    const choose = (value) => {
      typed = false;
      input.value = value;
      close();
      assign(setting.flag, value);
    };
    // A name as typed, where it is one; else the marked one.
    const commit = () => {
      const value = input.value.trim();
      const same = options.some((entry) => entry.name === value);
      if (active >= 0 && !same && !value.includes(',')) choose(options[active].name);
      else choose(value);
    };
    input.addEventListener('input', () => {
      typed = true;
      open();
    });
    input.addEventListener('click', () => shown() ? null : open());
    input.addEventListener('focus', () => input.select());
    input.addEventListener('blur', () => {
      if (typed) choose(input.value.trim());
      close();
    });
    input.addEventListener('keydown', (event) => {
      const last = Math.min(options.length, MOST_OPTIONS) - 1;
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        if (!shown()) {
          open();
        } else {
          const step = event.key === 'ArrowDown' ? 1 : -1;
          mark(active + step > last ? 0 : active + step < 0 ? last : active + step);
        }
      } else if (event.key === 'Enter') {
        event.preventDefault();
        if (shown() || typed) commit();
        else open();
      } else if (event.key === 'Escape' && (shown() || typed)) {
        event.stopPropagation();
        typed = false;
        input.value = own(setting.flag);
        close();
      }
    });
    const control = frame(setting, input, el('div', {class: 'combo'}, input, list));
    control.refresh = () => {
      if (!typed) input.value = own(setting.flag);
      input.placeholder = placeholder(setting);
      const entry = [].concat(...setting.of.map((kind) => lists[kind] || []))
          .find((one) => one.name === counts(setting.flag));
      input.title = entry ? entry.description : '';
    };
    // Names that arrive while one types are offered.
    control.renew = () => {
      if (shown()) open();
    };
    control.forget = () => {
      typed = false;
      close();
    };
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

  // Files.

  function safeName(name, taken) {
    const parts = /^(.*?)(\.[A-Za-z]+)?$/.exec(name.split(/[/\\]/).pop());
    const stem = (parts[1] || 'file').replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 60)
        .replace(/^[._-]+/, '') || 'file';
    const end = isKnownEnd(parts[2]) ? parts[2].toLowerCase() : '.textproto';
    let result = stem + end;
    for (let i = 2; taken(result); ++i) result = stem + '-' + i + end;
    return result;
  }

  function isKnownEnd(end) {
    return end !== undefined && state.isFileName('x' + end.toLowerCase());
  }

  // Which flag a file is for, or why it cannot be taken.
  function recognise(text) {
    if (text.startsWith('GGUF')) {
      return {why: 'GGUF files are large and are read on the command line: ' +
          '`tokenjoule import-hf FILE` makes a description that can be opened here.'};
    }
    if (/^\s*\{/.test(text)) {
      try {
        JSON.parse(text);
      } catch (error) {
        return {why: 'it begins like JSON but cannot be read: ' + error.message};
      }
      return {flag: 'model', end: '.json'};
    }
    const declared = /^#\s*proto-message:\s*(?:tokenjoule\.)?(\w+)/m.exec(text);
    const kinds = {Model: 'model', Hardware: 'hardware', Scenario: 'scenario', Runtime: 'runtime'};
    if (declared && kinds[declared[1]]) return {flag: kinds[declared[1]], end: '.textproto'};
    if (declared) return {why: 'it describes a ' + declared[1] + '; a Model, Hardware, Runtime or ' +
        'Scenario is wanted.'};
    const has = (pattern) => pattern.test(text);
    if (has(/^\s*(memory|engine|interconnect|board|base)\b/m)) {
      return {flag: 'hardware', end: '.textproto'};
    }
    if (has(/^\s*(d_model|vocab_size|layers?|blocks?|num_layers)\b/m)) {
      return {flag: 'model', end: '.textproto'};
    }
    if (has(/^\s*(batch|context|tp|model|hardware|weights|kv|prompt)\s*:/m)) {
      return {flag: 'scenario', end: '.textproto'};
    }
    return {why: 'it is neither a config.json nor a description of a model, a machine, a runtime ' +
        'or a scenario; a line "# proto-message: Model" says which.'};
  }

  async function take(file) {
    const say = (why) => tokenjoule.app.say('“' + file.name + '” was not taken: ' + why);
    if (file.size > MOST_FILE_BYTES) {
      say(/\.gguf$/i.test(file.name) ?
          recognise('GGUF').why : 'it is larger than ' + format.si(MOST_FILE_BYTES, 'B') + '.');
      return;
    }
    const text = await file.text();
    const {flag, end, why} = recognise(text);
    if (why) {
      say(why);
      return;
    }
    const stem = isKnownEnd((/\.[A-Za-z]+$/.exec(file.name) || [])[0]) ? file.name :
        file.name + end;
    const name = safeName(stem,
        (other) => other in state.study.documents && state.study.documents[other] !== text);
    state.set('file', (study) => {
      study.documents[name] = text;
      const scenario = study[study.editing];
      if (flag === 'scenario') {
        // The file says them.
        for (const key of Object.keys(scenario)) delete scenario[key];
      }
      scenario[flag] = name;
    });
    tokenjoule.app.say('“' + file.name + '” is taken as a ' +
        {model: 'model', hardware: 'machine', scenario: 'scenario', runtime: 'runtime'}[flag] + '.');
  }

  async function takeAll(files) {
    for (const file of files) await take(file);
  }

  function listenForDrops() {
    let depth = 0;
    const over = (on) => document.body.classList.toggle('dropping', on);
    const files = (event) => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
    addEventListener('dragenter', (event) => {
      if (!files(event)) return;
      ++depth;
      over(true);
    });
    addEventListener('dragleave', (event) => {
      if (!files(event)) return;
      depth = Math.max(0, depth - 1);
      over(depth > 0);
    });
    addEventListener('dragover', (event) => {
      if (files(event)) event.preventDefault();
    });
    addEventListener('drop', (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      takeAll(event.dataTransfer.files);
    });
  }

  function fileControl() {
    fileInput = el('input', {
      type: 'file', id: id('file'), class: 'unseen', multiple: true,
      accept: '.json,.textproto,.pbtxt,.txt',
      onchange: async () => {
        await takeAll(fileInput.files);
        fileInput.value = '';
      },
    });
    return el('div', {class: 'files'}, fileInput,
        el('label', {for: fileInput.id, class: 'button'}, 'Open a file'),
        el('p', {class: 'hint'}, 'A config.json, or the textproto of a model, machine, runtime ' +
            'or scenario. You can also drop it on the page.'));
  }

  // Any number of the machine.

  function addSet(assignment) {
    const path = assignment.split('=')[0].trim();
    state.set('set.' + path, (study) => {
      const scenario = study[study.editing];
      const kept = (scenario.set || []).filter((one) => one.split('=')[0].trim() !== path);
      scenario.set = kept.concat([assignment]);
    });
  }

  function removeSet(assignment) {
    state.set('set.' + assignment, (study) => {
      const scenario = study[study.editing];
      scenario.set = (scenario.set || []).filter((one) => one !== assignment);
      if (scenario.set.length === 0) delete scenario.set;
    });
  }

  function showSets() {
    const sets = editing().set || [];
    fill(setBox, sets.length === 0 ? null : el('ul', {class: 'sets', 'aria-label': 'Changed fields'},
        sets.map((one) => el('li', {}, el('code', {}, one), el('button', {
          type: 'button', class: 'reset', 'aria-label': 'Undo ' + one, onclick: () => removeSet(one),
        }, 'undo')))));
  }

  function fieldRow(entry) {
    const short = entry.path.replace(/^hardware\./, '');
    const changed = (editing().set || []).some((one) => one.split('=')[0].trim() === entry.path);
    const input = el('input', {
      type: 'text', class: 'value', value: String(entry.value), spellcheck: 'false',
      'aria-label': entry.path, 'data-path': entry.path,
      onchange: () => {
        const text = input.value.trim();
        if (text === '' || text === String(entry.value)) input.value = String(entry.value);
        else addSet(entry.path + '=' + text);
      },
    });
    const range = entry.low === entry.high ? 'no range' :
        format.number(entry.low) + ' to ' + format.number(entry.high);
    return el('li', {class: changed ? 'field given' : 'field'},
        el('div', {class: 'path'}, tokenjoule.dom.figure(entry.path, short)),
        el('div', {class: 'set'}, input, el('span', {class: 'range'}, range),
           el('span', {class: 'kind'}, entry.kind.toLowerCase())),
        el('div', {class: 'accepted'}, 'accepts ' + format.number(entry.accepted_min) + ' to ' +
            format.number(entry.accepted_max)));
  }

  function showFields() {
    const words = fieldBox.search.value.toLowerCase().split(/\s+/).filter((word) => word);
    const found = fields.filter((entry) => {
      const all = (entry.path + ' ' + entry.citation + ' ' + entry.kind).toLowerCase();
      return words.every((word) => all.includes(word));
    });
    const rest = found.length - MOST_FIELDS;
    fill(fieldBox.list, found.slice(0, MOST_FIELDS).map(fieldRow));
    fieldBox.count.textContent = fields.length === 0 ? '' :
        found.length + ' of ' + fields.length + ' numbers' +
        (rest > 0 ? ', the first ' + MOST_FIELDS + ' shown' : '');
  }

  function askFields() {
    if (!fieldBox.details.open) return;
    fieldSlot.run(() => tokenjoule.ask('explain', state.request(state.study.editing)),
        (envelope) => {
          fields = envelope.answer.entries.filter((entry) => entry.path);
          showFields();
        },
        () => {
          // The answer's own faults are on the page; what is listed stays.
        });
  }

  function fieldsControl() {
    const search = el('input', {
      type: 'search', class: 'value', id: id('search'), placeholder: 'for example bandwidth',
      oninput: showFields, autocomplete: 'off',
    });
    const other = el('input', {
      type: 'text', class: 'value', id: id('other'), spellcheck: 'false',
      placeholder: 'model.vocab_size=32000',
      onkeydown: (event) => {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        add.click();
      },
    });
    const add = el('button', {type: 'button', class: 'button', onclick: () => {
      if (other.value.trim() === '') return;
      addSet(other.value.trim());
      other.value = '';
    }}, 'Set');
    const count = el('p', {class: 'hint', 'aria-live': 'polite'});
    const list = el('ul', {class: 'fields'});
    setBox = el('div', {});
    const details = el('details', {class: 'more machine-fields', ontoggle: askFields},
        el('summary', {}, 'Every number of the machine'),
        el('label', {for: search.id}, 'Search'), search, count, list,
        el('label', {for: other.id}, 'Any other field'),
        el('div', {class: 'other'}, other, add));
    fieldBox = {details, search, list, count};
    return [setBox, details];
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
        el('input', {type: 'radio', name: 'scenario', value: which, checked: study.editing === which,
          onchange: () => state.set('editing', (all) => {
            all.editing = which;
          })}),
        el('span', {}, title));
    const focused = scenarioBox.contains(document.activeElement) ? document.activeElement.value : '';
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
    if (focused) scenarioBox.querySelector('[value="' + (focused === 'b' ? 'b' : 'a') + '"]').focus();
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
    showSets();
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
        GROUPS.map((one) => group(one, one[0] === 'what' ? fileControl() : null)), more,
        fieldsControl());
    listenForDrops();
    state.listen((study, why) => {
      if (why === 'link' || why === 'editing' || why === 'second') {
        for (const control of controls) {
          if (control.forget) control.forget();
          control.input.value = own(control.setting.flag);
        }
      }
      refresh();
      askFields();
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

  tokenjoule.controls = {start, show, loadLists, showDefaults, showFaults, addSet,
    get fields() {
      return fields;
    },
    entry: (kind, name) => (lists[kind] || []).find((one) => one.name === name)};
})(window.tokenjoule);
