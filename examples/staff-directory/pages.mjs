// What people see. Everything that is put into a page is escaped, unless it is a piece of page itself.
import { createHash } from 'node:crypto';

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const STYLE = 'body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}header{display:flex;gap:1rem;justify-content:space-between;align-items:center}label{display:block;margin:.75rem 0}input,textarea{display:block;width:100%;box-sizing:border-box;font:inherit}button{font:inherit}';

class Piece {
  constructor(text) {
    this.text = text;
  }
}

const escaped = (value) => (value instanceof Piece ? value.text : Array.isArray(value) ? value.map(escaped).join('') : String(value ?? '').replace(/[&<>"']/g, (char) => ESCAPES[char]));

const html = (strings, ...values) => new Piece(strings.reduce((text, string, index) => text + escaped(values[index - 1]) + string));

/** Without scripts and without anything from elsewhere. Signing out is a form that ends at the issuer. */
export const contentSecurityPolicy = (issuer) =>
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; form-action 'self' ${new URL(issuer).origin}; base-uri 'none'; frame-ancestors 'none'`;

const account = (session) =>
  session?.sub
    ? html`<form method="post" action="/sign-out">${csrf(session)}<button>Sign out</button></form>`
    : html`<a href="/sign-in">Sign in</a>`;

const csrf = ({ csrfToken }) => html`<input type="hidden" name="csrf_token" value="${csrfToken}">`;

function page(title, session, content) {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${new Piece(STYLE)}</style>
<header><a href="/">Staff directory</a>${account(session)}</header>
<main>
<h1>${title}</h1>
${content}
</main>
</html>
`.text;
}

export const listPage = (session, members) =>
  page('Members', session, html`<ul>${members.map(({ id, name, title }) => html`<li><a href="/members/${id}">${name}</a>, ${title}</li>`)}</ul>`);

export const memberPage = (session, { id, sub, name, title, office, phone, about }) =>
  page(name, session, html`<p>${title}</p>
<dl><dt>Office</dt><dd>${office}</dd><dt>Phone</dt><dd>${phone}</dd></dl>
<p>${about}</p>
${session?.sub === sub ? html`<p><a href="/members/${id}/edit">Edit</a></p>` : ''}`);

export const editPage = (session, { id, name, title, office, phone, about }) =>
  page(name, session, html`<form method="post" action="/members/${id}">
${csrf(session)}
<label>Title <input name="title" value="${title}" maxlength="500"></label>
<label>Office <input name="office" value="${office}" maxlength="500"></label>
<label>Phone <input name="phone" value="${phone}" maxlength="500"></label>
<label>About <textarea name="about" rows="5" maxlength="500">${about}</textarea></label>
<button>Save</button>
</form>`);

export const errorPage = (session, message) => page('That did not work', session, html`<p>${message}</p>`);
