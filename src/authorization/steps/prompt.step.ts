import { invalidRequest } from '../../common/oauth/oauth-error.js';
import { type AuthorizationRequest, PROMPTS, type Prompt } from '../authorization-request.js';
import type { StepInput } from './step.js';

const isPrompt = (text: string): text is Prompt => (PROMPTS as readonly string[]).includes(text);

/** `prompt` and `max_age`, OIDC Core §3.1.2.1. */
export function prompt({ params }: StepInput): Pick<AuthorizationRequest, 'prompt' | 'maxAgeSeconds'> {
  const prompts = params.prompt?.split(' ') ?? [];
  if (!prompts.every(isPrompt)) throw invalidRequest('The prompt is not one that this server knows.');
  if (prompts.includes('none') && prompts.length > 1) throw invalidRequest('The prompt none cannot be combined with others.');
  if (params.max_age === undefined) return { prompt: prompts };
  if (!/^\d{1,9}$/.test(params.max_age)) throw invalidRequest('The parameter max_age must be a number of seconds.');
  return { prompt: prompts, maxAgeSeconds: Number(params.max_age) };
}
