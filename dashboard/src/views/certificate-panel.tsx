import { CloudProblem } from '../cloud/problem.js';
import type { FleetDevice } from '../model/fleet.js';
import { ageOf, dayOf, momentOf } from '../model/words.js';
import { Answer, useAction } from './action.js';
import { Badge } from './badge.js';
import { useDashboard, useNow, useOperator } from './context.js';
import { Empty, Loading } from './states.js';

/** A rotation takes seconds; longer than this nobody waits for it, in milliseconds. */
const PATIENCE = 120_000;
const POLL = 2_000;

const STAGES = [
  { stage: 'requested', label: 'asked for a key' },
  { stage: 'issued', label: 'new certificate issued' },
  { stage: 'completed', label: 'in use, the old one gone' },
] as const;

/** The device's certificates, and how far their rotation is. */
export function CertificatePanel({ device }: { device: FleetDevice }) {
  const operator = useOperator();
  const now = useNow();
  const certificates = device.details?.certificates;
  const { rotation } = device.summary;
  return (
    <section class="panel panel-certificate" aria-labelledby="certificate-title">
      <h2 id="certificate-title">Certificate</h2>
      {certificates === undefined ? (
        <Loading what="Reading its certificates" />
      ) : certificates.length === 0 ? (
        <Empty>The device has no certificate.</Empty>
      ) : (
        <ul class="certificates">
          {certificates.map(({ certificateId, status, expires }) => (
            <li key={certificateId}>
              <span class="mono" title={certificateId}>
                {certificateId.slice(0, 12)}…
              </span>
              <Badge state={status} />
              {expires !== undefined && (
                <span class="soft">
                  expires {ageOf(expires, now)}, {dayOf(expires)}
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      <Stages rotation={rotation} />
      {operator && <Rotate device={device} />}
    </section>
  );
}

function Stages({ rotation }: { rotation: FleetDevice['summary']['rotation'] }) {
  if (rotation === undefined) return <p class="soft">It was never rotated.</p>;
  const reached = STAGES.findIndex(({ stage }) => stage === rotation.stage);
  return (
    <div>
      <ol class="stages" aria-label="Rotation">
        {STAGES.map(({ stage, label }, index) => (
          <li
            key={stage}
            class={
              index < reached || rotation.stage === 'completed'
                ? 'stage-done'
                : index === reached
                  ? 'stage-now'
                  : ''
            }
            aria-current={index === reached ? 'step' : undefined}
          >
            {label}
          </li>
        ))}
      </ol>
      <p class="soft">
        {rotation.stage === 'refused' ? (
          <span class="answer-bad">
            The request was refused: {rotation.reason ?? 'no reason was given'}.{' '}
          </span>
        ) : null}
        {rotation.stage} {momentOf(rotation.at)}
      </p>
    </div>
  );
}

function Rotate({ device }: { device: FleetDevice }) {
  const { api, fleet } = useDashboard();
  const action = useAction();
  const { thing } = device;

  /** Until another certificate is the device's only one. */
  const follow = async (before: string | undefined): Promise<string> => {
    const begun = Date.now();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, POLL));
      const details = await fleet.refresh(thing).catch(() => undefined);
      const rotation = fleet.get(thing)?.summary.rotation;
      if (rotation?.stage === 'refused') {
        throw new CloudProblem('Refused', rotation.reason ?? 'the signing request was refused');
      }
      const active = details?.certificates.filter(({ status }) => status === 'ACTIVE') ?? [];
      const [only] = active;
      if (active.length === 1 && only !== undefined && only.certificateId !== before) {
        const old = before === undefined ? '' : `${before.slice(0, 8)} → `;
        return `${old}${only.certificateId.slice(0, 8)}, in use after ${((Date.now() - begun) / 1_000).toFixed(0)} s`;
      }
      if (Date.now() - begun > PATIENCE) {
        throw new CloudProblem(
          'NoAnswer',
          `no new certificate after ${PATIENCE / 1_000} s: is the device connected?`,
        );
      }
    }
  };

  return (
    <>
      <button
        type="button"
        class="button"
        disabled={action.busy}
        onClick={() =>
          void action.run('asking the device for a new certificate', async () => {
            const before = device.details?.certificates[0]?.certificateId;
            await api.rotate(thing);
            return follow(before);
          })
        }
      >
        Rotate now
      </button>
      <Answer outcome={action.outcome} />
    </>
  );
}
