import { addressBlock } from '../common/http/address-block.js';
import type { AuditEvent } from './audit-event.entity.js';

/** Failures of one type that a window lists one by one. They cost an attacker next to nothing: a limit keeps the disk free. */
const MAX_OF_TYPE = 200;
/** How many of these may come from one network: the noise of one leaves room for those of others. */
const MAX_OF_NETWORK = 40;

type Failure = Pick<AuditEvent, 'type' | 'actorAddress'>;

interface TypeBudget {
  listed: number;
  readonly byNetwork: Map<string, number>;
}

/** What a window may list of failures: so many of each type, and of them so many from each network. */
export class FailureBudgets {
  private readonly types = new Map<string, TypeBudget>();

  /**
   * Takes one from the budgets of a failure.
   * @returns which of them is spent; `undefined` when the failure may be listed
   */
  take({ type, actorAddress }: Failure): 'type' | 'network' | undefined {
    let budget = this.types.get(type);
    if (!budget) this.types.set(type, (budget = { listed: 0, byNetwork: new Map() }));
    const network = networkOf(actorAddress);
    const ofNetwork = budget.byNetwork.get(network) ?? 0;
    if (ofNetwork >= MAX_OF_NETWORK) return 'network';
    if (budget.listed >= MAX_OF_TYPE) return 'type';
    budget.listed++;
    budget.byNetwork.set(network, ofNetwork + 1);
    return undefined;
  }

  clear(): void {
    this.types.clear();
  }
}

/** The network of a caller, as requests are limited by it; empty for the server itself. */
export const networkOf = (address: string | null): string => (address === null ? '' : addressBlock(address));
