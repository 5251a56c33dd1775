import type { Command } from 'commander';
import { USER_FIELDS } from '../bodies.js';
import { does, type Finished, group, jsonCommand } from '../command.js';
import { addFields, addPatchFields } from '../fields.js';

const PASSWORD_FILE = ['--password-file <file>', 'read it from a file, `-` for standard input; never from an argument, which every user of the machine could read'] as const;

export function addUsers(program: Command, finished: Finished): void {
  const run = () => import('../run/users.js');
  const users = group(program, 'users', 'Make, see, change and delete users. A user is named by her user_id or by her username.', [
    ['mintgate users create margaret --email margaret@example.com --roles accountant', 'without a password she cannot sign in by one yet'],
    ['mintgate users set-password margaret', 'asks for it; from standard input where nobody can be asked'],
    ['mintgate users unlock margaret', 'after too many wrong passwords'],
  ]);
  does(
    jsonCommand(users, 'list', 'List users, newest first.', [['mintgate users list --q example.com --enabled true', 'who is enabled, by e-mail address']])
      .option('--q <text>', 'part of the username, the e-mail address or the name')
      .option('--enabled <true|false>', 'only those that are, or are not')
      .option('--limit <number>', 'how many, 1 to 200', '50')
      .option('--cursor <cursor>', 'where the page before ended'),
    finished, run, 'list',
  );
  does(jsonCommand(users, 'show <user>', 'Show a user.', [['mintgate users show margaret', 'by her username']]), finished, run, 'show');
  does(
    addFields(jsonCommand(users, 'create [username]', 'Make a user.', [
      ['mintgate users create margaret --email margaret@example.com', 'without a password'],
      ['mintgate users create margaret --password-file - < password.txt', 'with one, from standard input'],
      ['mintgate users create --from user.json --json', 'from the body of the admin API, which may hold password_hash'],
    ]), USER_FIELDS.slice(1)).option(...PASSWORD_FILE),
    finished, run, 'create',
  );
  does(
    addPatchFields(jsonCommand(users, 'update <user>', 'Change a user: what is not named stays as it is.', [
      ['mintgate users update margaret --roles accountant manager', 'a list is replaced as a whole'],
      ['mintgate users update margaret --enabled false', 'she is signed out everywhere within a second'],
    ]), USER_FIELDS),
    finished, run, 'update',
  );
  does(jsonCommand(users, 'delete <user>', 'Delete a user; everything that she holds is dead at once.', [['mintgate users delete margaret', 'for good']]), finished, run, 'remove');
  does(
    jsonCommand(users, 'set-password <user>', 'Set a password. She is signed out everywhere, and unlocked.', [
      ['mintgate users set-password margaret', 'asks for it twice'],
      ['openssl rand -base64 24 | tee password.txt | mintgate users set-password margaret', 'from standard input'],
      ['mintgate users set-password margaret --hash --password-file hash.txt', 'its hash in another system'],
    ])
      .option(...PASSWORD_FILE)
      .option('--hash', 'what is read is the hash of the password in another system, replaced by one of ours at her next login'),
    finished, run, 'setPassword',
  );
  does(jsonCommand(users, 'unlock <user>', 'Forget the wrong passwords that were tried.', [['mintgate users unlock margaret', 'she can sign in again at once']]), finished, run, 'unlock');
  does(jsonCommand(users, 'sign-out <user>', 'Sign a user out everywhere, and end all tokens that she gave. She can sign in again.', [['mintgate users sign-out margaret', 'on every server within a second']]), finished, run, 'signOut');
}
