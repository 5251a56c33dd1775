import { createHash } from 'node:crypto';

/** Sends the one form of the page. Taken from the prototype, since a field named `submit` would stand in the way. */
export const FORM_POST_SCRIPT = 'HTMLFormElement.prototype.submit.call(document.forms[0])';

export const FORM_POST_SCRIPT_HASH = `'sha256-${createHash('sha256').update(FORM_POST_SCRIPT).digest('base64')}'`;
