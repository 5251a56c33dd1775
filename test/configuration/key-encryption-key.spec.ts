import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { makeKeyEncryptionKey } from '../../src/config/key-encryption-key.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** As a file system without hard links does. */
const withoutLinks = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

describe('the key encryption key that the server makes itself', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(temporaryFolder(), 'mintgate-key-'));
    file = join(folder, 'data', 'key-encryption-key');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EMLINK'])('on a file system that refuses hard links with %s', (code) => {
    it('is made once, for its owner only, and leaves no other file', () => {
      const made = makeKeyEncryptionKey(file, withoutLinks(code));
      expect(made).toHaveLength(32);
      expect(makeKeyEncryptionKey(file, withoutLinks(code))).toEqual(made);
      expect(readdirSync(join(folder, 'data'))).toEqual(['key-encryption-key']);
      expect(statSync(file).mode & 0o777).toBe(0o600);
    });
  });

  it('is that of another process that came first and is still writing it', async () => {
    makeKeyEncryptionKey(join(folder, 'other', 'key'));
    const first = readFileSync(join(folder, 'other', 'key'), 'utf8');
    // The other process has made its empty file after we looked for one, and writes a little later.
    const code = `const { workerData } = require('node:worker_threads'); setTimeout(() => require('node:fs').writeFileSync(workerData.file, workerData.text), 200);`;
    let writer: Worker | undefined;
    const key = makeKeyEncryptionKey(file, () => {
      writeFileSync(file, '');
      writer = new Worker(code, { eval: true, workerData: { file, text: first } });
      return withoutLinks('EPERM')();
    });
    expect(key.toString('base64')).toBe(first.trim());
    await writer!.terminate();
  });

  it('that cannot be made is one clear line', () => {
    // The kernel alone makes folders there, whoever asks.
    expect(() => makeKeyEncryptionKey('/sys/mintgate/key-encryption-key')).toThrow(/^KEY_ENCRYPTION_KEY: the file \/sys\/mintgate\/key-encryption-key cannot be made \(E[A-Z]+\)$/);
  });
});
