import { parseHash } from '../../src/users/passwords/hash-forms.js';
import { IMPORTED_HASH_PROBLEM, readImportedHash } from '../../src/users/passwords/imported-hash.js';
import { newHash, verdictOn } from '../../src/users/passwords/stored-hash.js';

/** What every hash here is of. They were made by Django 5.2, passlib 1.7, argon2-cffi 25.1, bcrypt 5.0, libxcrypt and Python's hashlib. */
const PASSWORD = 'sürfboard under the pier';
const DECOMPOSED = PASSWORD.normalize('NFD');

const KEYCLOAK_PBKDF2 = {
  type: 'password',
  secretData: '{"value":"5j6ICM9YizTC+14uNah2JlbiE5U67nq2p+bNPLdixNMPuYnY+FwljKfthRDRDSPz6wvexHqtSkJug+rrW2+ZnQ==","salt":"Q1gJd/4JzDrHRvqRaO1UZA==","additionalParameters":{}}',
  credentialData: '{"hashIterations":27500,"algorithm":"pbkdf2-sha256","additionalParameters":{}}',
};
const KEYCLOAK_ARGON2 = {
  id: '5e1b4f1d-1a3b-4c5f-8a86-6a5a2b1f0c11',
  type: 'password',
  userLabel: 'My password',
  createdDate: 1726000000000,
  secretData: { value: 'wyFiomO8SZmd848FWUOniXryIO4/kwlNk5O8D7GIn9A=', salt: 'ZGVmZ2hpamtsbW5vcHFycw==', additionalParameters: {} },
  credentialData: {
    hashIterations: 5, algorithm: 'argon2',
    additionalParameters: { hashLength: ['32'], memory: ['7168'], type: ['id'], version: ['1.3'], parallelism: ['1'] },
  },
};

const HASHES: readonly [string, unknown][] = [
  ['Argon2id of version 19', '$argon2id$v=19$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$U6SmeyqPCuitYCVUxpSWWjphEn8r1rS3'],
  ['Argon2id of version 16', '$argon2id$v=16$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$2Nao0KyRgjWHcQlzyfHc66rrKFdL/Fyw'],
  ['Argon2i of version 19', '$argon2i$v=19$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$qQReJa9lTFUhB87IbsLGELn2LOxpIGLy'],
  ['Argon2i of version 16', '$argon2i$v=16$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$kODm2/CrdmQn2DM4IcQMThPbnwdHOi10'],
  ['Argon2i without a version', '$argon2i$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$kODm2/CrdmQn2DM4IcQMThPbnwdHOi10'],
  ['Argon2d of version 19', '$argon2d$v=19$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$Qn6pFGNVe/kKofTmqXPLXAexu/Mh42+L'],
  ['Argon2d of version 16', '$argon2d$v=16$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$ITkmyW/Y+G8OaQgZtqwI0LJ+wcmgGTxh'],
  ['bcrypt 2a', '$2a$05$nlX8ICzzns5PqoN3cbcu8e9xat4EUP.Dkx9rYL/b/DCNew/ZFCQuW'],
  ['bcrypt 2b', '$2b$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq'],
  ['bcrypt 2y', '$2y$05$abcdefghijklmnopqrstuurt8uFo4AwRWPcqBALlOQXeurGctuYLW'],
  ['PBKDF2 with SHA-1 as a PHC string', '$pbkdf2-sha1$i=15000,l=32$dKiRdEJrQDBxAuFlN0q4qw$yVLC2LoeQ3tqFkwbGL2wSkTd8qhUgj82pUua8MV9g74'],
  ['PBKDF2 with SHA-256 as a PHC string', '$pbkdf2-sha256$i=15000,l=32$2Nim0unh+5kwK0eaj+VA1A$50wIrkRPrf4/G7fHcK4relCxUWb3JYtLBU042iulhSg'],
  ['PBKDF2 with SHA-512 as a PHC string without a length', '$pbkdf2-sha512$i=15000$eVIQUcXEUmNUOTqXTVYUWA$VhsSq02DXX44FxE8hhrPb7P67rZ+/0m8Miu9qNjXL6w'],
  ['PBKDF2 with SHA-256 of Django', 'pbkdf2_sha256$20000$TAWdyXjZhOxy9QmN5rUcKp$hrGzmuqgQLqafpdC1iBQ+i8jVMk1eUdQElu2i5ekPyg='],
  ['PBKDF2 with SHA-1 of Django', 'pbkdf2_sha1$20000$seasalt.and/pepper$gpOteOeAOFqrS+l9S0Ef0cmQPIM='],
  ['Argon2 of Django', 'argon2$argon2id$v=19$m=4096,t=2,p=8$OHZMcTNQelRmVzFzWWJLZTdSblhvQQ$l6xyoxm7AA280cowSgfvswSjr1Crj6GoMY83Wyp7N6k'],
  ['bcrypt of Django', 'bcrypt$$2b$05$r/EWXnjeFD7MZok6OZ5pj.anMMVri2JQJY4O9ZiUNVL5haz6DQf0O'],
  ['scrypt of Django', 'scrypt$1024$pR7kWm2XzQ9tLcVb4NsYhd$8$5$hzLHn4ALDziPkryj/5pHF3bwYDZCqtlZFa1hKsAEMK3LiO+qHBJA1+Bjkeqbr2X3Th3avNXL+taBMhAOT05AGw=='],
  ['PBKDF2 with SHA-1 of passlib', '$pbkdf2$12000$AsDY.9.7d6517h1jLGUshQ$e4Pjp.1hwKtUpvnUgol672r3bI0'],
  ['PBKDF2 with SHA-256 of passlib', '$pbkdf2-sha256$9000$jfFe613LuRcCwJgzBgCg1A$9jA9aCf03LXBn4fLc6GXF/2oFLAgXZT4ANQ0htqqq6U'],
  ['PBKDF2 with SHA-512 of passlib', '$pbkdf2-sha512$9000$........................$LALg.W8RiG5MR3jXkg3suO01hEocjh5uIyvnvlpHYIGbYDl3.T18BZEmubXLNCl4MjX2B50qXQCJNOkuYYLSVQ'],
  ['scrypt of passlib', '$scrypt$ln=11,r=8,p=2$NYbQWgshhBDi/P+/t3bO2Q$ZbrVKu3UKGt+pzprmaBzgDvqm7IJq0gELnfc0nh5Hns'],
  ['PBKDF2 with SHA-256 of Keycloak', KEYCLOAK_PBKDF2],
  ['PBKDF2 of Keycloak as JSON text', JSON.stringify(KEYCLOAK_PBKDF2)],
  ['PBKDF2 with SHA-1 of Keycloak', {
    type: 'password',
    secretData: '{"value":"imJQtvTdwiivXOeZtP2C8PLQzuU+O4OqYfPpCChhKJyrg4ovrFLJ6IKH6WDg6fFv8Qy5ITymhtAZXZ1pQJ9DYw==","salt":"xhMLhbkNfRxVs3+FD7fnTg=="}',
    credentialData: '{"hashIterations":20000,"algorithm":"pbkdf2"}',
  }],
  ['PBKDF2 with SHA-512 of Keycloak', {
    type: 'password',
    secretData: { value: 'yWD2rbKSy8PIgRpW9fhd9qNPfiVBmjpGR6AUFV5fnMeoUKhihWD6bgO2/BIkRl0H/OAehrrLjEbGXIzGZvg6Rw==', salt: 'NWfbAWsg8ZLa7wu1niCYDg==' },
    credentialData: { hashIterations: 21000, algorithm: 'pbkdf2-sha512', additionalParameters: {} },
  }],
  ['Argon2id of Keycloak', KEYCLOAK_ARGON2],
  ['Argon2i 1.0 of Keycloak as JSON text', JSON.stringify({
    type: 'password',
    secretData: JSON.stringify({ value: 'vC0aBl+nlh8Qv0QF7NEsCLIcJrv60WLxufPsIPxk1UU=', salt: 'ZGVmZ2hpamtsbW5vcHFycw==' }),
    credentialData: JSON.stringify({
      hashIterations: 2, algorithm: 'argon2',
      additionalParameters: { hashLength: ['32'], memory: ['1024'], type: ['i'], version: ['1.0'], parallelism: ['2'] },
    }),
  })],
];

function importedHash(given: unknown): string {
  const read = readImportedHash(given);
  if ('problem' in read) throw new Error(read.problem);
  return read.hash;
}

describe('a hash of another system', () => {
  it.each(HASHES)('%s: the right password matches and gets a replacement, others do not', (_, given) => {
    const stored = importedHash(given);
    const { matches, replacement } = verdictOn(PASSWORD, stored);
    expect(matches).toBe(true);
    expect(verdictOn(PASSWORD, replacement!)).toEqual({ matches: true });
    for (const wrong of ['sürfboard under the pie', `${PASSWORD} `, PASSWORD.toUpperCase(), '']) expect(verdictOn(wrong, stored)).toEqual({ matches: false });
  });

  it.each(HASHES)('%s: is stored in a form that is read again as it is, and fits into 255 characters', (_, given) => {
    const stored = importedHash(given);
    expect(stored).toMatch(/^\$/);
    expect(stored.length).toBeLessThanOrEqual(255);
    expect(readImportedHash(stored)).toEqual({ hash: stored });
  });

  it('of fewer passes over less memory, and of another length: replaced; of today\'s parameters: kept', () => {
    const older = '$argon2id$v=19$m=9728,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$qFrCNcVWLH14yChvOJsWx89cQgWr3+1Fw0wRo2py6BQ';
    const todays = '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$alyXd+x4Xn+1D1cWM6xXsWlfrSdmHSjsj7G6Yg6gVDU';
    expect(verdictOn(PASSWORD, importedHash(older)).replacement).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(verdictOn(PASSWORD, importedHash(todays))).toEqual({ matches: true });
  });

  it.each([
    ['bcrypt', '$2b$04$4oqr50Gu94LAvmsZ7wxIPO5MxZes.GSeYHcUjTB4/WcFDjggUH9IO'],
    ['Argon2id of today\'s parameters', '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$vNhJqm5W7WWBIR2hWzjHv8eREQTCphVCpp2QE7UmyvA'],
    ['PBKDF2', 'pbkdf2_sha256$5000$saltsaltsaltsaltsaltsa$CDVEcVA1Fv/GdfYurdF9GNs5visbpUkMWZ/6y6BAqdM='],
  ])('%s of a decomposed text: matches what was typed so, and from then on every form of it', (_, given) => {
    const stored = importedHash(given);
    expect(verdictOn(PASSWORD, stored)).toEqual({ matches: false });
    const { matches, replacement } = verdictOn(DECOMPOSED, stored);
    expect(matches).toBe(true);
    expect(verdictOn(PASSWORD, replacement!)).toEqual({ matches: true });
    expect(verdictOn(DECOMPOSED, replacement!)).toEqual({ matches: true });
  });

  it('of a composed text: matches the decomposed one', () => {
    expect(verdictOn(DECOMPOSED, importedHash(HASHES[8][1])).matches).toBe(true);
  });

  it('that is stored and no hash after all: an error, not a verdict', () => {
    expect(() => verdictOn(PASSWORD, PASSWORD)).toThrow('in no form that is known');
  });
});

describe('bcrypt', () => {
  const SEVENTY_TWO = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!?.,;:-_+*';
  const OF_SEVENTY_TWO = '$2b$04$2zAJKjIAUyUQezqLBGA06.wWzgKubiDKHHSbVp/n3y25i4W/L/YD6';
  const OF_TIDAL = '$2b$04$KCPrk8zvsfJrg4l/VPlTiemWDibzy.3CVILq6I0JNsFUazHEpifXS';

  it('72 bytes that match: still the password', () => {
    expect(verdictOn(SEVENTY_TWO, OF_SEVENTY_TWO).matches).toBe(true);
  });

  it('80 bytes of which the first 72 match: not the password', () => {
    expect(verdictOn(`${SEVENTY_TWO}12345678`, OF_SEVENTY_TWO)).toEqual({ matches: false });
  });

  it('a NUL after the password, or the password twice with a NUL between: not the password', () => {
    expect(verdictOn('tidal lighthouse', OF_TIDAL).matches).toBe(true);
    for (const other of ['tidal lighthouse\0', 'tidal lighthouse\0tidal lighthouse', 'tidal lighthouse\0x']) expect(verdictOn(other, OF_TIDAL)).toEqual({ matches: false });
  });
});

describe('our own hash', () => {
  it.each([
    ['a letter and its accent, composed or not', 'crème brûlée at nine', 'crème brûlée at nine'.normalize('NFD')],
    ['full-width letters and plain ones', 'ｓｅｖｅｎ lanterns', 'seven lanterns'],
    ['a ligature and its letters', 'ﬁfteen waﬄes please', 'fifteen waffles please'],
  ])('%s: one password', (_, one, other) => {
    expect(one).not.toBe(other);
    expect(verdictOn(other, newHash(one))).toEqual({ matches: true });
    expect(verdictOn(one, newHash(other))).toEqual({ matches: true });
  });

  it('80 bytes that differ in the last one: two passwords', () => {
    const stored = newHash(`${'x'.repeat(79)}1`);
    expect(verdictOn(`${'x'.repeat(79)}1`, stored).matches).toBe(true);
    expect(verdictOn(`${'x'.repeat(79)}2`, stored).matches).toBe(false);
  });

  it('spaces at the ends: part of the password', () => {
    expect(verdictOn('seven lanterns', newHash(' seven lanterns '))).toEqual({ matches: false });
  });
});

describe('a hash that is refused', () => {
  const salted = (prefix: string, bytes = 32, salt = 16) => `${prefix}$${'A'.repeat(Math.ceil((salt * 4) / 3))}$${'A'.repeat(Math.ceil((bytes * 4) / 3))}`;
  const keycloak = (change: object) => ({ ...KEYCLOAK_ARGON2, credentialData: { ...KEYCLOAK_ARGON2.credentialData, ...change } });
  const keycloakParameter = (change: object) => keycloak({ additionalParameters: { ...KEYCLOAK_ARGON2.credentialData.additionalParameters, ...change } });
  const P = IMPORTED_HASH_PROBLEM;

  it.each([
    ['a plain password', 'correct horse battery staple', P.form],
    ['a plain password that looks like money', '$money$in$the$bank', P.form],
    ['nothing', '', P.form],
    ['spaces around it', ' $2b$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq', P.form],
    ['a line break after it', '$2b$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq\n', P.form],
    ['SHA-512-crypt', '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1', P.form],
    ['unsalted MD5', '5f4dcc3b5aa765d61d8327deb882cf99', P.form],
    ['bcrypt of a SHA-256 by Django', 'bcrypt_sha256$$2b$04$RoNZZeAnNs7cxUaIKnU8mOqf6uAKlmkVnBWrnouaYTovqfF1CUNGa', P.form],
    ['bcrypt 2x', '$2x$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq', P.form],
    ['bcrypt cut short', '$2b$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pg', P.form],
    ['bcrypt with stray bits in its salt', '$2b$05$.pOqfVs6HCpJqDCJshurefE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq', P.form],
    ['a version of Argon2 that there is not', '$argon2id$v=17$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$U6SmeyqPCuitYCVUxpSWWjphEn8r1rS3', P.form],
    ['padding where none belongs', '$argon2id$v=19$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODw==$U6SmeyqPCuitYCVUxpSWWjphEn8r1rS3', P.form],
    ['base64url', '$scrypt$ln=11,r=8,p=2$NYbQWgshhBDi_P-_t3bO2Q$ZbrVKu3UKGt-pzprmaBzgDvqm7IJq0gELnfc0nh5Hns', P.form],
    ['stray bits in the salt', '$argon2id$v=19$m=512,t=2,p=2$AAECAwQFBgcICQoLDA0ODx$U6SmeyqPCuitYCVUxpSWWjphEn8r1rS3', P.form],
    ['a length that is not the hash\'s', '$pbkdf2-sha1$i=15000,l=31$dKiRdEJrQDBxAuFlN0q4qw$yVLC2LoeQ3tqFkwbGL2wSkTd8qhUgj82pUua8MV9g74', P.form],
    ['no iterations', 'pbkdf2_sha256$0$TAWdyXjZhOxy9QmN5rUcKp$hrGzmuqgQLqafpdC1iBQ+i8jVMk1eUdQElu2i5ekPyg=', P.form],
    ['iterations as 1e6', 'pbkdf2_sha256$1e6$TAWdyXjZhOxy9QmN5rUcKp$hrGzmuqgQLqafpdC1iBQ+i8jVMk1eUdQElu2i5ekPyg=', P.form],
    ['scrypt with an N that is no power of two', 'scrypt$1000$pR7kWm2XzQ9tLcVb4NsYhd$8$5$hzLHn4ALDziPkryj/5pHF3bwYDZCqtlZFa1hKsAEMK3LiO+qHBJA1+Bjkeqbr2X3Th3avNXL+taBMhAOT05AGw==', P.form],
    ['more than 1024 characters', `pbkdf2_sha256$20000$${'s'.repeat(1024)}$hrGzmuqgQLqafpdC1iBQ+i8jVMk1eUdQElu2i5ekPyg=`, P.length],
    ['a number', 12345678, P.notText],
    ['null', null, P.notText],
    ['an empty object', {}, P.keycloak],
    ['a list', ['$2b$05$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq'], P.keycloak],
    ['broken JSON', '{"type":"password","secretData":hunter2hunter2', P.keycloak],
    ['a one-time password of Keycloak', { ...KEYCLOAK_PBKDF2, type: 'otp' }, P.keycloak],
    ['a plain value for Keycloak', { type: 'password', value: 'hunter2hunter2' }, P.keycloak],
    ['an algorithm that Keycloak does not have', keycloak({ algorithm: 'md5' }), P.keycloak],
    ['Keycloak iterations as text', keycloak({ hashIterations: '5' }), P.keycloak],
    ['Keycloak\'s Argon2 without its parameters', keycloak({ additionalParameters: {} }), P.keycloak],
    ['Keycloak\'s Argon2 with two memory costs', keycloakParameter({ memory: ['7168', '1'] }), P.keycloak],
    ['Keycloak\'s Argon2 with another hash length', keycloakParameter({ hashLength: ['31'] }), P.keycloak],
    ['a Keycloak hash that is not base64', { ...KEYCLOAK_PBKDF2, secretData: { value: 'not base64!', salt: 'Q1gJd/4JzDrHRvqRaO1UZA==' } }, P.keycloak],
    ['Argon2 over 256 MiB', salted('$argon2id$v=19$m=262145,t=1,p=1'), P.argon2Memory],
    ['Argon2 over less than 8 KiB a lane', salted('$argon2id$v=19$m=15,t=1,p=2'), P.argon2Memory],
    ['Argon2 of 21 passes', salted('$argon2id$v=19$m=512,t=21,p=1'), P.argon2Passes],
    ['Argon2 of 17 lanes', salted('$argon2id$v=19$m=512,t=1,p=17'), P.argon2Lanes],
    ['Argon2 with 7 bytes of salt', salted('$argon2id$v=19$m=512,t=1,p=1', 32, 7), P.argon2Salt],
    ['Argon2 of Keycloak over 4 GiB', keycloakParameter({ memory: ['4194304'] }), P.argon2Memory],
    ['bcrypt of cost 15', '$2b$15$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq', P.bcryptCost],
    ['bcrypt of cost 3', '$2b$03$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq', P.bcryptCost],
    ['PBKDF2 of 3000001 iterations', salted('$pbkdf2-sha512$i=3000001'), P.pbkdf2Iterations],
    ['PBKDF2 of 2000000 iterations over four blocks', salted('$pbkdf2-sha1$i=2000000', 64), P.pbkdf2Work],
    ['scrypt over 128 MiB', salted('$scrypt$ln=18,r=8,p=1'), P.scryptMemory],
    ['scrypt over 2^4294967295', salted('$scrypt$ln=4294967295,r=1,p=1'), P.scryptMemory],
    ['scrypt of 33 blocks', salted('$scrypt$ln=1,r=33,p=1'), P.scryptBlockSize],
    ['scrypt of 17 lanes', salted('$scrypt$ln=10,r=8,p=17'), P.scryptParallelization],
    ['15 bytes of hash', salted('$pbkdf2-sha256$i=1000', 15), P.hashLength],
    ['129 bytes of hash', salted('$pbkdf2-sha256$i=1000', 129), P.hashLength],
    ['129 bytes of salt', salted('$pbkdf2-sha256$i=1000', 32, 129), P.saltLength],
  ])('%s: in fixed words, which repeat nothing of it', (_, given, problem) => {
    expect(readImportedHash(given)).toEqual({ problem });
  });

  it.each([
    ['Argon2 over 256 MiB', '$argon2id$v=19$m=262144,t=20,p=16'],
    ['PBKDF2 of 3000000 iterations', '$pbkdf2-sha512$i=3000000'],
    ['scrypt over 128 MiB', '$scrypt$ln=17,r=8,p=16'],
  ])('but not at its bound: %s', (_, prefix) => {
    const given = salted(prefix, 48, 18);
    expect(readImportedHash(given)).toEqual({ hash: given });
    expect(parseHash(given)).toBeDefined();
  });
});
