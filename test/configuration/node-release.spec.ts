import { endedOn } from '../../src/common/node-release.js';

describe('a release of Node.js', () => {
  it.each<[version: string, day: string, ended: string | undefined]>([
    ['v20.19.0', '2026-04-29', undefined], ['v20.19.0', '2026-05-01', '2026-04-30'], ['20.20.2', '2026-12-01', '2026-04-30'], ['v22.1.0', '2026-12-01', undefined], ['v23.0.0', '2026-12-01', '2025-06-01'], ['v24.0.0', '2026-12-01', undefined], ['v99.0.0', '2026-12-01', undefined],
  ])('%s on %s ended on %s', (version, day, ended) => {
    expect(endedOn(version, Date.parse(day))).toBe(ended);
  });
});
