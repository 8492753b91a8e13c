// Numbers as people read them. Three significant digits, SI prefixes and the words
// of terms are those of the charts (charts/kit.js, charts/terms.js).
(function(tokenjoule) {
  'use strict';

  const {kit} = tokenjoule.charts;

  function known(value) {
    return typeof value === 'number' && Number.isFinite(value);
  }

  // "378 to 568 mJ"; empty where both ends read alike or are unknown.
  function range(low, high, unit) {
    if (!known(low) || !known(high)) return '';
    const first = kit.si(low, unit), last = kit.si(high, unit);
    if (first === last) return '';
    const end = (text) => text.split('\u00a0').slice(1).join('\u00a0');
    return (end(first) === end(last) ? first.split('\u00a0')[0] : first) + ' to ' + last;
  }

  // "8.03 G" or "1070": a number without a unit.
  function number(value) {
    if (!known(value)) return 'unknown';
    return Math.abs(value) < 1e6 ? kit.digits(value) : kit.si(value, '', 3);
  }

  // "378 to 568".
  function numberRange(low, high) {
    if (!known(low) || !known(high)) return '';
    const first = number(low), last = number(high);
    return first === last ? '' : first + ' to ' + last;
  }

  // "21 to 31 %".
  function percentRange(low, high) {
    if (!known(low) || !known(high) || high - low < 0.0005) return '';
    return kit.digits(100 * low, 2) + ' to ' + kit.digits(100 * high, 2) + '\u00a0%';
  }

  // A whole number, exact: "8 192".
  function whole(value) {
    if (!known(value)) return 'unknown';
    return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
  }

  tokenjoule.format = {
    known, range, number, numberRange, percentRange, whole,
    si: (value, unit) => kit.si(value, unit),
    percent: (share) => kit.percent(share),
    times: (factor) => kit.times(factor),
    term: (name) => kit.term(name).label,
    boundary: (name) => kit.boundaryName(name),
    boundaries: kit.boundaries,
  };
})(window.tokenjoule);
