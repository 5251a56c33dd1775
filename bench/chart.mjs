// What a CPU-second gives, as bars: a group for each scenario that has rounds under load. Readable on light and on dark pages.
const WIDTH = 840;
const LABEL_WIDTH = 255;
const VALUE_WIDTH = 120;
const BAR_HEIGHT = 16;
const ROW_HEIGHT = 22;
const TITLE_HEIGHT = 34;
const GROUP_GAP = 14;
const MARGIN = 16;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .quiet { fill: #59636e; }
  .page { fill: #ffffff; }
  .bar { fill: #9aa4af; }
  .own { fill: #0b7a5f; }
  .range { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .page { fill: #0d1117; }
    .bar { fill: #59636e; }
    .own { fill: #2fa886; }
    .range { stroke: #e6edf3; }
  }`;

const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const grouped = (value) => value.toLocaleString('en');

function bar(result, y, most) {
  const scale = (value) => LABEL_WIDTH + MARGIN + (value / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * MARGIN);
  const from = scale(0);
  const middle = y + BAR_HEIGHT / 2;
  const to = scale(result.perCpuSecond).toFixed(1);
  const own = result.name === 'mintgate';
  return [
    `<text x="${from - 8}" y="${middle + 4.5}" text-anchor="end"${own ? ' class="title"' : ''}>${escape(result.label)}</text>`,
    `<rect class="${own ? 'own' : 'bar'}" x="${from}" y="${y}" width="${(to - from).toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
    `<line class="range" x1="${scale(result.min).toFixed(1)}" x2="${scale(result.max).toFixed(1)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${(scale(Math.max(result.max, result.perCpuSecond)) + 8).toFixed(1)}" y="${middle + 4.5}">${grouped(result.perCpuSecond)}</text>`,
  ].join('\n');
}

function group({ scenario, results }, top) {
  const most = Math.max(...results.map(({ max }) => max));
  const bars = results.map((result, i) => bar(result, top + TITLE_HEIGHT + i * ROW_HEIGHT, most));
  return [`<text class="title" x="${MARGIN}" y="${top + 22}">${escape(scenario)}</text>`, ...bars].join('\n');
}

const heightOf = ({ results }) => TITLE_HEIGHT + results.length * ROW_HEIGHT + GROUP_GAP;

/** @param measured results as measure() gives them. @returns an SVG document */
export function chart(measured) {
  // With several workers the figure is another one.
  const shown = measured.filter(({ results }) => results.every(({ perCpuSecond, workers }) => perCpuSecond !== undefined && workers === undefined));
  const top = MARGIN + 24;
  let y = top;
  const groups = shown.map((result) => {
    const text = group(result, y);
    y += heightOf(result);
    return text;
  });
  const height = y + MARGIN;
  const caption = 'good answers for each second of CPU time of the server: median, and the range of the rounds as a line';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${caption}">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>
<text class="quiet" x="${MARGIN}" y="${MARGIN + 14}">${caption}</text>
${groups.join('\n')}
</svg>
`;
}
