import { PASSWORD_PROBLEM, passwordProblem } from '../../src/users/passwords/password-policy.js';

const CONTEXT = ['jane.doe', 'li.wu@widgets.example', 'Jane Østergård', 'login.acmecorp.test'];
const problem = (password: string) => passwordProblem(password, CONTEXT);

describe('a password that is taken', () => {
  it.each([
    ['four words', 'correct horse battery staple'],
    ['three words', 'lantern otter gravel'],
    ['three words without spaces', 'lanternottergravel'],
    ['three common words', 'monkey dragon shadow'],
    ['four common words without spaces', 'monkeydragonshadowmaster'],
    ['15 characters exactly', 'vq7 kelp onion.'],
    ['256 characters exactly', 'kelp onion vq7 '.repeat(17) + 'x'],
    ['256 characters of four bytes', '🦦'.repeat(256)],
    ['64 different emoji', Array.from({ length: 64 }, (_, index) => String.fromCodePoint(0x1f600 + index)).join('')],
    ['64 times the same emoji', '🔑'.repeat(64)],
    ['twenty spaces and letters', 'a b c x q z k w m y '],
    ['spaces at both ends', '  vq7 kelp onions  '],
    ['15 times the same kana', 'あ'.repeat(15)],
    ['Japanese', 'いろはにほへとちりぬるをわかよたれ'],
    ['no digit, no capital, no sign', 'gravelboatswinter'],
    ['a common one with more than a name behind', 'password of the lighthouse'],
    ['the username in a sentence', 'jane.doe has a green umbrella'],
    ['letters that wrap', 'uvwxyzabcdefghijk'],
  ])('%s', (_, password) => {
    expect(problem(password)).toBeUndefined();
  });

  it('without any context', () => {
    expect(passwordProblem('jane.doe@widgets.example', [])).toBeUndefined();
  });

  it('with a context of short words and signs: nothing of it counts', () => {
    expect(passwordProblem('abc abq xyz 123 qrs', ['abc', 'abq', 'xyz', '123', 'qrs', '', '@', ' - '])).toBeUndefined();
  });
});

describe('a password that is refused', () => {
  it.each([
    ['nothing', '', PASSWORD_PROBLEM.short],
    ['14 characters', 'vq7 kelp onion', PASSWORD_PROBLEM.short],
    ['14 emoji of 28 UTF-16 units', '🦦'.repeat(14), PASSWORD_PROBLEM.short],
    ['14 letters of which each is two before normalization', 'äöüñçàèìòùâêîô'.normalize('NFD'), PASSWORD_PROBLEM.short],
    ['257 characters', 'kelp onion vq7 '.repeat(17) + 'xy', PASSWORD_PROBLEM.long],
    ['256 characters that normalization makes 4608', '\ufdfa'.repeat(256), PASSWORD_PROBLEM.long],
    ['a million characters', 'kelp onion '.repeat(100_000), PASSWORD_PROBLEM.long],
    ['a line break', 'lantern otter\ngravel', PASSWORD_PROBLEM.control],
    ['a NUL', 'lantern otter gravel\0', PASSWORD_PROBLEM.control],
    ['a C1 control character', 'lantern otter\u0085gravel', PASSWORD_PROBLEM.control],
    ['half an emoji', 'lantern otter gravel \ud83d', PASSWORD_PROBLEM.notText],
    ['one letter', 'aaaaaaaaaaaaaaa', PASSWORD_PROBLEM.run],
    ['one letter in full width', 'ａ'.repeat(15), PASSWORD_PROBLEM.run],
    ['spaces only', ' '.repeat(20), PASSWORD_PROBLEM.run],
    ['the alphabet', 'abcdefghijklmnop', PASSWORD_PROBLEM.run],
    ['the alphabet in turns of case', 'AbCdEfGhIjKlMnOp', PASSWORD_PROBLEM.run],
    ['digits upwards', '123456789012345', PASSWORD_PROBLEM.run],
    ['digits downwards', '543210987654321', PASSWORD_PROBLEM.run],
    ['two common ones', 'Password1234567', PASSWORD_PROBLEM.common],
    ['two other common ones', 'qwertyuiop123456', PASSWORD_PROBLEM.common],
    ['the same one twice', 'iloveyouiloveyou', PASSWORD_PROBLEM.common],
    ['the same one twice with a space', 'password password', PASSWORD_PROBLEM.common],
    ['the same one five times', 'dragon-dragon-dragon-dragon-dragon', PASSWORD_PROBLEM.common],
    ['two in turns', 'dragon monkey dragon monkey', PASSWORD_PROBLEM.common],
    ['one twice, then another', 'dragondragonmonkey', PASSWORD_PROBLEM.common],
    ['one among signs', '!!! _letmein_ !!!!', PASSWORD_PROBLEM.common],
    ['one with a sign in it', 'P@ssw0rd P@ssw0rd', PASSWORD_PROBLEM.common],
    ['one in full width', 'ｐａｓｓｗｏｒｄ1234567', PASSWORD_PROBLEM.common],
    ['the username and a year', 'jane.doe1987!!!', PASSWORD_PROBLEM.context],
    ['the username twice', 'Jane.Doe.Jane.Doe', PASSWORD_PROBLEM.context],
    ['the e-mail address', 'li.wu@widgets.example', PASSWORD_PROBLEM.context],
    ['the local part of the e-mail address', 'li.wu/li.wu/li.wu', PASSWORD_PROBLEM.context],
    ['the same without its dot', 'LiWu-LiWu-LiWu-7', PASSWORD_PROBLEM.context],
    ['the domain of the e-mail address', 'widgets-widgets-1', PASSWORD_PROBLEM.context],
    ['the name', 'ØSTERGÅRD østergård', PASSWORD_PROBLEM.context],
    ['the host of the issuer', 'acmecorp-login-7', PASSWORD_PROBLEM.context],
    ['the name of the service', 'MintgateMintgate1', PASSWORD_PROBLEM.context],
  ])('%s', (_, password, expected) => {
    expect(problem(password)).toBe(expected);
  });

  it.each([
    ['repeats almost to the end', `${'aaa'.repeat(84)}bq`],
    ['signs almost to the end', `${'!'.repeat(250)}vq7kx`],
    ['two entries in turns almost to the end', `${'abcabc123'.repeat(28)}vq`],
  ])('in no time, however it is made: %s', (_, password) => {
    problem('load the list first');
    const startMs = performance.now();
    problem(password);
    expect(performance.now() - startMs).toBeLessThan(200);
  });
});
