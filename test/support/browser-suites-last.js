const { default: Sequencer } = require('@jest/test-sequencer');

const inBrowser = ({ path }) => path.includes('/test/browser/');

/** Chromium takes all the cores that there are, and suites beside it that keep deadlines would miss them. */
module.exports = class BrowserSuitesLast extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return [...sorted.filter((test) => !inBrowser(test)), ...sorted.filter(inBrowser)];
  }
};
