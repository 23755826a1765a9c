import { type Parsed, parseMessage } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import type { CloudConnection } from './cloud-connection.js';

/** Seconds that a device has to answer. */
export const ANSWER_TIMEOUT = 10;

export interface Question<T> {
  /** Topic that the answer comes on. */
  readonly topic: string;
  readonly schema: Parameters<typeof parseMessage<T>>[0];
  readonly accept: (message: T) => boolean;
  /** What makes the device answer. */
  readonly ask: () => Promise<void>;
  readonly thing: string;
  /** Component that gives the answer, for the hint. */
  readonly component: string;
}

/**
 * Listens, asks, and waits for the answer.
 *
 * @throws MooringError when the device does not answer in time.
 */
export async function answerOf<T>(cloud: CloudConnection, question: Question<T>): Promise<T> {
  let resolveAnswer: (message: T) => void = () => undefined;
  let rejectAnswer: (error: Error) => void = () => undefined;
  const answer = new Promise<T>((resolve, reject) => {
    resolveAnswer = resolve;
    rejectAnswer = reject;
  });
  // It may fail while the question is still being asked.
  answer.catch(() => undefined);
  await cloud.subscribe(question.topic, (_topic, payload) => {
    const parsed: Parsed<T> = parseMessage(question.schema, payload);
    if (parsed.ok && question.accept(parsed.value)) resolveAnswer(parsed.value);
  });
  const timer = setTimeout(() => {
    rejectAnswer(
      new MooringError(
        'NoAnswer',
        `Device ${question.thing} did not answer within ${ANSWER_TIMEOUT} s: see with \`mooring status\` whether it is connected and ${question.component} runs`,
      ),
    );
  }, ANSWER_TIMEOUT * 1000);
  try {
    await question.ask();
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}
