import { DashboardConfig } from '@mooring/contracts';
import { batch, effect, type Signal, signal } from '@preact/signals';
import { Api } from './cloud/api.js';
import { Live } from './cloud/live.js';
import { CloudProblem } from './cloud/problem.js';
import { Session } from './cloud/session.js';
import { presignMqtt } from './cloud/signing.js';
import { browserClock } from './model/clock.js';
import { Connectivity } from './model/connectivity.js';
import { Fleet } from './model/fleet.js';
import { browserFrames } from './model/frames.js';
import { changeOf, FLEET_FILTERS } from './model/live-topics.js';

/** Everything that the views work with. */
export interface Dashboard {
  config: DashboardConfig;
  session: Session;
  api: Api;
  live: Live;
  fleet: Fleet;
  connectivity: Connectivity;
  /** Grows when everything is to be read anew: after the cloud was away, and for another visitor. */
  epoch: Signal<number>;
  /** Grows, at most every five seconds, when jobs or things changed. */
  happenings: Signal<number>;
}

/** @throws CloudProblem when `config.json` is not there, or not one. */
export async function loadConfig(): Promise<DashboardConfig> {
  const answer = await fetch('./config.json', { cache: 'no-cache' }).catch(() => undefined);
  if (!answer?.ok) {
    throw new CloudProblem(
      'NoConfig',
      'config.json is not beside this page: publish it with "mooring dashboard"',
    );
  }
  const parsed = DashboardConfig.safeParse(await answer.json().catch(() => undefined));
  if (!parsed.success) {
    throw new CloudProblem('NoConfig', 'config.json beside this page is not what this version of it needs');
  }
  return parsed.data;
}

/** Puts the parts together. They begin to work when there is a visitor: see {@link follow}. */
export function assemble(config: DashboardConfig): Dashboard {
  const clock = browserClock;
  const session = new Session(config, sessionStorage, clock);
  const live = new Live(async () => {
    const credentials = await session.credentials();
    return presignMqtt(config.mqttUrl, credentials, config.region, new Date(clock.now()));
  }, clock);
  const epoch = signal(0);
  const connectivity = new Connectivity(live.state, clock, () => {
    epoch.value += 1;
  });
  const api = new Api(config, session, clock, connectivity.heard);
  const fleet = new Fleet(api, clock, browserFrames);
  return { config, session, api, live, fleet, connectivity, epoch, happenings: signal(0) };
}

/** Follows the visitor: connects for each, and reads what they may see. */
export function follow(dashboard: Dashboard): void {
  const { session, live, fleet, epoch, connectivity } = dashboard;
  const happened = happening(dashboard.happenings);
  live.subscribe(FLEET_FILTERS, ({ topic, payload }) => {
    const change = changeOf(topic, payload);
    if (change === undefined) return;
    fleet.apply(change);
    if (change.kind !== 'frequency' && change.kind !== 'button') happened();
  });
  effect(() => {
    const { kind } = session.visitor.value;
    live.stop();
    batch(() => {
      fleet.clear();
      connectivity.reach.value = 'first';
      if (kind === 'nobody') return;
      live.start();
      epoch.value = epoch.peek() + 1;
    });
  });
  effect(() => {
    if (epoch.value > 0) void fleet.read();
  });
  setInterval(() => {
    if (!document.hidden) {
      void fleet.readDetails();
      if (session.visitor.peek().kind !== 'nobody') void fleet.readAgain();
    }
    // A request finds out when the cloud is back, also while the live connection is there.
    if (connectivity.reach.peek() === 'lost') void dashboard.api.deployments().catch(() => undefined);
  }, 2_000);
}

function happening(happenings: Signal<number>): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      happenings.value += 1;
    }, 5_000);
  };
}
