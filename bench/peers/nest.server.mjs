// The least on Nest and Express as they come: no guard, no pipe, no store. Decorators are called by hand, as compiled TypeScript does, so that nothing has to be compiled.
import 'reflect-metadata';
import { Body, Controller, Header, Headers, HttpCode, HttpException, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { authenticates, issue } from './least.mjs';

class TokenController {
  async token(body, authorization) {
    if (!authenticates(authorization)) throw new HttpException({ error: 'invalid_client' }, 401);
    const [status, json] = issue(body?.grant_type, body?.scope);
    if (status !== 200) throw new HttpException(json, status);
    return json;
  }
}
Controller()(TokenController);
for (const decorate of [Post('token'), HttpCode(200), Header('Cache-Control', 'no-store')]) {
  decorate(TokenController.prototype, 'token', Object.getOwnPropertyDescriptor(TokenController.prototype, 'token'));
}
Body()(TokenController.prototype, 'token', 0);
Headers('authorization')(TokenController.prototype, 'token', 1);

class AppModule {}
Module({ controllers: [TokenController] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(Number(process.env.PORT), process.env.HOST);
