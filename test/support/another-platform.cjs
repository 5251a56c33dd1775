// Preloaded: the process takes itself for one on a platform for which libsql has no binary.
Object.defineProperty(process, 'arch', { value: 's390x' });
