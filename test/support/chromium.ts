import { type Browser, chromium } from 'playwright-core';
import { chromiumPath } from './chromium-path.js';

/** A headless Chromium for one suite. Its contexts are people with browsers of their own: they share no cookies. */
export function launchChromium(): Promise<Browser> {
  // Chromium's sandbox does not work for root, and containers have little shared memory.
  const args = ['--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  return chromium.launch({ executablePath: chromiumPath()!, args });
}
