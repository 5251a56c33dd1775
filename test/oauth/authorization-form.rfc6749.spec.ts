import { parseAuthorizationForm, parsePushedAuthorizationForm } from '../../src/common/oauth/form-params.js';

const SINGLE_VALUED = [
  'response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'response_mode', 'nonce', 'display', 'prompt', 'max_age', 'ui_locales', 'id_token_hint', 'login_hint', 'acr_values',
  'claims', 'request', 'request_uri', 'registration', 'code_challenge', 'code_challenge_method',
];
const CLIENT_AUTHENTICATION = ['client_secret', 'client_assertion', 'client_assertion_type'];

const parsed = (text: string) => {
  const { params, repeated } = parseAuthorizationForm(text);
  return { params: { ...params }, repeated: [...repeated] };
};
const refusal = (parse: () => unknown): { code?: string; status?: number } => {
  try {
    parse();
    return {};
  } catch (error) {
    return error as { code: string; status: number };
  }
};
const INVALID_REQUEST = { code: 'invalid_request', status: 400 };

/** What no request for an authorization may hold, in a name or a value, known or not. */
const MALFORMED = ['scope=%zz', '%zz=1', 'foo=%', 'foo=%ED%A0%80', 'foo=%C0%AF', 'state=a%00b', 'state=a\0b', 'foo%00=1', 'scope[]=a', 'claims[userinfo]=x', 'client_id[x]=1', 'resource[]=https://one.example', 'redirect_uri%5B0%5D=x', '__proto__[scope]=a', 'constructor[prototype][scope]=a'];

describe('RFC 6749 §3.1: the parameters of an authorization request', () => {
  it('are each read, and others ignored', () => {
    const text = SINGLE_VALUED.map((name, index) => `${name}=${index}`).join('&');
    expect(parsed(`foo=1&${text}&foo=2&utm[x]=1&client_secret=s&grant_type=x&password=p`)).toEqual({ params: Object.fromEntries(SINGLE_VALUED.map((name, index) => [name, String(index)])), repeated: [] });
  });

  it('are as if omitted when they have no value', () => {
    expect(parsed('scope=&state&resource=&=&&nonce=n')).toEqual({ params: { nonce: 'n' }, repeated: [] });
    expect(parsed('')).toEqual({ params: {}, repeated: [] });
  });

  it('resource may be repeated (RFC 8707 §2)', () => {
    expect(parsed('resource=https://one.example&scope=a&resource=https://two.example')).toEqual({ params: { scope: 'a', resource: ['https://one.example', 'https://two.example'] }, repeated: [] });
  });

  it('come as the client sent them: state keeps every character', () => {
    const state = 'a&b=c%d+e"<script>\u{1f3ab}\r\n ';
    expect(parsed(`state=${encodeURIComponent(state)}&scope=a+b`).params).toEqual({ state, scope: 'a b' });
    expect(parsed(new URLSearchParams({ state }).toString()).params).toEqual({ state });
  });

  describe('more than once', () => {
    it.each(SINGLE_VALUED)('%s is told, with the same value and with another, and has none', (name) => {
      const others = name === 'nonce' ? { state: 's' } : { nonce: 's' };
      const other = Object.entries(others).flat().join('=');
      for (const pairs of [`${name}=a&${name}=a`, `${name}=a&${name}=b`, `${name}=&${name}=b`, `${name}=a&${name}=`, `${name}=a&${name}=b&${name}=c`]) {
        expect(parsed(`${pairs}&${other}`)).toEqual({ params: others, repeated: [name] });
        expect(parsed(`${other}&${pairs}`)).toEqual({ params: others, repeated: [name] });
      }
    });

    it('in two spellings of one name is told too', () => {
      expect(parsed('scope=a&%73cope=b')).toEqual({ params: {}, repeated: ['scope'] });
    });

    it('all of them are told', () => {
      expect(parsed('scope=a&state=1&scope=b&state=2&nonce=n')).toEqual({ params: { nonce: 'n' }, repeated: ['scope', 'state'] });
    });

    it('an unknown one is not', () => {
      expect(parsed('foo=1&foo=2&client_secret=1&client_secret=2&__proto__=1&__proto__=2')).toEqual({ params: {}, repeated: [] });
    });
  });

  it.each(MALFORMED)('%s -> invalid_request', (pair) => {
    for (const text of [pair, `scope=a&scope=b&${pair}`, `${pair}&client_id=x`]) expect(refusal(() => parseAuthorizationForm(text))).toMatchObject(INVALID_REQUEST);
  });

  it('more than 100 of them -> invalid_request, 413', () => {
    const text = (times: number) => Array<string>(times).fill('scope=a').join('&');
    expect(parsed(text(100)).repeated).toEqual(['scope']);
    expect(refusal(() => parseAuthorizationForm(text(101)))).toMatchObject({ code: 'invalid_request', status: 413 });
  });

  it('have no prototype to pollute', () => {
    const { params } = parseAuthorizationForm('__proto__=x&constructor=y&toString=z&scope=a');
    expect(Object.getPrototypeOf(params)).toBeNull();
    expect(Object.keys(params)).toEqual(['scope']);
  });
});

describe('RFC 9126 §2.1: the parameters of a pushed authorization request', () => {
  it('are those of an authorization request and of the authentication of the client', () => {
    const names = [...SINGLE_VALUED, ...CLIENT_AUTHENTICATION];
    const params = parsePushedAuthorizationForm(`${names.map((name) => `${name}=1`).join('&')}&resource=a&resource=b&grant_type=x`);
    expect({ ...params }).toEqual({ ...Object.fromEntries(names.map((name) => [name, '1'])), resource: ['a', 'b'] });
  });

  it.each([...SINGLE_VALUED, ...CLIENT_AUTHENTICATION])('%s twice -> invalid_request', (name) => {
    expect(refusal(() => parsePushedAuthorizationForm(`${name}=a&${name}=a`))).toMatchObject(INVALID_REQUEST);
  });

  it.each(MALFORMED)('%s -> invalid_request', (pair) => {
    expect(refusal(() => parsePushedAuthorizationForm(pair))).toMatchObject(INVALID_REQUEST);
  });
});
