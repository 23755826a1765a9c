import './no-eval.js';
import { render, type VNode } from 'preact';
import { sentenceOf } from './cloud/problem.js';
import { assemble, follow, loadConfig } from './dashboard.js';
import { App } from './views/app.js';
import { DashboardProvider } from './views/context.js';
import { Failed } from './views/states.js';
import { applyKeptTheme } from './views/theme.js';

applyKeptTheme();
const page = document.getElementById('page') ?? document.body;

function show(view: VNode): void {
  // What the file itself shows until there is something.
  document.getElementById('before')?.remove();
  render(view, page);
}

async function start(): Promise<void> {
  const dashboard = assemble(await loadConfig());
  await dashboard.session.start();
  follow(dashboard);
  show(
    <DashboardProvider value={dashboard}>
      <App />
    </DashboardProvider>,
  );
}

/** Until the cloud answers for the first time: says what is wrong, and tries again. */
async function startWhenReachable(): Promise<void> {
  for (;;) {
    try {
      return await start();
    } catch (error) {
      show(
        <main class="alone">
          <Failed what="The dashboard cannot start" problem={`${sentenceOf(error)}; trying again`} />
        </main>,
      );
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    }
  }
}

void startWhenReachable();
