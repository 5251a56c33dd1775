/** Why there is no answer. The first two are refusals of ours, before anything was sent. */
export type OutboundFailure = 'url_not_allowed' | 'address_not_allowed' | 'name_not_resolved' | 'connection_failed' | 'timed_out';

/** A request to a URL that a client registered was not sent, or was not answered. Its message is the failure, with the system's code for it where there is one. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';

  constructor(
    readonly failure: OutboundFailure,
    options?: ErrorOptions,
  ) {
    const { code } = (options?.cause ?? {}) as NodeJS.ErrnoException;
    super(failure === 'connection_failed' && code ? `${failure}: ${code}` : failure, options);
  }

  /** Whether the same URL will be refused again, unless its name moves. */
  get refused(): boolean {
    return this.failure === 'url_not_allowed' || this.failure === 'address_not_allowed';
  }
}
