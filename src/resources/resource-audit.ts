import { describeChanges, describeInitial, single } from '../audit/described-changes.js';
import type { ResourceEntity } from './resource.entity.js';

type Resource = Pick<ResourceEntity, 'identifier' | 'name' | 'scopes' | 'resourceServers' | 'accessTokenFormat' | 'accessTokenLifetime'>;

/** By the names that admins know. */
const fieldsOf = (resource: Resource) => ({
  identifier: resource.identifier,
  name: resource.name,
  scopes: resource.scopes,
  resource_servers: resource.resourceServers,
  access_token_format: resource.accessTokenFormat,
  access_token_lifetime: resource.accessTokenLifetime,
});
type Fields = ReturnType<typeof fieldsOf>;

const scopesOf = ({ scopes }: Fields): string[] =>
  scopes.map(({ name, required_roles: roles }) => (roles.length === 0 ? name : `${name} for ${roles.join(' ')}`));

const INITIAL_VALUES = {
  scopes: scopesOf,
  resource_servers: (resource: Fields) => resource.resource_servers,
};

const VALUES = {
  ...INITIAL_VALUES,
  identifier: (resource: Fields) => single(resource.identifier),
  access_token_format: (resource: Fields) => single(resource.access_token_format),
  access_token_lifetime: (resource: Fields) => single(resource.access_token_lifetime),
};

export const describeResourceChanges = (before: Resource, after: Resource) => describeChanges(fieldsOf(before), fieldsOf(after), VALUES);

export const describeNewResource = (resource: Resource) => describeInitial(fieldsOf(resource), INITIAL_VALUES);
