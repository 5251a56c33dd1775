// Mintgate's admin API, as far as the examples need it. It is spoken to directly: the gateways keep it from the outside.

export class Admin {
  #url;
  #credentials;

  /** @param url of an instance, without the issuer's path */
  constructor(url, { clientId, clientSecret }) {
    this.#url = url;
    this.#credentials = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  }

  /** @param path below `/admin/v1`. Answers the parsed body. */
  async request(method, path, body) {
    const headers = { Authorization: `Bearer ${await this.#token()}`, 'Content-Type': 'application/json' };
    return this.#fetch(`/admin/v1${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  }

  async #token() {
    const body = new URLSearchParams({ grant_type: 'client_credentials' });
    return (await this.#fetch('/oauth/token', { method: 'POST', headers: { Authorization: this.#credentials }, body })).access_token;
  }

  async #fetch(path, init) {
    const res = await fetch(this.#url + path, init);
    const text = await res.text();
    if (!res.ok) throw new Error(`${init.method} ${path}: ${res.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
