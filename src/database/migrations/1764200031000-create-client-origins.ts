import type { MigrationInterface, QueryRunner } from 'typeorm';
import { autoIncrement, createTable, integer, varchar } from './columns.js';

const BATCH = 200;

interface ClientRow {
  id: number;
  redirect_uris: string;
}

/** The origins of the clients' redirect URIs, which are JSON in a column: from which web pages the endpoints for clients may be called (CORS). */
export class CreateClientOrigins1764200031000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTable(
      runner,
      'client_origins',
      [autoIncrement(), integer('client_row_id'), varchar('origin', 255)],
      [
        { name: 'client_origins_client_row_id_origin', columnNames: ['client_row_id', 'origin'], isUnique: true },
        { name: 'client_origins_origin', columnNames: ['origin'] },
      ],
    );
    for (let last = 0, complete = false; !complete; ) {
      const clients = (await runner.query(`SELECT id, redirect_uris FROM clients WHERE id > ? AND redirect_uris LIKE '%"http%' ORDER BY id LIMIT ${BATCH}`, [last])) as ClientRow[];
      for (const client of clients) await fill(runner, client);
      last = clients.at(-1)?.id ?? last;
      complete = clients.length < BATCH;
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('client_origins', true);
  }
}

/** From nothing, since a step that was broken off is run again. */
async function fill(runner: QueryRunner, { id, redirect_uris }: ClientRow): Promise<void> {
  await runner.query('DELETE FROM client_origins WHERE client_row_id = ?', [id]);
  for (const origin of originsOf(JSON.parse(redirect_uris) as string[])) await runner.query('INSERT INTO client_origins (client_row_id, origin) VALUES (?, ?)', [id, origin]);
}

/** As they were understood when this was written. */
function originsOf(redirectUris: string[]): Set<string> {
  const urls = redirectUris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri)).filter(({ protocol }) => protocol === 'https:' || protocol === 'http:');
  return new Set(urls.map(({ origin }) => origin).filter((origin) => origin.length <= 255));
}
