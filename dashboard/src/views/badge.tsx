import { plain } from '../model/words.js';

type Tone = 'ok' | 'bad' | 'warn' | 'busy' | 'idle';

/** How states of AWS are to be felt; what is not here is neither good nor bad. */
const TONES: Readonly<Record<string, Tone>> = {
  HEALTHY: 'ok',
  RUNNING: 'ok',
  FINISHED: 'ok',
  SUCCEEDED: 'ok',
  COMPLETED: 'ok',
  ACTIVE: 'ok',
  succeeded: 'ok',
  completed: 'ok',
  connected: 'ok',
  joined: 'ok',
  UNHEALTHY: 'bad',
  BROKEN: 'bad',
  ERRORED: 'bad',
  FAILED: 'bad',
  REJECTED: 'bad',
  TIMED_OUT: 'bad',
  REVOKED: 'bad',
  failed: 'bad',
  refused: 'bad',
  rejected: 'bad',
  timedOut: 'bad',
  IN_PROGRESS: 'busy',
  QUEUED: 'busy',
  STARTING: 'busy',
  INSTALLED: 'busy',
  STOPPING: 'busy',
  requested: 'busy',
  issued: 'busy',
  inProgress: 'busy',
  queued: 'busy',
  CANCELED: 'warn',
  INACTIVE: 'idle',
};

export function toneOf(state: string): Tone {
  return TONES[state] ?? 'idle';
}

/** A state, told by a word; colour and sign only repeat it. */
export function Badge({ state, title }: { state: string; title?: string }) {
  return (
    <span class={`badge badge-${toneOf(state)}`} title={title}>
      {plain(state)}
    </span>
  );
}
