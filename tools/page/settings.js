// The settings of a scenario: each is the flag of the same name of `tokenjoule
// analyze`, with the field of the scenario file and of the answer that it sets.
(function(tokenjoule) {
  'use strict';

  // kind: how the control looks.
  //   name      a combobox over a kind of `list`
  //   ladder    a slider in logarithmic steps with a value that may be typed
  //   integer   a small number
  //   choice    one of a few
  //   switch    on or off
  //   text      anything else
  // group: where it stands; "more" ones are folded away. field: its field in
  // report.scenario and in a scenario file, where that is not the flag's name
  // with underscores; null where the scenario file says it by `set`.
  const SETTINGS = [
    {flag: 'model', label: 'Model', kind: 'name', of: ['models', 'networks'], group: 'what',
     file: true},
    {flag: 'hardware', label: 'Machine', kind: 'name', of: ['hardware'], group: 'what', file: true},
    {flag: 'runtime', label: 'Runtime', kind: 'name', of: ['runtimes'], group: 'what',
     usual: 'the machine’s own'},
    {flag: 'batch', label: 'Batch', kind: 'ladder', from: 1, to: 4096, group: 'load',
     unit: 'sequences', usual: '1'},
    {flag: 'context', label: 'Context', kind: 'ladder', from: 128, to: 1048576, group: 'load',
     unit: 'tokens', usual: '2048'},
    {flag: 'prompt', label: 'Prompt', kind: 'ladder', from: 16, to: 1048576, zero: true,
     group: 'load', unit: 'tokens', usual: 'none'},
    {flag: 'output', label: 'Output', kind: 'ladder', from: 16, to: 131072, zero: true,
     group: 'load', unit: 'tokens', usual: 'none'},
    {flag: 'weights', label: 'Weights', kind: 'name', of: ['formats'], group: 'formats',
     usual: 'the checkpoint’s'},
    {flag: 'kv', label: 'KV cache', kind: 'name', of: ['formats'], group: 'formats',
     usual: 'the checkpoint’s'},
    {flag: 'activations', label: 'Activations', kind: 'name', of: ['formats'], group: 'formats',
     usual: 'to match the weights'},
    {flag: 'tp', label: 'Tensor', hint: 'tp: chips that share each matrix', kind: 'integer',
     group: 'chips', usual: '1'},
    {flag: 'pp', label: 'Pipeline', hint: 'pp: stages that the layers are divided into',
     kind: 'integer', group: 'chips', usual: '1'},
    {flag: 'ep', label: 'Expert', hint: 'ep: chips that whole experts are spread over',
     kind: 'integer', group: 'chips', usual: '1'},
    {flag: 'dp', label: 'Data', hint: 'dp: replicas that share the batch', kind: 'integer',
     group: 'chips', usual: '1'},
    {flag: 'price-per-kwh', label: 'Electricity, price per kWh', kind: 'text', group: 'prices',
     field: null, path: 'hardware.node.price_per_kwh'},
    {flag: 'chip-hour-price', label: 'One chip, price per hour', kind: 'text', group: 'prices',
     field: null, path: 'hardware.node.price_per_chip_hour'},
    {flag: 'carbon', label: 'Carbon intensity, g CO₂e per kWh', kind: 'text', group: 'prices',
     field: null, path: 'hardware.node.carbon_intensity_g_per_kwh'},

    {flag: 'lm-head', label: 'LM head format', kind: 'name', of: ['formats'], group: 'more-formats',
     usual: 'as weights'},
    {flag: 'experts', label: 'Expert format', kind: 'name', of: ['formats'],
     group: 'more-formats', usual: 'as weights'},
    {flag: 'offload', label: 'Kept in the host’s memory', kind: 'text', group: 'more-memory',
     hint: 'layers:N, ngl:N, experts, experts:N, experts:fetch, kv, kv:fetch or auto',
     usual: 'nothing'},
    {flag: 'host', label: 'Host machine', kind: 'name', of: ['hardware'], group: 'more-memory',
     field: 'host', usual: 'the machine’s usual host'},
    {flag: 'pipeline', label: 'Pipeline of machines', kind: 'text', group: 'more-memory',
     field: 'hardware', hint: 'in place of one machine, for example h100-sxm,b200: they split ' +
         'the layers', usual: 'one machine'},
    {flag: 'split', label: 'Layers of each machine', kind: 'text', group: 'more-memory',
     hint: 'of a pipeline, for example 20,12', usual: 'by memory'},
    {flag: 'kv-page-tokens', label: 'KV page, tokens', kind: 'text', group: 'more-memory',
     usual: 'the runtime’s'},
    {flag: 'shared-prefix-tokens', label: 'Shared prefix, tokens', kind: 'text',
     group: 'more-memory', usual: '0'},
    {flag: 'shared-prefix-read-once', label: 'Read the shared prefix once per step',
     kind: 'switch', group: 'more-memory'},
    {flag: 'static-batch', label: 'All sequences start together', kind: 'switch',
     group: 'more-serving'},
    {flag: 'step-token-budget', label: 'Most tokens in a step', kind: 'text',
     group: 'more-serving', usual: 'the runtime’s'},
    {flag: 'routing', label: 'Expert routing', kind: 'choice', group: 'more-serving',
     options: ['coverage', 'balanced', 'power-law'], usual: 'the runtime’s'},
    {flag: 'routing-exponent', label: 'Exponent of power-law routing', kind: 'text',
     group: 'more-serving', usual: 'the runtime’s'},
    {flag: 'mla', label: 'Latent attention', kind: 'choice', group: 'more-serving',
     options: ['cheaper', 'absorbed', 'expanded'], usual: 'cheaper'},
    {flag: 'draft-tokens', label: 'Tokens drafted per step', kind: 'text',
     group: 'more-speculation', field: 'speculation.draft_tokens', usual: 'no speculation'},
    {flag: 'acceptance-rate', label: 'Acceptance rate per token, 0 to 1', kind: 'text',
     group: 'more-speculation', field: 'speculation.acceptance_rate'},
    {flag: 'accepted-length', label: 'or tokens per step, measured', kind: 'text',
     group: 'more-speculation', field: 'speculation.accepted_length'},
    {flag: 'accepted-fraction', label: 'or accepted / drafted tokens', kind: 'text',
     group: 'more-speculation', field: 'speculation.accepted_fraction'},
    {flag: 'draft', label: 'Draft model', kind: 'name', of: ['models'],
     group: 'more-speculation', field: 'speculation.draft_model', usual: 'drafting is free'},
    {flag: 'clock-mhz', label: 'Core clock, MHz', kind: 'text', group: 'more-machine',
     field: null, path: 'hardware.core_clock.set_mhz', usual: 'as the board decodes'},
    {flag: 'power-cap-w', label: 'Power cap, W', kind: 'text', group: 'more-machine',
     field: null, path: 'hardware.board.set_power_cap_w', usual: 'the board’s limit'},
    {flag: 'ideal', label: 'Pure roofline: no overheads, free links', kind: 'switch',
     group: 'more-machine'},
    {flag: 'equal-quality', label: 'Grow the model to equal quality', kind: 'switch',
     group: 'more-quality'},
    {flag: 'growth-depth-share', label: 'Share of growth in layers', kind: 'text',
     group: 'more-quality', usual: '1/3'},
    {flag: 'training-tokens', label: 'Training tokens', kind: 'text', group: 'more-quality',
     field: 'quality.training_tokens', usual: 'no loss computed'},
    // A file of settings; it has no control but the list of files.
    {flag: 'scenario', label: 'Scenario file', kind: 'file', group: 'file'},
  ];

  // What only some views ask for besides: flags of other sub-commands, and the
  // machines of "Machines".
  const ASKED = [
    {name: 'max-time-per-token-ms', label: 'Longest time per token, ms', usual: 'no limit'},
    {name: 'machines', label: 'Machines, with commas', usual: '', wide: true},
    {name: 'requests-per-s', label: 'Requests per second', usual: '10'},
    {name: 'max-time-to-first-token-ms', label: 'Longest time to the first token, ms',
     usual: 'no limit'},
    {name: 'objective', label: 'Least', usual: 'energy', options: ['energy', 'money']},
  ];

  for (const setting of SETTINGS) {
    if (setting.field === undefined) setting.field = setting.flag.replace(/-/g, '_');
  }

  const BY_FLAG = new Map(SETTINGS.map((setting) => [setting.flag, setting]));

  // The values that a ladder stops at: four to an octave, whole numbers.
  function ladder(setting) {
    const values = setting.zero ? [0] : [];
    for (let octave = setting.from; octave <= setting.to; octave *= 2) {
      for (const step of [1, 1.25, 1.5, 1.75]) {
        const value = octave * step;
        if (Number.isInteger(value) && value <= setting.to) values.push(value);
      }
    }
    return values;
  }

  // The number that a value stands for, with k and M as on the command line;
  // NaN if it is none.
  function numberOf(text) {
    const found = /^\s*([0-9.]+(?:e[+-]?\d+)?)\s*([kM]?)\s*$/.exec(String(text));
    if (!found) return NaN;
    return Number(found[1]) * ({k: 1024, M: 1048576}[found[2]] || 1);
  }

  tokenjoule.settings = {all: SETTINGS, asked: ASKED, byFlag: BY_FLAG, ladder, numberOf};
})(window.tokenjoule);
