import { type RotateThingsAnswer, THING_NAME } from '@mooring/contracts';
import { inChunks } from '../rotation/in-chunks.js';
import { describe } from '../rotation/log.js';
import type { RotationPorts } from '../rotation/ports.js';
import { ask } from './ask.js';

/**
 * Asks devices by name, at once, whatever the state of their rotation is.
 *
 * @param hasTime whether there is time for some more.
 * @returns each name in one of the two lists; never rejects for what is wrong with a single one.
 */
export async function askThings(
  things: readonly string[],
  ports: RotationPorts,
  hasTime: () => boolean,
): Promise<RotateThingsAnswer> {
  const answer: RotateThingsAnswer = { requested: [], refused: [] };
  await inChunks(things, async (thing) => {
    const reason = hasTime()
      ? await askThing(thing, ports).catch(describe)
      : 'there was no time left to ask it: ask again';
    if (reason === undefined) answer.requested.push(thing);
    else answer.refused.push({ thing, reason });
  });
  const { requested, refused } = answer;
  ports.log('rotation-requested', { requested: requested.length, refused: refused.length });
  for (const fields of refused) ports.log('rotation-not-requested', fields);
  return answer;
}

/** @returns why the thing was not asked; undefined when it was. */
async function askThing(thing: string, ports: RotationPorts): Promise<string | undefined> {
  if (!THING_NAME.test(thing)) return 'it is not the name of a thing';
  const certificates = await ports.certificates.ofThing(thing);
  if (certificates === undefined) return 'there is no such thing';
  if (certificates.length === 0) return 'it has no certificate';
  const [only, another] = certificates;
  await ask(ports, thing, another === undefined ? only : undefined, {});
  return undefined;
}
