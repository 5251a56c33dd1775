const { existsSync } = require('node:fs');

const USUAL_PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium', '/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** The Chromium of this machine: what CHROMIUM_PATH names, or one in the usual places; `undefined` when there is none. */
const chromiumPath = () => process.env.CHROMIUM_PATH ?? USUAL_PLACES.find((file) => existsSync(file));

module.exports = { chromiumPath };
