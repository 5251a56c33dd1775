import { bareHash } from './bare-hash.mjs';
import { bareHttp } from './bare-http.mjs';
import { jmondi } from './jmondi.mjs';
import { nest } from './nest.mjs';
import { nodeOauth } from './node-oauth.mjs';
import { oidcProvider, oidcProviderOnMariadb } from './oidc-provider.mjs';

/** Who can be measured beside Mintgate, by name. README.md tells how to add one. */
export const PEERS = Object.fromEntries([bareHttp, bareHash, nest, oidcProvider, oidcProviderOnMariadb, nodeOauth, jmondi].map((peer) => [peer.name, peer]));

/** Those that take part in a scenario. */
export const peersOf = (scenario) => Object.values(PEERS).filter(({ scenarios }) => scenarios.includes(scenario)).map(({ name }) => name);
