import { Injectable } from '@nestjs/common';
import { invalidInput } from '../common/http/problem.js';
import { Config } from '../config/config.js';
import { readImportedHash } from '../users/passwords/imported-hash.js';
import { PasswordHashing } from '../users/passwords/password-hashing.js';
import { passwordContext, passwordProblem } from '../users/passwords/password-policy.js';
import type { UserProfile } from '../users/user-profile.js';
import type { UserPasswordDto } from './dto/user.dto.js';

/** Turns the password that an admin sets, or its hash in another system, into what is stored. */
@Injectable()
export class NewPassword {
  constructor(
    private readonly config: Config,
    private readonly hashing: PasswordHashing,
  ) {}

  /**
   * @returns `undefined` when neither is given
   * @throws {Problem} 400 when the password is refused, with the reason, or the hash is of no form that can be checked
   */
  async read({ password, password_hash: imported }: UserPasswordDto, user: Pick<UserProfile, 'username' | 'email' | 'name'>): Promise<string | undefined> {
    if (password !== undefined && imported !== undefined) throw invalidInput([{ pointer: '/password_hash', detail: 'may not be given beside password' }]);
    if (imported !== undefined && imported !== null) return readHash(imported);
    if (password === undefined || password === null) return undefined;
    const problem = passwordProblem(password, passwordContext(user, this.config.issuer));
    if (problem !== undefined) throw invalidInput([{ pointer: '/password', detail: problem }]);
    return this.hashing.hash(password);
  }
}

function readHash(imported: unknown): string {
  const read = readImportedHash(imported);
  if ('problem' in read) throw invalidInput([{ pointer: '/password_hash', detail: read.problem }]);
  return read.hash;
}
