export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function makeCertificates(folder: string, altName?: string): CertificateFiles;
export function serverOptions(files: CertificateFiles): string[];
export function databaseTlsOptions(): string[];
export function clientTls(caFile?: string): { ssl?: { ca: Buffer } };
export function withDatabaseTls<Env extends Readonly<Record<string, string | undefined>>>(env: Env): Env;
