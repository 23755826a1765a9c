import type { DeploymentsPage as Page } from '@mooring/contracts';
import { useSignal } from '@preact/signals';
import { hrefs } from '../model/route.js';
import { ageOf, momentOf } from '../model/words.js';
import { Answer, useAction } from './action.js';
import { Badge } from './badge.js';
import { useDashboard, useNow, useResource, useTitle } from './context.js';
import { Empty, Failed, Loading } from './states.js';

/** The deployments to the fleet, newest first. */
export function DeploymentsPage() {
  const { api, happenings } = useDashboard();
  const older = useSignal<Page[]>([]);
  const more = useAction();
  const now = useNow();
  useTitle('Deployments');
  const first = useResource('deployments', () => api.deployments(), happenings);
  const pages = first.value === undefined ? [] : [first.value, ...older.value];
  const deployments = pages.flatMap((page) => page.deployments);
  const next = pages.at(-1)?.next;
  return (
    <div class="page">
      <div class="page-head">
        <h1>Deployments</h1>
      </div>
      {first.problem !== undefined && (
        <Failed what="The deployments could not be read" problem={first.problem} />
      )}
      {first.value === undefined && first.loading && <Loading what="Reading the deployments" />}
      {first.value !== undefined && deployments.length === 0 && (
        <Empty>Nothing was deployed to this fleet yet.</Empty>
      )}
      {deployments.length > 0 && (
        <section class="panel" aria-label="Deployments, newest first">
          <div class="scroll-x">
            <table class="plain-table">
              <thead>
                <tr>
                  <th scope="col">Revision</th>
                  <th scope="col">Name</th>
                  <th scope="col">Status</th>
                  <th scope="col">Made</th>
                  <th scope="col" class="wide-only">
                    Id
                  </th>
                </tr>
              </thead>
              <tbody>
                {deployments.map(({ deploymentId, revision, name, status, created, latest }) => (
                  <tr key={deploymentId}>
                    <th scope="row">
                      <a href={hrefs.deployment(deploymentId)}>
                        <span class="visually-hidden">Revision </span>
                        {revision}
                      </a>
                    </th>
                    <td>
                      {name ?? '–'} {latest && <small class="soft">in force</small>}
                    </td>
                    <td>
                      <Badge state={status} />
                    </td>
                    <td class="soft" title={created === undefined ? undefined : momentOf(created)}>
                      {created === undefined ? '–' : ageOf(created, now)}
                    </td>
                    <td class="soft mono wide-only">{deploymentId}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {next !== undefined && (
            <button
              type="button"
              class="button"
              disabled={more.busy}
              onClick={() =>
                void more.run('reading', async () => {
                  older.value = [...older.value, await api.deployments(next)];
                  return '';
                })
              }
            >
              Older deployments
            </button>
          )}
          <Answer outcome={more.outcome} />
        </section>
      )}
    </div>
  );
}
