import {
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceRequestStatusCommand,
  UpdateResourceCommand,
} from '@aws-sdk/client-cloudcontrol';
import { expect, test, vi } from 'vitest';
import type { ResourceType } from '../../src/resource-type.js';
import { boxType, Gate, serve, testBase } from './support.js';

const TypeName = 'Test::Local::Box';
const DesiredState = JSON.stringify({ Name: 'a', Secret: 's' });

/**
 * Two local clouds over one store, one after the other: the first is cut off in the middle of a handler, as
 * nothing that it would do afterwards happens any more.
 */
async function cutOff(change: (type: ResourceType) => ResourceType = (type) => type) {
  const base = testBase();
  const gate = new Gate();
  const box = boxType(base, gate);
  const first = await serve(base, [change(box)]);
  const second = () => serve(base, [change(boxType(base))]);
  return { base, gate, box, first, second };
}

async function statusOf(client: Awaited<ReturnType<typeof serve>>, RequestToken: string | undefined) {
  return vi.waitFor(async () => {
    const { ProgressEvent } = await client.control.send(
      new GetResourceRequestStatusCommand({ RequestToken: RequestToken ?? '' }),
    );
    expect(ProgressEvent?.OperationStatus).not.toBe('IN_PROGRESS');
    return ProgressEvent;
  });
}

test('a creation that was cut off is done after the restart, under the same tokens', async () => {
  const { gate, box, first, second } = await cutOff();
  gate.shut();
  const command = new CreateResourceCommand({ TypeName, DesiredState, ClientToken: 'once' });
  const { ProgressEvent: accepted } = await first.control.send(command);
  await vi.waitFor(() => expect(box.calls).toEqual(['create']));
  const restarted = await second();
  const { ProgressEvent: repeated } = await restarted.control.send(command);
  expect(repeated?.RequestToken).toBe(accepted?.RequestToken);
  expect(await statusOf(restarted, accepted?.RequestToken)).toMatchObject({
    OperationStatus: 'SUCCESS',
    Identifier: 'a',
  });
});

test('a creation that was cut off after it had made the resource is completed, not refused', async () => {
  const { base, gate, box, first, second } = await cutOff();
  gate.shut();
  const { ProgressEvent: accepted } = await first.control.send(
    new CreateResourceCommand({ TypeName, DesiredState }),
  );
  await vi.waitFor(() => expect(box.calls).toEqual(['create']));
  base.store.table('test.boxes').put('a', { Name: 'a' });
  const restarted = await second();
  expect(await statusOf(restarted, accepted?.RequestToken)).toMatchObject({ OperationStatus: 'SUCCESS' });
  expect(base.store.table<{ Secret: string }>('test.boxes').get('a')?.Secret).toBe('s');
});

test('a creation whose identifier only the service knows fails, saying what is not known', async () => {
  const { gate, box, first, second } = await cutOff((type) => ({
    ...type,
    schema: { ...type.schema, primaryIdentifier: ['/properties/Arn'] },
  }));
  gate.shut();
  const { ProgressEvent: accepted } = await first.control.send(
    new CreateResourceCommand({ TypeName, DesiredState }),
  );
  await vi.waitFor(() => expect(box.calls).toEqual(['create']));
  const restarted = await second();
  expect(await statusOf(restarted, accepted?.RequestToken)).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'InternalFailure',
    StatusMessage: expect.stringContaining('cannot know whether the resource exists'),
  });
});

test('updates and deletions that were cut off are done after the restart', async () => {
  const { base, gate, box, first, second } = await cutOff();
  const boxes = base.store.table<Record<string, unknown>>('test.boxes');
  for (const Name of ['u', 'd', 'gone']) boxes.put(Name, { Name, Secret: 's' });
  gate.shut();
  const PatchDocument = '[{"op":"add","path":"/Size","value":5}]';
  const { ProgressEvent: update } = await first.control.send(
    new UpdateResourceCommand({ TypeName, Identifier: 'u', PatchDocument }),
  );
  const [kept, gone] = await Promise.all(
    ['d', 'gone'].map((Identifier) =>
      first.control.send(new DeleteResourceCommand({ TypeName, Identifier })),
    ),
  );
  await vi.waitFor(() => expect(box.calls).toHaveLength(3));
  boxes.delete('gone');
  const restarted = await second();
  for (const token of [update, kept?.ProgressEvent, gone?.ProgressEvent].map(
    (event) => event?.RequestToken,
  )) {
    expect(await statusOf(restarted, token)).toMatchObject({ OperationStatus: 'SUCCESS' });
  }
  expect(boxes.get('u')).toMatchObject({ Size: 5 });
  expect(boxes.get('d')).toBeUndefined();
});
