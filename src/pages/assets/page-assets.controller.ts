import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '../../common/openapi/decorators.js';
import type { Response } from 'express';
import { notFound } from '../../common/http/problem.js';
import { PageAssets } from './page-assets.js';

const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // For an SVG logo that is opened by itself: it may have styles, and does nothing.
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
};

/** Serves what pages load. The name changes with the content, so that it may be kept for ever (RFC 8246). */
@ApiExcludeController()
@Controller('assets')
export class PageAssetsController {
  constructor(private readonly assets: PageAssets) {}

  @Get(':name')
  asset(@Param('name') name: string, @Res() res: Response): void {
    const found = this.assets.find(name);
    if (!found) throw notFound('file');
    const { asset, current } = found;
    const cacheControl = current ? 'public, max-age=31536000, immutable' : 'no-store';
    res.writeHead(200, { ...HEADERS, 'Content-Type': asset.type, 'Cache-Control': cacheControl, 'Content-Length': asset.bytes.length }).end(asset.bytes);
  }
}
