import { bareHttp } from './bare-http.mjs';
import { oidcProvider } from './oidc-provider.mjs';

/** Who can be measured beside Mintgate, by name. README.md tells how to add one. */
export const PEERS = Object.fromEntries([bareHttp, oidcProvider].map((peer) => [peer.name, peer]));
