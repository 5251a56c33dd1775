import { Module } from '@nestjs/common';
import { PageAssets } from './assets/page-assets.js';
import { PageAssetsController } from './assets/page-assets.controller.js';
import { PageErrorFilter } from './page-error.filter.js';
import { PageRenderer } from './page-renderer.js';

@Module({ controllers: [PageAssetsController], providers: [PageAssets, PageErrorFilter, PageRenderer], exports: [PageErrorFilter, PageRenderer] })
export class PagesModule {}
