import type { IClientPublishOptions } from 'mqtt';

/** A message on its way to AWS IoT Core. */
export interface SpooledMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly options: IClientPublishOptions;
}
