import type { MigrationInterface, QueryRunner } from 'typeorm';
import { addColumn, dropColumn } from './columns.js';

/**
 * When the answer to the use of a code had left. The previous version leaves it empty, and makes refresh tokens that
 * cannot be made again: a second use of its codes stays a replay.
 */
export class AddAnswersToAuthorizationCodes1764520001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addColumn(runner, 'authorization_codes', 'answered_at', 'bigint');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumn(runner, 'authorization_codes', 'answered_at');
  }
}
