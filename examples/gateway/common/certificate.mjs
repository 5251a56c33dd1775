// A certificate for localhost, signed by itself: enough for a gateway on one's own machine.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Makes both PEM files in the folder. Whoever speaks to the gateway trusts `certFile`. */
export function makeCertificate(folder) {
  const [certFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'certificate.key')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-addext', names, '-keyout', keyFile, '-out', certFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { certFile, keyFile };
}
