import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { monogram } from '../theme/monogram.js';
import { paletteStyles } from '../theme/palette.js';

const STYLES = ['base.css', 'controls.css', 'content.css'];

export interface PageAsset {
  /** `<stem>.<hash of the content>.<extension>` */
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** The few files that pages load, made at start from the theme and the stylesheets beside this file. */
@Injectable()
export class PageAssets {
  readonly stylesheet: PageAsset;
  readonly icon: PageAsset;
  readonly logo?: PageAsset;

  constructor({ theme }: Config) {
    const styles = STYLES.map((file) => readFileSync(join(__dirname, 'styles', file), 'utf8'));
    this.stylesheet = asset('pages', 'css', 'text/css; charset=utf-8', Buffer.from(paletteStyles(theme) + styles.join('')));
    this.icon = asset('icon', 'svg', 'image/svg+xml', Buffer.from(monogram(theme)));
    if (theme.logo) this.logo = asset('logo', theme.logo.type === 'image/png' ? 'png' : 'svg', theme.logo.type, theme.logo.bytes);
  }

  /**
   * The asset of that name, or the current one where the hash is that of another version: while instances are upgraded one after another, a page may come from one
   * of them and ask the other for its stylesheet.
   */
  find(name: string): { asset: PageAsset; current: boolean } | undefined {
    const [stem, , ...extension] = name.split('.');
    const found = [this.stylesheet, this.icon, this.logo].find((each) => each !== undefined && each.name.startsWith(`${stem}.`) && each.name.endsWith(`.${extension.join('.')}`));
    return found && { asset: found, current: found.name === name };
  }
}

function asset(stem: string, extension: string, type: string, bytes: Buffer): PageAsset {
  return { name: `${stem}.${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.${extension}`, type, bytes };
}
