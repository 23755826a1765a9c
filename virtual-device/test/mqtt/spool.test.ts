import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Spool } from '../../src/mqtt/spool.js';
import { SpoolJournal } from '../../src/mqtt/spool-journal.js';
import type { SpooledMessage } from '../../src/mqtt/spooled-message.js';
import { temporaryFolder } from '../support/fixtures.js';

const message = (payload: string, qos: 0 | 1 = 1, topic = 't'): SpooledMessage => ({
  topic,
  payload: Buffer.from(payload),
  options: { qos },
});
const textOf = (taken: SpooledMessage | undefined) =>
  taken === undefined ? undefined : Buffer.from(taken.payload).toString();

function spoolOf(options: Partial<ConstructorParameters<typeof Spool>[0]> = {}) {
  const lines: string[] = [];
  const spool = new Spool({
    maxBytes: 10,
    keepQos0WhenOffline: true,
    log: (level, text) => lines.push(`${level} ${text}`),
    ...options,
  });
  return { spool, lines };
}

describe('a full spool', () => {
  it('drops the oldest QoS 0 messages for a new one, and no more of them than it must', async () => {
    const { spool, lines } = spoolOf();
    await spool.add(message('aa', 0)); // 3 bytes with its topic
    await spool.add(message('bb', 1));
    await spool.add(message('cc', 0));
    await spool.add(message('dd', 1));
    expect([1, 2, 3].map(() => textOf(spool.take()))).toEqual(['bb', 'cc', 'dd']);
    expect(lines).toEqual(['warn The spool is full: dropped the 1 oldest QoS 0 messages']);
  });

  it('refuses a new message when only QoS 1 messages are in it, and one that never fits', async () => {
    const { spool } = spoolOf();
    for (const payload of ['aa', 'bb', 'cc']) await spool.add(message(payload, 1));
    await expect(spool.add(message('dd', 1))).rejects.toMatchObject({ code: 'SPOOL_FULL' });
    const { spool: other } = spoolOf();
    await other.add(message('a', 0));
    await expect(other.add(message('0123456789', 1))).rejects.toMatchObject({ code: 'SPOOL_FULL' });
    expect(textOf(other.take())).toBe('a');
  });

  it('is bounded for messages without a payload, too', async () => {
    const { spool } = spoolOf();
    for (let index = 0; index < 10; index++) await spool.add(message(''));
    await expect(spool.add(message(''))).rejects.toMatchObject({ code: 'SPOOL_FULL' });
  });

  it('has room again for what was settled, and for what is sent only then', async () => {
    const { spool } = spoolOf();
    await spool.add(message('12345678'));
    const taken = spool.take();
    await expect(spool.add(message('x'))).rejects.toMatchObject({ code: 'SPOOL_FULL' });
    if (taken) spool.settle(taken.id);
    await spool.add(message('x'));
    expect(textOf(spool.take())).toBe('x');
  });
});

describe('without a connection', () => {
  it('QoS 0 messages are refused, and dropped, unless they are kept', async () => {
    const { spool } = spoolOf({ keepQos0WhenOffline: false });
    await expect(spool.add(message('a', 0))).rejects.toMatchObject({ code: 'OFFLINE' });
    spool.online();
    await spool.add(message('a', 0));
    await spool.add(message('b', 1));
    spool.offline(10);
    expect(textOf(spool.take())).toBe('b');
    expect(spool.take()).toBeUndefined();
    const { spool: keeping } = spoolOf();
    await keeping.add(message('a', 0));
    expect(textOf(keeping.take())).toBe('a');
  });

  it('what was on its way goes first, in its order, until it has been tried too often', async () => {
    const { spool } = spoolOf();
    for (const payload of ['a', 'b', 'c']) await spool.add(message(payload));
    spool.take();
    spool.take();
    expect(spool.offline(2)).toBe(0);
    expect(textOf(spool.take())).toBe('a');
    expect(spool.offline(2)).toBe(1);
    expect([1, 2, 3].map(() => textOf(spool.take()))).toEqual(['b', 'c', undefined]);
  });
});

describe('the journal', () => {
  const path = () => join(temporaryFolder(), 'deep', 'journal');
  const reopen = (file: string) => {
    const { journal, entries, droppedBytes } = SpoolJournal.open(file);
    const messages = entries.map(({ id }) => textOf(journal.read(id)));
    journal.close();
    return { messages, droppedBytes };
  };

  it('has what was not settled, in order, whatever was done before', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ add: fc.string({ maxLength: 300 }) }),
            fc.record({ settle: fc.nat() }),
            fc.constant('reopen' as const),
          ),
          { maxLength: 60 },
        ),
        (steps) => {
          const file = path();
          let { journal } = SpoolJournal.open(file);
          let live: { id: number; text: string }[] = [];
          for (const step of steps) {
            if (step === 'reopen') {
              journal.close();
              const opened = SpoolJournal.open(file);
              journal = opened.journal;
              expect(opened.entries.map(({ id }) => id)).toEqual(live.map(({ id }) => id));
            } else if ('add' in step) {
              live.push({ id: journal.append(message(step.add)).id, text: step.add });
            } else if (live.length > 0) {
              const { id } = live[step.settle % live.length] ?? { id: 0 };
              journal.settle(id);
              live = live.filter((entry) => entry.id !== id);
            }
            expect(live.map(({ id }) => textOf(journal.read(id)))).toEqual(live.map(({ text }) => text));
          }
          journal.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('loses at most what was being written when the power goes', () => {
    const file = path();
    const { journal } = SpoolJournal.open(file);
    const ends = ['one', 'two', 'three'].map((text) => {
      journal.append(message(text));
      return statSync(file).size;
    });
    journal.close();
    const whole = readFileSync(file);
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length));
      const kept = ends.filter((end) => end <= length).length;
      expect(reopen(file)).toEqual({
        messages: ['one', 'two', 'three'].slice(0, kept),
        droppedBytes: length - (ends[kept - 1] ?? 0),
      });
    }
  });

  it('opens whatever the file holds, and goes on behind what is whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 60 }), (garbage, cut) => {
        const file = path();
        const { journal } = SpoolJournal.open(file);
        journal.append(message('whole'));
        const size = statSync(file).size;
        journal.append(message('cut'));
        journal.close();
        truncateSync(file, Math.min(statSync(file).size - 1, size + cut));
        appendFileSync(file, garbage);
        const opened = SpoolJournal.open(file);
        opened.journal.append(message('new'));
        opened.journal.close();
        expect(reopen(file).messages).toEqual(['whole', 'new']);
      }),
      { numRuns: 60 },
    );
  });

  it('does not grow with what is settled', async () => {
    const file = path();
    const { journal } = SpoolJournal.open(file);
    const kept = journal.append(message('kept')).id;
    const bulk = 'x'.repeat(100_000);
    for (let index = 0; index < 60; index++) journal.settle(journal.append(message(bulk)).id);
    await journal.flush();
    expect(statSync(file).size).toBeLessThan(2_500_000);
    expect(textOf(journal.read(kept))).toBe('kept');
    journal.settle(kept);
    expect(statSync(file).size).toBe(0);
    journal.close();
  });

  it('gives way to memory when the disk takes nothing', async () => {
    const journal = SpoolJournal.open(path()).journal;
    const { spool, lines } = spoolOf({ journal: { journal, entries: [] }, maxBytes: 100 });
    journal.close();
    await spool.add(message('a'));
    await spool.add(message('b'));
    expect([1, 2].map(() => textOf(spool.take()))).toEqual(['a', 'b']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^warn The message spool on disk fails, so messages are kept in memory/);
  });
});
