import { topics } from '@mooring/contracts';
import type { Payload } from '../../runtime/src/bus.js';
import { keepSubscribed } from '../../runtime/src/cloud-subscription.js';
import type { Component } from '../../runtime/src/component.js';
import { reasonOf } from '../../runtime/src/errors.js';
import type { CertificateStore, Generation, KeyPair, StaleCore } from './certificate-store.js';
import type { KeyAlgorithm, RotatorConfiguration } from './configuration.js';
import { describeCertificate, identify } from './issued-certificate.js';
import { type MessageHandlers, messageHandlers } from './messages.js';
import { Pace } from './pace.js';
import { plan, type Step } from './plan.js';
import { signingRequest } from './signing-request.js';
import type { TrialOutcome } from './trial.js';

/** The exit code by which the recipe's script learns that it is to have the core device started again. */
export const RESTART_CORE = 75;

/** What rotating needs beside its component. */
export interface RotatorParts {
  readonly store: CertificateStore;
  readonly configuration: RotatorConfiguration;
  /** Makes a private key, in PEM. */
  readonly newPrivateKey: (algorithm: KeyAlgorithm) => Promise<string>;
  /** Connects once to AWS IoT Core with a pair. */
  readonly trial: (pair: KeyPair) => Promise<TrialOutcome>;
  /** Which run of the core device is there now. */
  readonly core: () => Promise<string>;
  /** The time of day, in milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 to 1, as `Math.random`. */
  readonly random: () => number;
}

/** How many topics of the cloud are listened to. */
const TOPICS = 3;
/** Refusals in a row, each while another pair was accepted, that a certificate is given up after. */
const REFUSALS_THAT_COUNT = 5;
/** After a certificate was given up the rotation begins anew when so many of the longest pauses are over, or half. */
const PAUSES_BEFORE_ANOTHER = 24;
/** The time of day may be set in between, so no wait for it is longer; in milliseconds. */
const LONGEST_WAIT = 3_600_000;

/**
 * Replaces the device's certificate when the cloud asks for it.
 *
 * One loop reads what is on the disk, decides what is next ({@link plan}) and does it; what arrives from the cloud is
 * put on the disk first, by the same loop. So there is nothing to remember but what is there, and a rotation that was
 * interrupted at any instant goes on. The pair in use changes by {@link CertificateStore.use} alone.
 */
export class Rotator {
  readonly #pace: Pace;
  readonly #failures: Pace;
  readonly #handlers: MessageHandlers;
  readonly #inbox: (() => Promise<void>)[] = [];
  #wake = () => {};
  #refusals = 0;
  readonly #subscribed = new Set<string>();

  constructor(
    private readonly component: Component,
    private readonly parts: RotatorParts,
  ) {
    const { configuration, random } = parts;
    this.#pace = new Pace(configuration.pauses, random);
    this.#failures = new Pace(configuration.pauses, random);
    this.#handlers = messageHandlers(component, parts);
  }

  /** Rotates until the component stops. */
  async run(): Promise<void> {
    const { thing, stopping, log, clock } = this.component;
    this.#hear(topics.csrRequest(thing), this.#handlers.requested);
    this.#hear(topics.certificate(thing), this.#handlers.issued);
    this.#hear(topics.certificateDone(thing), this.#handlers.confirmed);
    stopping.addEventListener('abort', () => this.#wake(), { once: true });
    while (!stopping.aborted) {
      try {
        await this.#inbox.shift()?.();
        if (this.#inbox.length === 0) await this.#next();
        this.#failures.reset();
      } catch (error) {
        this.#failures.wait('failure', clock.now());
        const pause = this.#failures.attempt(clock.now());
        log.problem(`${reasonOf(error)}. Tries again in ${Math.ceil(pause / 1000)} s.`);
        await this.#wait(pause);
      }
    }
  }

  #hear(topic: string, handle: (payload: Payload) => Promise<void>): void {
    void keepSubscribed(
      {
        topic,
        onMessage: (payload) => {
          this.#inbox.push(() => handle(payload));
          this.#wake();
        },
        onSubscribed: () => {
          const isNew = !this.#subscribed.has(topic);
          this.#subscribed.add(topic);
          if (isNew && this.#subscribed.size === TOPICS) {
            this.component.log.info('Hears the cloud: rotates the certificate when it is asked to.');
          }
          this.#wake();
        },
      },
      this.component,
    );
  }

  async #next(): Promise<void> {
    const { store, core, now } = this.parts;
    const step = plan(await store.read(), await core(), now());
    switch (step.step) {
      case 'wait':
        this.#pace.reset();
        return this.#wait(step.until === undefined ? LONGEST_WAIT : step.until - now());
      case 'discard':
        return store.discard(step.names);
      case 'forget-stale-core':
        return store.forgetStaleCore();
      case 'begin':
        return this.#begin();
      case 'ask':
        return this.#paced(`ask ${step.next.number}`, () => this.#ask(step.next));
      case 'try':
        return this.#paced(`try ${step.next.number}`, () => this.#try(step.next));
      case 'restart-core':
        return this.#paced('restart', () => this.#restartCore(step.stale), step.stale.asked);
      case 'acknowledge':
        return this.#paced(`acknowledge ${step.current.number}`, () => this.#acknowledge(step));
      case 'go-back':
        return this.#use(step.previous, 'The core device goes back to the certificate of before');
    }
  }

  /** Does something when its time has come, else waits for that, or for a message. */
  async #paced(task: string, act: () => Promise<void>, earlier = 0): Promise<void> {
    const { clock } = this.component;
    const wait = this.#pace.wait(task, clock.now(), earlier);
    if (wait > 0) return this.#wait(wait);
    if (this.#pace.attempts === 0) this.#refusals = 0;
    await act();
  }

  async #begin(): Promise<void> {
    const { store, configuration, newPrivateKey } = this.parts;
    const { keyAlgorithm } = configuration;
    await store.begin(await newPrivateKey(keyAlgorithm));
    this.component.log.info(`Begins to rotate the certificate: made a new key, ${keyAlgorithm}.`);
  }

  async #ask({ privateKey, number }: Generation): Promise<void> {
    const { thing, bus, log, clock } = this.component;
    // An answer would be lost.
    if (!this.#subscribed.has(topics.certificate(thing))) return this.#wait(LONGEST_WAIT);
    const pause = this.#pace.attempt(clock.now());
    const { current } = await this.parts.store.read();
    const csr = signingRequest(privateKey, thing, identify(current.certificate));
    await bus.publishToCloud(topics.csrResponse(thing), { csr });
    log.info(
      `Asked for a certificate for key ${number}; asks again in ${Math.ceil(pause / 1000)} s unless it comes.`,
    );
  }

  async #try(next: Generation & KeyPair): Promise<void> {
    const { log, clock } = this.component;
    this.#pace.attempt(clock.now());
    const verdict = await this.#judge(next, (await this.parts.store.read()).current);
    if (verdict === 'works') {
      await this.#use(
        next,
        `The new certificate works: ${describeCertificate(next.certificate)} is in place`,
      );
    } else if (verdict === 'refused') {
      log.problem('The new certificate is given up; the old one stays in use.');
      await this.#giveUp(next);
    }
  }

  /** Whether a pair is good to connect with; whether another is decides what a refusal means. */
  async #judge(pair: KeyPair, other: KeyPair | undefined): Promise<'works' | 'refused' | 'unknown'> {
    const { trial } = this.parts;
    const { log } = this.component;
    const result = await trial(pair);
    if (result.outcome === 'accepted') {
      this.#refusals = 0;
      return 'works';
    }
    if (result.outcome === 'refused' && other && (await trial(other)).outcome === 'accepted') {
      this.#refusals += 1;
      log.problem(
        `AWS IoT Core refuses the new certificate and takes the old one: ${result.reason} (${this.#refusals} of ${REFUSALS_THAT_COUNT}).`,
      );
      return this.#refusals >= REFUSALS_THAT_COUNT ? 'refused' : 'unknown';
    }
    log.info(`The new certificate could not be tried: ${result.reason}.`);
    return 'unknown';
  }

  async #giveUp(generation: Generation): Promise<void> {
    const { store, configuration, now, random } = this.parts;
    const pause = configuration.pauses.longest * 1000 * PAUSES_BEFORE_ANOTHER * (0.5 + random() / 2);
    await store.giveUp(generation, now() + pause);
  }

  /** Switches to a pair. The core device that runs now has the other one, and is to start again. */
  async #use(generation: Generation, line: string): Promise<void> {
    const { store, core } = this.parts;
    const before = await core();
    await store.noteStaleCore({ core: before, asked: 0 });
    await store.use(generation);
    // One that started meanwhile may have read what was there before.
    const after = await core();
    if (after !== before) await store.noteStaleCore({ core: after, asked: 0 });
    this.component.log.info(`${line}.`);
  }

  async #restartCore({ core, asked }: StaleCore): Promise<void> {
    const { clock, end, stopping } = this.component;
    this.#pace.attempt(clock.now());
    await this.parts.store.noteStaleCore({ core, asked: asked + 1 });
    const again = asked === 0 ? '' : ` (asked for before: ${asked} times)`;
    end(RESTART_CORE, `The core device is to start again, to use the certificate that is in place${again}.`);
    while (!stopping.aborted) await this.#wait(LONGEST_WAIT);
  }

  async #acknowledge(step: Extract<Step, { step: 'acknowledge' }>): Promise<void> {
    const { thing, bus, log, clock } = this.component;
    const isFirst = this.#pace.attempts === 0;
    const pause = this.#pace.attempt(clock.now());
    // No answer may mean that the core device cannot connect with its new certificate.
    if (!isFirst && (await this.#judge(step.current, step.previous)) === 'refused') {
      log.problem('The new certificate does not work any more; goes back to the old one.');
      await this.#giveUp(step.current);
      return;
    }
    if (!this.#subscribed.has(topics.certificateDone(thing))) return;
    const { certificateArn } = step.issued;
    await bus.publishToCloud(topics.certificateAck(thing), { certificateArn });
    log.info(
      `Told the cloud that ${certificateArn} is in use; tells it again in ${Math.ceil(pause / 1000)} s unless it answers.`,
    );
  }

  /** Waits so many milliseconds, or until a message arrives or the component stops. */
  async #wait(milliseconds: number): Promise<void> {
    const { clock, stopping } = this.component;
    if (this.#inbox.length > 0 || stopping.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(Math.min(Math.max(milliseconds, 0), LONGEST_WAIT), resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = () => {};
  }
}
