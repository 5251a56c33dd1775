import { request } from 'node:http';

const TIMEOUT_MS = 10_000;

/** What is asked for most of the time. */
export const TOKEN_FORM = 'grant_type=client_credentials&scope=api';

const formEncode = (text) => new URLSearchParams([['', text]]).toString().slice(1);

/** RFC 6749 §2.3.1: each part is form-encoded before the two are joined. */
export const basic = ({ id, secret }) => `Basic ${Buffer.from(`${formEncode(id)}:${formEncode(secret)}`).toString('base64')}`;

/** One POST on a connection of its own. */
export function post(url, { type, body, authorization }) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': type, Accept: 'application/json', Authorization: authorization, 'Content-Length': Buffer.byteLength(body) };
    const req = request(url, { method: 'POST', agent: false, timeout: TIMEOUT_MS, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode, text, body: parse(text) }));
    });
    req.on('timeout', () => req.destroy(new Error(`${url} did not answer in ${TIMEOUT_MS / 1000} s`))).on('error', reject);
    req.end(body);
  });
}

export const postForm = (url, body, credentials) => post(url, { type: 'application/x-www-form-urlencoded', body, authorization: basic(credentials) });

export const postJson = (url, body, token) => post(url, { type: 'application/json', body: JSON.stringify(body), authorization: `Bearer ${token}` });

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
