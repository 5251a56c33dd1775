import { Injectable, type OnModuleInit, RequestMethod, type Type } from '@nestjs/common';
import { GUARDS_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, HttpAdapterHost, MetadataScanner } from '@nestjs/core';
import type { NextFunction, Request, Response } from 'express';
import { ClientOrigins } from '../client-origins.js';
import { allowOrigin, CrossOriginGuard } from './cross-origin.guard.js';

/** What a request to these endpoints may carry beyond what needs no leave. */
const ALLOWED_HEADERS = 'authorization, content-type';
const MAX_AGE_SECONDS = '600';

/**
 * Answers what a browser asks before it sends a request of another origin's page (Fetch §3.3.2), for each controller that {@link CrossOriginGuard} guards: one
 * whose handlers have no path beyond its own.
 * 204 in any case: an origin that nobody registered, or a lookup that fails, gets no leave with it, and the browser stops there.
 *
 * Not a route of the controllers, whose other guards want a form and a client, and a preflight has neither. It stands behind all routes, where other
 * requests do not pass.
 */
@Injectable()
export class CrossOriginPreflight implements OnModuleInit {
  /** The methods by path. */
  private readonly endpoints = new Map<string, string>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly adapterHost: HttpAdapterHost,
    private readonly origins: ClientOrigins,
  ) {}

  onModuleInit(): void {
    for (const { metatype } of this.discovery.getControllers()) {
      if (typeof metatype === 'function' && guardsOf(metatype).includes(CrossOriginGuard)) this.endpoints.set(`/${pathOf(metatype)}`, this.methodsOf(metatype as Type).join(', '));
    }
    this.adapterHost.httpAdapter.use((req: Request, res: Response, next: NextFunction) => {
      const methods = this.endpoints.get(req.path);
      if (methods === undefined || !isPreflight(req)) next();
      else this.answer(req.headers.origin!, methods, res).catch(next);
    });
  }

  private async answer(origin: string, methods: string, res: Response): Promise<void> {
    if (await allowOrigin(this.origins, origin, res)) {
      res.set({ 'Access-Control-Allow-Methods': methods, 'Access-Control-Allow-Headers': ALLOWED_HEADERS, 'Access-Control-Max-Age': MAX_AGE_SECONDS });
    }
    res.writeHead(204).end();
  }

  private methodsOf({ prototype }: Type): string[] {
    const handlers = this.scanner.getAllMethodNames(prototype as object).map((name) => (prototype as Record<string, object>)[name]);
    return handlers.flatMap((handler) => (Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined) ?? []).map((method) => RequestMethod[method]).sort();
  }
}

/** Fetch §3.3.2. Any other OPTIONS is a method that these endpoints do not have. */
const isPreflight = ({ method, headers }: Request): boolean => method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

const guardsOf = (controller: object): unknown[] => (Reflect.getMetadata(GUARDS_METADATA, controller) as unknown[] | undefined) ?? [];

const pathOf = (controller: object): string => Reflect.getMetadata(PATH_METADATA, controller) as string;
