import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Page } from '../common/http/page-cursor.js';
import { Database } from '../database/database.js';
import { likeText } from '../database/like-text.js';
import { User } from './user.js';
import { UserEntity } from './user.entity.js';

export interface UserFilter {
  /** Part of the username, the e-mail address or the name, in any case. */
  q?: string;
  enabled?: boolean;
}

/** A user who may sign in by password. */
export interface PasswordCredentials {
  rowId: number;
  user: User;
  passwordHash: string | null;
}

interface CredentialsRow {
  id: number;
  user_id: string;
  username_key: string;
  enabled: number | boolean;
  token_generation: string;
  roles: string;
  password_hash: string | null;
}

type UserChanges = Partial<Omit<UserEntity, 'id' | 'userId' | 'version' | 'createdAt'>>;

const BATCH = 200;

@Injectable()
export class UsersRepository {
  constructor(private readonly database: Database) {}

  /** @throws a duplicate error when the username or the e-mail address is taken */
  async insert(user: Omit<UserEntity, 'id'>, manager: EntityManager): Promise<UserEntity> {
    const result = await this.database.repository(UserEntity, manager).insert(user);
    return { ...user, id: Number(result.identifiers[0]['id']) };
  }

  async find(userId: string): Promise<UserEntity | null> {
    const user = await this.database.repository(UserEntity).findOneBy({ userId });
    return user?.userId === userId ? user : null;
  }

  /** What signing in by password needs, in SQL of its own: it is read for every guess. @param usernameKey see {@link identifierKey} */
  async findCredentials(usernameKey: string): Promise<PasswordCredentials | null> {
    const [row] = await this.database.query<CredentialsRow>('SELECT id, user_id, username_key, enabled, token_generation, roles, password_hash FROM users WHERE username_key = ?', [usernameKey]);
    // MySQL's comparison passes over trailing spaces.
    if (row?.username_key !== usernameKey) return null;
    const user = new User({ userId: row.user_id, enabled: Boolean(row.enabled), tokenGeneration: row.token_generation, roles: JSON.parse(row.roles) as string[] });
    return { rowId: row.id, user, passwordHash: row.password_hash };
  }

  /** Newest first, one row more than the page holds if there are more. */
  list(filter: UserFilter, page: Page): Promise<UserEntity[]> {
    const query = this.database.repository(UserEntity).createQueryBuilder('user').orderBy('user.id', 'DESC').take(page.limit + 1);
    if (page.before !== undefined) query.andWhere('user.id < :before', { before: page.before });
    if (filter.enabled !== undefined) query.andWhere('user.enabled = :enabled', { enabled: filter.enabled });
    if (filter.q !== undefined) query.andWhere(`user.searchText LIKE :q ESCAPE '!'`, { q: `%${likeText(filter.q.toLowerCase())}%` });
    return query.getMany();
  }

  /** Changes the row if it is still in the state that was read. Answers whether it was. */
  async update(read: UserEntity, changes: UserChanges, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(UserEntity, manager).update({ id: read.id, version: read.version }, { ...changes, version: read.version + 1 });
    return result.affected === 1;
  }

  /** Whatever else is being changed: signing out is not to be lost to another writer. Answers whether the row is there. */
  async renewGeneration(id: number, tokenGeneration: string, manager: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE users SET token_generation = ?, version = version + 1 WHERE id = ?', [tokenGeneration, id], manager)) === 1;
  }

  /** The same password under another hash: no change that anybody sees, and none when the password was changed meanwhile. */
  async replaceHash(id: number, from: string, to: string, manager: EntityManager): Promise<void> {
    await this.database.execute('UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?', [to, id, from], manager);
  }

  /** Deletes the row if it is still in the state that was read. Answers whether it was. */
  async delete(read: UserEntity, manager: EntityManager): Promise<boolean> {
    const result = await this.database.repository(UserEntity, manager).delete({ id: read.id, version: read.version });
    return result.affected === 1;
  }

  /** Writes times of login, a batch a statement; a later time that another instance wrote stays. @param logins milliseconds since the epoch by row id */
  async recordLogins(logins: ReadonlyMap<number, number>): Promise<void> {
    await this.database.raiseColumn('users', 'last_login_at', logins, BATCH);
  }
}
